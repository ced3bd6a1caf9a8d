#include "amtgate/wsman/names.h"

#include <algorithm>
#include <array>

namespace amtgate::wsman {
namespace {

struct Family {
  std::string_view prefix, uri;
};
constexpr std::array<Family, 3> kFamilies = {{{"AMT_", "http://intel.com/wbem/wscim/1/amt-schema/1/"},
                                              {"IPS_", "http://intel.com/wbem/wscim/1/ips-schema/1/"},
                                              {"CIM_", "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"}}};

struct Verb {
  Operation op;
  std::string_view name, space;
};
constexpr std::array<Verb, 7> kVerbs = {{{Operation::Get, "Get", kTransfer},
                                         {Operation::Put, "Put", kTransfer},
                                         {Operation::Create, "Create", kTransfer},
                                         {Operation::Delete, "Delete", kTransfer},
                                         {Operation::Enumerate, "Enumerate", kEnumeration},
                                         {Operation::Pull, "Pull", kEnumeration},
                                         {Operation::Release, "Release", kEnumeration}}};

}  // namespace

std::string class_uri(std::string_view class_name) {
  for (const Family& f : kFamilies) {
    if (class_name.starts_with(f.prefix)) return std::string(f.uri).append(class_name);
  }
  return std::string(class_name);
}

bool is_identifier(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, fits);
}

std::string_view class_of(std::string_view uri) {
  const std::size_t slash = uri.rfind('/');
  return slash == std::string_view::npos ? uri : uri.substr(slash + 1);
}

std::string_view name(Operation op) {
  for (const Verb& v : kVerbs) {
    if (v.op == op) return v.name;
  }
  return op == Operation::Invoke ? "Invoke" : "Identify";
}

std::string action(Operation op, std::string_view class_name, std::string_view method) {
  for (const Verb& v : kVerbs) {
    if (v.op == op) return std::string(v.space) + "/" + std::string(v.name);
  }
  if (op == Operation::Identify) return {};
  return class_uri(class_name) + "/" + std::string(method);
}

std::optional<ActionParts> parse_action(std::string_view action) {
  const std::size_t slash = action.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view space = action.substr(0, slash), word = action.substr(slash + 1);
  for (const Verb& v : kVerbs) {
    if (space == v.space) {
      if (word == v.name) return ActionParts{v.op, {}};
    }
  }
  for (const Family& f : kFamilies) {
    if (space.starts_with(f.uri) && is_identifier(word)) return ActionParts{Operation::Invoke, std::string(word)};
  }
  return std::nullopt;
}

}  // namespace amtgate::wsman
