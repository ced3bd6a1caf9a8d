#include "amtgate/net/hosts_file.h"

#include <algorithm>

namespace amtgate::net {
namespace {

constexpr std::string_view kBlanks = " \t\r\f\v";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// Takes the next word off the front; empty at the end.
std::string_view word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view out = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(out.size());
  return out;
}

}  // namespace

std::map<std::string, std::vector<IpAddress>> parse_hosts(std::string_view text) {
  std::map<std::string, std::vector<IpAddress>> out;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const Result<IpAddress> address = IpAddress::parse(word(line));
    if (!address) continue;
    for (std::string_view name = word(line); !name.empty(); name = word(line)) out[lower(name)].push_back(*address);
  }
  return out;
}

const std::vector<IpAddress>& HostsFile::find(std::string_view name) {
  static const std::vector<IpAddress> kNone;
  if (const sys::FileStamp now = sys::file_stamp(path_); now != seen_) {
    const Result<std::string> text = sys::read_file(path_, kMaxFile);
    names_ = parse_hosts(text ? std::string_view(*text) : std::string_view());
    seen_ = now;
  }
  const auto at = names_.find(lower(name));
  return at == names_.end() ? kNone : at->second;
}

}  // namespace amtgate::net
