#include "amtgate/sys/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "amtgate/sys/clock.h"
#include "amtgate/sys/fd.h"

namespace amtgate::sys {
namespace {

constexpr const char* kFolders[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};

Result<std::string> locate(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    if (::access(program.c_str(), X_OK) == 0) return program;
  } else {
    for (const char* folder : kFolders) {
      std::string path = std::string(folder) + "/" + program;
      if (::access(path.c_str(), X_OK) == 0) return path;
    }
  }
  return Error{Errc::Unreachable, "there is no program '" + program + "'"};
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return Error{Errc::System, std::string("pipe: ") + std::strerror(errno)};
  Pipe p;
  p.read.reset(fds[0]);
  p.write.reset(fds[1]);
  return p;
}

/// RAII for posix_spawn's two C objects, which are not pointers.
struct Actions {
  Actions() { ::posix_spawn_file_actions_init(&value); }
  ~Actions() { ::posix_spawn_file_actions_destroy(&value); }
  posix_spawn_file_actions_t value;
};
struct Attributes {
  Attributes() { ::posix_spawnattr_init(&value); }
  ~Attributes() { ::posix_spawnattr_destroy(&value); }
  posix_spawnattr_t value;
};

/// The child: killed and reaped if we leave before it ends.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait(0);
  }
  /// Exit status once it has ended, as a shell gives it; -1 before.
  int wait(int flags) {
    int status = 0;
    pid_t r = 0;
    while ((r = ::waitpid(pid_, &status, flags)) < 0 && errno == EINTR) {
    }
    if (r == 0) return -1;
    pid_ = 0;
    if (r < 0) return 127;  // somebody else reaped it (SIGCHLD ignored)
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

/// Reads what is there; false at the end.
bool drain(int fd, std::string& into, std::size_t limit) {
  char chunk[16384];
  const ssize_t n = ::read(fd, chunk, sizeof chunk);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  const std::size_t room = limit - into.size();
  into.append(chunk, std::min(room, static_cast<std::size_t>(n)));
  return n > 0;
}

}  // namespace

Result<RunResult> run(const std::vector<std::string>& arguments, const RunOptions& options) {
  const TimePoint end = now() + options.deadline;
  if (arguments.empty()) return Error{Errc::BadValue, "no program given"};
  const Result<std::string> path = locate(arguments[0]);
  if (!path) return path.error();
  Result<Pipe> in = make_pipe();
  Result<Pipe> out = make_pipe();
  Result<Pipe> err = make_pipe();
  for (const Result<Pipe>* p : {&in, &out, &err}) {
    if (!*p) return p->error();
  }
  ::fcntl(in->write.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(out->read.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(err->read.get(), F_SETFL, O_NONBLOCK);

  Actions actions;
  ::posix_spawn_file_actions_adddup2(&actions.value, in->read.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions.value, out->write.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions.value, err->write.get(), STDERR_FILENO);
  ::posix_spawn_file_actions_addclosefrom_np(&actions.value, 3);
  Attributes attributes;
  sigset_t all;
  sigset_t none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  ::posix_spawnattr_setflags(&attributes.value, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  ::posix_spawnattr_setsigdefault(&attributes.value, &all);
  ::posix_spawnattr_setsigmask(&attributes.value, &none);

  std::vector<std::string> copies = arguments;
  std::vector<char*> argv;
  for (std::string& a : copies) argv.push_back(a.data());
  argv.push_back(nullptr);
  std::string search = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::string locale = "LC_ALL=C";
  char* environment[] = {search.data(), locale.data(), nullptr};
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, path->c_str(), &actions.value, &attributes.value, argv.data(), environment);
  if (failed != 0) return Error{Errc::System, "cannot start " + *path + ": " + std::strerror(failed)};
  Child child(pid);
  in->read.reset();
  out->write.reset();
  err->write.reset();

  RunResult result;
  std::string_view input = options.input;
  if (input.empty()) in->write.reset();
  while (out->read || err->read) {
    pollfd fds[3] = {{in->write.get(), POLLOUT, 0}, {out->read.get(), POLLIN, 0}, {err->read.get(), POLLIN, 0}};
    const auto left = std::chrono::duration_cast<milliseconds>(end - now()).count();
    if (left <= 0) return Error{Errc::Timeout, *path + " did not end in time"};
    const int n = ::poll(fds, 3, static_cast<int>(std::min<long long>(left, 1000)));
    if (n < 0 && errno != EINTR) return Error{Errc::System, std::string("poll: ") + std::strerror(errno)};
    if (n <= 0) continue;
    if (in->write && fds[0].revents != 0) {
      // SIGPIPE is ignored or not: the caller's business. Here a broken pipe must not end the process.
      sigset_t pipe_only;
      sigset_t before;
      ::sigemptyset(&pipe_only);
      ::sigaddset(&pipe_only, SIGPIPE);
      ::pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
      const ssize_t w = ::write(in->write.get(), input.data(), input.size());
      const bool broken = w < 0 && errno != EAGAIN && errno != EINTR;
      if (broken && errno == EPIPE) {
        const timespec zero{0, 0};
        ::sigtimedwait(&pipe_only, nullptr, &zero);
      }
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      if (w > 0) input.remove_prefix(static_cast<std::size_t>(w));
      if (broken || input.empty()) in->write.reset();
    }
    if (out->read && fds[1].revents != 0 && !drain(out->read.get(), result.output, options.output_limit)) {
      out->read.reset();
    }
    if (err->read && fds[2].revents != 0 && !drain(err->read.get(), result.errors, options.output_limit)) {
      err->read.reset();
    }
  }
  for (;;) {
    result.status = child.wait(WNOHANG);
    if (result.status >= 0) return result;
    if (now() >= end) return Error{Errc::Timeout, *path + " did not end in time"};
    ::poll(nullptr, 0, 2);
  }
}

}  // namespace amtgate::sys
