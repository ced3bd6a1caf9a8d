#include "amtgate/daemon/config_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"
#include "amtgate/config/bundle.h"
#include "amtgate/sys/clock.h"

namespace amtgate::daemon {
namespace {

constexpr seconds kDeadline{20};                      // hundreds of secret files on a slow disk
constexpr std::size_t kMaxBundle = 64 * 1024 * 1024;  // several of the largest configuration file

bool write_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

/// Fills `to`; false when the other side ends or `until` is over.
bool read_all(int fd, MutableBytes to, TimePoint until) {
  while (!to.empty()) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - sys::now()).count();
    if (left <= 0) return false;
    pollfd wait{fd, POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(left)) <= 0) {
      if (errno == EINTR) continue;
      return false;
    }
    const ssize_t n = ::read(fd, to.data(), to.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to = to.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

/// The life of the process: one bundle for each byte, until the daemon is gone.
void serve(int fd, const std::string& file) {
  char ask = 0;
  while (true) {
    const ssize_t n = ::read(fd, &ask, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    config::DiskFiles disk;
    config::RecordingFiles recorded(disk);
    (void)config::load(file, recorded);
    Buffer message;
    const Buffer bundle = recorded.to_bytes();
    Writer(message).be32(static_cast<std::uint32_t>(bundle.size())).bytes(bundle);
    if (!write_all(fd, message)) return;
  }
}

[[noreturn]] void run_child(sys::UniqueFd socket, const std::string& file, const sys::Account& account,
                            pid_t parent) {
  // The daemon's end decides: a supervisor's SIGTERM reaches every process of the unit.
  for (const int number : {SIGHUP, SIGINT, SIGTERM, SIGPIPE}) ::signal(number, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_NAME, "amtgated-config");
  constexpr std::array kKeep = {sys::Capability::DacReadSearch};
  // Nothing in it decides what is read, so failing to give rights up is reason enough not to serve.
  const bool safe = sys::drop_privileges(account, kKeep) && sys::no_new_privileges() && sys::disable_core_dumps();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // after the change of user, which clears it
  if (safe && ::getppid() == parent) serve(socket.get(), file);
  ::_exit(0);
}

config::Parsed failed(const std::string& file, std::string text) {
  config::Parsed out;
  out.mistakes.push_back({file, 0, std::move(text)});
  return out;
}

}  // namespace

Result<std::unique_ptr<ConfigReader>> ConfigReader::start(const std::string& file, const sys::Account& account) {
  if (::geteuid() != 0 || account.uid == 0) {
    return std::unique_ptr<ConfigReader>(new ConfigReader(file, sys::UniqueFd(), -1));
  }
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return Error{Errc::System, std::string("cannot make a socket pair: ") + std::strerror(errno)};
  }
  sys::UniqueFd ours(pair[0]);
  sys::UniqueFd theirs(pair[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return Error{Errc::System, std::string("cannot start the reader: ") + std::strerror(errno)};
  if (pid == 0) {
    ours.reset();
    run_child(std::move(theirs), file, account, parent);
  }
  return std::unique_ptr<ConfigReader>(new ConfigReader(file, std::move(ours), pid));
}

ConfigReader::~ConfigReader() {
  socket_.reset();
  if (pid_ <= 0) return;
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

config::Parsed ConfigReader::load() {
  if (!socket_) return config::load(file_);
  const TimePoint until = sys::now() + kDeadline;
  const std::uint8_t ask = 'r';
  std::array<std::uint8_t, 4> head{};
  if (!write_all(socket_.get(), {&ask, 1}) || !read_all(socket_.get(), head, until)) {
    return failed(file_, "the process that reads the configuration does not answer");
  }
  const std::uint32_t size = Reader(head).be32();
  if (size > kMaxBundle) return failed(file_, "the configuration with all its files is too large to reload");
  Buffer bytes(size);
  if (!read_all(socket_.get(), bytes, until)) {
    return failed(file_, "the process that reads the configuration does not answer");
  }
  Result<config::BundledFiles> files = config::BundledFiles::parse(bytes);
  if (!files) return failed(file_, files.error().detail);
  return config::load(file_, *files);
}

}  // namespace amtgate::daemon
