#include "amtgate/sys/pipe.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace amtgate::sys {

Result<PipeTo> PipeTo::start(const std::vector<std::string>& arguments) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error{Errc::System, std::string("pipe: ") + std::strerror(errno)};
  UniqueFd out(ends[0]), in(ends[1]);
  std::vector<char*> argv;
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, out.get(), STDIN_FILENO);
  // We ignore SIGPIPE; the program may rely on it.
  sigset_t defaults;
  ::sigemptyset(&defaults);
  ::sigaddset(&defaults, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    return Error{error == ENOENT ? Errc::Unreachable : Errc::System, arguments[0] + ": " + std::strerror(error)};
  }
  return PipeTo(pid, std::move(in));
}

PipeTo::PipeTo(PipeTo&& other) noexcept : pid_(std::exchange(other.pid_, -1)), input_(std::move(other.input_)) {}

PipeTo::~PipeTo() {
  if (pid_ > 0) (void)finish();
}

Result<void> PipeTo::write(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(input_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Errc::Closed, std::string("it reads no more: ") + std::strerror(errno)};
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

int PipeTo::finish() {
  input_.reset();
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace amtgate::sys
