// The names of a hosts(5) file, usually /etc/hosts.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/sys/file.h"

namespace amtgate::net {

/// Lower-case names, each with the addresses of all its lines, in their order. Lines that say nothing are skipped.
std::map<std::string, std::vector<IpAddress>> parse_hosts(std::string_view text);

class HostsFile {
 public:
  /// Block lists are the largest in use, with a few MB.
  static constexpr std::size_t kMaxFile = 32 * 1024 * 1024;

  /// Nothing is read yet.
  explicit HostsFile(std::string path) : path_(std::move(path)) {}

  /// Empty: no such name. In any case of letters. Looks whether the file is another than before, and reads it then;
  /// a file that cannot be read has no names. The answer lives until the next call.
  const std::vector<IpAddress>& find(std::string_view name);

 private:
  const std::string path_;
  sys::FileStamp seen_;
  std::map<std::string, std::vector<IpAddress>> names_;
};

}  // namespace amtgate::net
