#include "amtgate/sys/child.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "amtgate/sys/clock.h"
#include "amtgate/sys/fd.h"

extern char** environ;

namespace amtgate::sys {
namespace {

constexpr std::size_t kMaxLine = 4096;
constexpr std::size_t kMaxLines = 64;
constexpr Duration kLook = milliseconds(20);
constexpr Duration kGrace = seconds(5);

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// Ours, with `more` in place of those of the same names.
std::vector<std::string> merged(const std::vector<std::string>& more) {
  std::vector<std::string> out = more;
  for (char** e = environ; e != nullptr && *e != nullptr; ++e) {
    const std::string text = *e;
    const std::string name = text.substr(0, text.find('=') + 1);
    if (std::ranges::none_of(more, [&](const std::string& m) { return m.starts_with(name); })) out.push_back(text);
  }
  return out;
}

std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

}  // namespace

std::string find_in_path(const std::string& program) {
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0 ? program : std::string();
  const char* given = std::getenv("PATH");
  std::string path = given != nullptr ? given : "/usr/local/bin:/usr/bin:/bin";
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    const std::string full = path.substr(at, end - at) + "/" + program;
    if (end > at && ::access(full.c_str(), X_OK) == 0) return full;
    at = end + 1;
  }
  return {};
}

Result<std::unique_ptr<Child>> Child::start(const Options& o) {
  const std::string path = o.arguments.empty() ? std::string() : find_in_path(o.arguments[0]);
  if (path.empty()) {
    return Error{Errc::Unreachable, "there is no program '" + (o.arguments.empty() ? "" : o.arguments[0]) + "'"};
  }
  int fds[2] = {-1, -1};
  if (o.background && ::pipe2(fds, O_CLOEXEC) != 0)
    return Error{Errc::System, std::string("pipe: ") + std::strerror(errno)};
  UniqueFd read(fds[0]), write(fds[1]);
  const UniqueFd null(o.background ? ::open("/dev/null", O_RDWR | O_CLOEXEC) : -1);
  std::vector<std::string> arguments = o.arguments, environment = merged(o.environment);
  const std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  sigset_t none;
  sigemptyset(&none);

  // Not posix_spawn(3), which cannot change the account. Between fork and exec: calls to the kernel alone, since
  // other threads' locks stay as they were.
  const pid_t pid = ::fork();
  if (pid < 0) return Error{Errc::System, std::string("fork: ") + std::strerror(errno)};
  if (pid == 0) {
    if (o.background) {
      ::setpgid(0, 0);
      ::dup2(null.get(), STDIN_FILENO);
      ::dup2(null.get(), STDOUT_FILENO);
      ::dup2(write.get(), STDERR_FILENO);
    }
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT}) ::signal(number, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (o.account) {
      const auto [uid, gid] = *o.account;
      if (::setgroups(0, nullptr) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0) ::_exit(126);
    }
    ::execve(path.c_str(), argv.data(), envp.data());
    ::_exit(127);
  }
  std::unique_ptr<Child> out(new Child);
  out->pid_ = pid;
  out->closed_ = !o.background;
  if (o.background) {
    Child* child = out.get();
    out->reader_ = std::thread([child, fd = std::move(read)] { child->read_lines(fd.get()); });
  }
  return out;
}

Child::~Child() {
  stop(kGrace);
  if (reader_.joinable()) reader_.join();
}

void Child::read_lines(int fd) {
  std::string line;
  char chunk[1024];
  while (true) {
    const ssize_t n = ::read(fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    const std::lock_guard lock(mutex_);
    for (ssize_t i = 0; i < n; ++i) {
      // Progress on a terminal begins with a return.
      if (chunk[i] != '\n' && chunk[i] != '\r') {
        if (line.size() < kMaxLine) line += chunk[i];
      } else if (!line.empty()) {
        lines_.push_back(std::exchange(line, {}));
        if (lines_.size() > kMaxLines) {
          lines_.erase(lines_.begin());
          ++first_;
        }
      }
    }
    closed_ = n <= 0;
    changed_.notify_all();
    if (closed_) return;
  }
}

std::optional<int> Child::ended() {
  if (status_) return status_;
  int status = 0;
  const pid_t r = ::waitpid(pid_, &status, WNOHANG);
  if (r == 0 || (r < 0 && errno == EINTR)) return std::nullopt;
  status_ = r < 0 ? 127 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return status_;
}

bool Child::wait_line(const std::string& text, TimePoint until) {
  std::unique_lock lock(mutex_);
  while (true) {
    for (; seen_ < first_ + lines_.size(); ++seen_) {
      if (seen_ >= first_ && lines_[seen_ - first_].find(text) != std::string::npos) {
        ++seen_;
        return true;
      }
    }
    if (closed_ || sys::now() >= until) return false;
    changed_.wait_until(lock, until);
  }
}

std::string Child::last_line() {
  const std::lock_guard lock(mutex_);
  return lines_.empty() ? std::string() : printable(lines_.back());
}

int Child::stop(Duration grace) {
  if (ended()) return *status_;
  ::kill(pid_, SIGTERM);
  for (const TimePoint until = now() + grace; now() < until && !ended();) {
    std::this_thread::sleep_for(kLook);
  }
  if (!ended()) {
    ::kill(pid_, SIGKILL);
    while (!ended()) std::this_thread::sleep_for(kLook);
  }
  return *status_;
}

}  // namespace amtgate::sys
