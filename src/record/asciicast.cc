#include "amtgate/record/asciicast.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace amtgate::record {
namespace {

using nlohmann::json;

constexpr auto kReplace = json::error_handler_t::replace;

std::string json_text(std::string_view text) {
  return json(std::string(text)).dump(-1, ' ', false, kReplace);
}

unsigned side(const json& head, const char* name) {
  const auto found = head.find(name);
  constexpr std::uint64_t kMost = 1000;  // columns or rows
  if (found == head.end() || !found->is_number_unsigned()) return 0;
  return static_cast<unsigned>(std::min(found->get<std::uint64_t>(), kMost));
}

}  // namespace

std::string cast_head(const CastHead& head) {
  return "{\"version\": 2, \"width\": " + std::to_string(head.width) +
         ", \"height\": " + std::to_string(head.height) + ", \"timestamp\": " + std::to_string(head.timestamp) +
         ", \"title\": " + json_text(head.title) + ", \"env\": {\"TERM\": \"xterm-256color\"}}\n";
}

std::string cast_event(double seconds, char code, std::string_view text) {
  char time[32];
  std::snprintf(time, sizeof time, "%.3f", seconds);
  return "[" + std::string(time) + ", \"" + code + "\", " + json_text(text) + "]\n";
}

void CastReader::receive(Bytes in) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
  at_ = 0;
  append(buffer_, in);
}

Result<std::optional<CastReader::Event>> CastReader::next() {
  const auto wrong = [this](Errc code, const std::string& what) {
    error_ = Error{code, "line " + std::to_string(line_) + ": " + what};
    return *error_;
  };
  while (!error_) {
    const auto begin = buffer_.begin() + static_cast<std::ptrdiff_t>(at_);
    const auto end = std::find(begin, buffer_.end(), std::uint8_t{'\n'});
    const auto length = static_cast<std::size_t>(end - begin);
    if (length > kMaxLine) {
      ++line_;
      return wrong(Errc::TooLarge, "longer than " + std::to_string(kMaxLine) + " bytes");
    }
    if (end == buffer_.end() && (!finished_ || length == 0)) return std::optional<Event>();
    at_ += length + (end == buffer_.end() ? 0 : 1);
    ++line_;
    const json line = json::parse(begin, end, nullptr, false);
    if (line_ == 1) {
      if (!line.is_object() || line.value("version", json()) != 2) {
        return wrong(Errc::Unsupported, "it does not begin as an asciicast v2 file does");
      }
      head_.width = side(line, "width");
      head_.height = side(line, "height");
      if (const auto t = line.find("timestamp"); t != line.end() && t->is_number_integer()) {
        head_.timestamp = t->get<std::int64_t>();
      }
      if (const auto t = line.find("title"); t != line.end() && t->is_string()) head_.title = t->get<std::string>();
      continue;
    }
    if (length == 0) continue;
    if (end == buffer_.end() && line.is_discarded()) return std::optional<Event>();  // cut off in mid-line
    if (!line.is_array() || line.size() < 3 || !line[0].is_number() || !line[1].is_string() || !line[2].is_string()) {
      return wrong(Errc::BadValue, "not [seconds, kind, text]");
    }
    const double seconds = line[0].get<double>();
    const auto& code = line[1].get_ref<const std::string&>();
    if (!std::isfinite(seconds) || seconds < 0) return wrong(Errc::BadValue, "a time that is none");
    if (code != "o" && code != "i" && code != "m") continue;
    return std::optional<Event>(Event{seconds, code[0], line[2].get<std::string>()});
  }
  return *error_;
}

}  // namespace amtgate::record
