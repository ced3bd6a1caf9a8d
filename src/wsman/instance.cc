#include "amtgate/wsman/instance.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace amtgate::wsman {
namespace {

std::optional<std::string_view> text_of(const Property& p) {
  if (const auto* s = std::get_if<std::string>(&p.value)) return *s;
  if (const auto* d = std::get_if<Datetime>(&p.value)) return d->text;
  return std::nullopt;
}

bool same_word(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

}  // namespace

std::optional<std::string_view> Instance::text(std::string_view name) const {
  for (const Property& p : properties_) {
    if (p.name == name) return text_of(p);
  }
  return std::nullopt;
}

std::vector<std::string_view> Instance::texts(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const Property& p : properties_) {
    if (p.name != name) continue;
    if (const auto t = text_of(p)) out.push_back(*t);
  }
  return out;
}

const Reference* Instance::reference(std::string_view name) const {
  for (const Property& p : properties_) {
    if (p.name == name) return std::get_if<Reference>(&p.value);
  }
  return nullptr;
}

std::optional<std::uint64_t> Instance::number(std::string_view name) const {
  const auto t = text(name);
  if (!t) return std::nullopt;
  std::uint64_t n = 0;
  const auto [end, ec] = std::from_chars(t->data(), t->data() + t->size(), n);
  if (ec != std::errc{} || end != t->data() + t->size()) return std::nullopt;
  return n;
}

std::optional<bool> Instance::boolean(std::string_view name) const {
  const auto t = text(name);
  if (!t) return std::nullopt;
  if (*t == "1" || same_word(*t, "true")) return true;
  if (*t == "0" || same_word(*t, "false")) return false;
  return std::nullopt;
}

bool Instance::has(std::string_view name) const {
  return std::ranges::any_of(properties_, [&](const Property& p) { return p.name == name; });
}

Instance& Instance::add(std::string name, std::string value) {
  properties_.push_back({std::move(name), std::move(value)});
  return *this;
}
Instance& Instance::add(std::string name, Datetime value) {
  properties_.push_back({std::move(name), std::move(value)});
  return *this;
}
Instance& Instance::add(std::string name, Reference value) {
  properties_.push_back({std::move(name), std::move(value)});
  return *this;
}

Instance& Instance::set(std::string_view name, std::string value) {
  const auto first = std::ranges::find(properties_, name, &Property::name);
  if (first == properties_.end()) return add(std::string(name), std::move(value));
  first->value = std::move(value);
  const auto rest = std::remove_if(first + 1, properties_.end(), [&](const Property& p) { return p.name == name; });
  properties_.erase(rest, properties_.end());
  return *this;
}

void Instance::erase(std::string_view name) {
  std::erase_if(properties_, [&](const Property& p) { return p.name == name; });
}

}  // namespace amtgate::wsman
