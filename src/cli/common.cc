#include "amtgate/cli/common.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "amtgate/cli/exit.h"
#include "amtgate/config/draft.h"
#include "amtgate/config/load.h"
#include "amtgate/net/listen.h"
#include "amtgate/sys/clock.h"

namespace amtgate::cli {
namespace {

constexpr seconds kPatience{30};  // a reload may have to read hundreds of files

std::string printable(const std::string& text) {
  std::string out = text;
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return out.empty() ? "-" : out;
}

/// Characters, not bytes, of UTF-8.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

/// Waits until there is something to read; false when time is over.
bool wait_for_input(int fd, TimePoint until) {
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - sys::now()).count();
    if (left <= 0) return false;
    pollfd p{fd, POLLIN, 0};
    const int n = ::poll(&p, 1, static_cast<int>(left));
    if (n > 0) return true;
    if (n == 0 || errno != EINTR) return false;
  }
}

ssize_t send_with(int to, std::string_view bytes, std::span<const int> passed) {
  iovec data{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * control::kMaxPassed)> parts{};
  const std::size_t count = std::min(passed.size(), control::kMaxPassed);
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = parts.data();
  message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
  cmsghdr* part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int) * count);
  std::memcpy(CMSG_DATA(part), passed.data(), sizeof(int) * count);
  return ::sendmsg(to, &message, MSG_NOSIGNAL);
}

}  // namespace

Result<config::Gateway> gateway_settings(const Common& common) {
  config::DiskFiles files;
  const Result<config::Files::File> file = files.read(common.config, config::kMaxFile);
  if (!file) {
    if (!common.config_given) return config::Gateway{};
    return Error{Errc::System, "cannot read the configuration " + common.config + ": " + file.error().detail +
                                   (file.error().code == Errc::System ? "; try as root" : "")};
  }
  const config::Source source{common.config, file->text, false};
  return config::read_draft(std::span(&source, 1)).config.gateway;
}

Result<control::Reply> ask_daemon(const Common& common, const std::string& request, std::span<const int> passed) {
  const Result<config::Gateway> settings = gateway_settings(common);
  if (!settings) return settings.error();
  return ask_daemon_at(settings->control, request, kPatience, passed);
}

Result<control::Reply> ask_daemon_at(const std::string& path, const std::string& request, Duration patience,
                                     std::span<const int> passed) {
  const Result<sys::UniqueFd> fd = net::connect_unix(path);
  if (!fd) {
    const char* advice = fd.error().code == Errc::Unreachable ? "; is amtgated running?" : "; try as root";
    return Error{Errc::Unreachable, "cannot ask the daemon: " + fd.error().detail + advice};
  }
  const TimePoint until = sys::now() + patience;
  std::string_view rest = request;
  while (!rest.empty()) {
    // Descriptors go with the first bytes.
    const ssize_t n = passed.empty() || rest.size() != request.size()
                          ? ::send(fd->get(), rest.data(), rest.size(), MSG_NOSIGNAL)
                          : send_with(fd->get(), rest, passed);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error{Errc::Closed, "the daemon at " + path + " refused the connection; try as root"};
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  std::string line;
  std::array<char, 65536> block{};
  while (line.find('\n') == std::string::npos) {
    if (!wait_for_input(fd->get(), until)) {
      return Error{Errc::Timeout, "the daemon at " + path + " did not answer within " +
                                      std::to_string(std::chrono::duration_cast<seconds>(patience).count()) +
                                      " s; see its log"};
    }
    const ssize_t n = ::recv(fd->get(), block.data(), block.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error{Errc::Closed, "the daemon at " + path + " hung up; try as root, or see its log"};
    line.append(block.data(), static_cast<std::size_t>(n));
    if (line.size() > control::kMaxReply) return Error{Errc::TooLarge, "the daemon's answer has no end"};
  }
  line.resize(line.find('\n'));
  return control::parse_reply(line);
}

std::optional<control::Reply> ask_or_fail(const Common& common, const std::string& request, int& code,
                                          std::span<const int> passed) {
  Result<control::Reply> reply = ask_daemon(common, request, passed);
  if (!reply) {
    code = fail(exit_code(reply.error().code), reply.error().detail);
    return std::nullopt;
  }
  if (!reply->ok) {
    for (const std::string& mistake : reply->mistakes) std::fprintf(stderr, "%s\n", mistake.c_str());
    code = fail(kSaidNo, reply->error);
    return std::nullopt;
  }
  return std::move(*reply);
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(printable(row[i])));
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = printable(row[i]);
      out += cell;
      if (i + 1 < row.size()) out.append(widths[i] - width(cell) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string human_bytes(std::uint64_t n) {
  if (n < 1024) return std::to_string(n);
  const char* unit = "kMGTPE";
  double value = static_cast<double>(n) / 1024;
  while (value >= 1023.95 && unit[1] != '\0') {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f%c", value, *unit);
  return text;
}

std::string human_duration(std::int64_t seconds) {
  const auto text = [](std::int64_t n) { return std::to_string(n); };
  if (seconds < 0) seconds = 0;
  if (seconds < 60) return text(seconds) + "s";
  if (seconds < 3600) return text(seconds / 60) + "m";
  if (seconds < 86400) return text(seconds / 3600) + "h " + text(seconds / 60 % 60) + "m";
  return text(seconds / 86400) + "d " + text(seconds / 3600 % 24) + "h";
}

std::string clock_word(std::int64_t ahead) {
  if (ahead >= -1 && ahead <= 1) return "right";
  return (ahead > 0 ? "+" : "-") + human_duration(ahead > 0 ? ahead : -ahead);
}

}  // namespace amtgate::cli
