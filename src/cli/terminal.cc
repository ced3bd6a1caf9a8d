#include "amtgate/cli/terminal.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace amtgate::cli {
namespace {

constexpr std::size_t kMaxTyped = 1024;  // far over what a password may have

/// One line of standard input without its newline.
Result<std::string> read_line() {
  std::string line;
  while (line.size() < kMaxTyped) {
    char c = 0;
    const ssize_t n = ::read(STDIN_FILENO, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Errc::System, std::string("cannot read the password: ") + std::strerror(errno)};
    if (n == 0 && line.empty()) return Error{Errc::Closed, "no password on standard input"};
    if (n == 0 || c == '\n') break;
    line += c;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

/// The terminal without echo while it lives.
class Silence {
 public:
  Silence() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL;
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~Silence() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

}  // namespace

bool on_terminal() {
  return ::isatty(STDIN_FILENO) == 1;
}

Result<std::string> ask_secret(const std::string& prompt) {
  if (!on_terminal()) return read_line();
  const Silence silence;
  std::fputs(prompt.c_str(), stderr);
  return read_line();
}

Result<std::string> ask_new_password(const std::string& user) {
  Result<std::string> first = ask_secret("Password for " + user + ": ");
  if (!first || !on_terminal()) return first;
  const Result<std::string> second = ask_secret("Once more: ");
  if (!second) return second;
  if (*first != *second) return Error{Errc::BadValue, "the two passwords differ; nothing was changed"};
  return first;
}

std::string fitting(const std::string& text, unsigned columns) {
  // The last column stays free: some terminals wrap once it is written.
  std::size_t left = columns > 1 ? columns - 1 : 160;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (begins && left-- == 0) return text.substr(0, i);
  }
  return text;
}

void draw_line(const std::string& text) {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) size.ws_col = 0;
  std::fprintf(stderr, "\r\033[K%s", fitting(text, size.ws_col).c_str());
}

}  // namespace amtgate::cli
