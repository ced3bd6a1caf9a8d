#include "amtgate/cli/raw_terminal.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace amtgate::cli {
namespace {

// What a signal handler needs; it may look at nothing else.
volatile sig_atomic_t g_fd = -1;
volatile sig_atomic_t g_titled = 0;
termios g_before;

// Source: xterm's ctlseqs, "Window manipulation" 22 and 23, and OSC 2.
constexpr char kKeepTitle[] = "\033[22;2t";
constexpr char kOldTitle[] = "\033[23;2t";

constexpr std::array<int, 7> kFatal = {SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};

void restore() {
  const int fd = g_fd;
  if (fd < 0) return;
  ::tcsetattr(fd, TCSADRAIN, &g_before);
  if (g_titled != 0) (void)!::write(fd, kOldTitle, sizeof kOldTitle - 1);
}

extern "C" void on_fatal(int number) {
  restore();
  ::signal(number, SIG_DFL);
  ::raise(number);
}

}  // namespace

RawTerminal::RawTerminal(int fd) : fd_(fd) {
  if (::tcgetattr(fd_, &g_before) != 0) {
    fd_ = -1;
    return;
  }
  g_fd = fd_;
  for (const int number : kFatal) ::signal(number, on_fatal);
  make_raw();
}

RawTerminal::~RawTerminal() {
  give_back();
  g_fd = -1;
  g_titled = 0;
  for (const int number : kFatal) ::signal(number, SIG_DFL);
}

void RawTerminal::make_raw() {
  if (fd_ < 0) return;
  termios raw = g_before;
  ::cfmakeraw(&raw);
  ::tcsetattr(fd_, TCSADRAIN, &raw);
}

void RawTerminal::give_back() {
  if (fd_ >= 0) restore();
}

void RawTerminal::set_title(const std::string& title) {
  if (fd_ < 0) return;
  std::string text = g_titled != 0 ? "" : kKeepTitle;
  text += "\033]2;";
  for (const char c : title) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) text += c;
  }
  text += '\a';
  g_titled = 1;
  (void)!::write(fd_, text.data(), text.size());
}

void RawTerminal::suspend() {
  give_back();
  g_titled = 0;
  ::raise(SIGSTOP);
  make_raw();
}

}  // namespace amtgate::cli
