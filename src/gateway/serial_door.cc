#include "amtgate/gateway/serial_door.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "amtgate/net/listen.h"
#include "amtgate/sys/log.h"

namespace amtgate::gateway {
namespace {

constexpr Duration kRetry = seconds(5);
// Between a terminal and its session; the session has bounds of its own.
constexpr std::size_t kBridge = 16 * 1024;

Error failed(const std::string& what) {
  return Error{Errc::System, what + ": " + std::strerror(errno)};
}

/// What both kinds have: a try now, and another one later.
class Trying : public SerialDoor {
 public:
  std::string problem() const override { return problem_; }

 protected:
  Trying(net::Loop& loop, const config::SerialDoor& at) : loop_(loop), at_(at), timer_(loop, [this] { attempt(); }) {}

  // The timer calls it, which is not armed before a door is whole.
  // cppcheck-suppress pureVirtualCall
  virtual Result<void> open_now() = 0;

  void attempt() {
    const Result<void> done = open_now();
    problem_ = done ? "" : done.error().detail;
    if (done) {
      log::info("sol.listen", {{"at", config::to_string(at_)}});
      return;
    }
    if (!std::exchange(told_, true)) {
      log::warn("sol.listen_failed", {{"at", config::to_string(at_)}, {"why", done.error().detail}});
    }
    timer_.arm(kRetry);
  }

  net::Loop& loop_;
  const config::SerialDoor at_;

 private:
  net::Timer timer_;
  bool told_ = false;
  std::string problem_;
};

class TcpDoor final : public Trying {
 public:
  TcpDoor(net::Loop& loop, const config::SerialDoor& at, OnCall on_call)
      : Trying(loop, at), on_call_(std::move(on_call)) {
    attempt();
  }

 private:
  Result<void> open_now() override {
    net::ListenOptions options;
    options.at = at_.at;
    options.backlog = 16;
    Result<sys::UniqueFd> fd = net::open_listener(options);
    if (!fd) return fd.error();
    listener_ = std::make_unique<net::Listener>(
        loop_, std::move(*fd), net::Destination::Socket,
        [this](net::Accepted accepted) { on_call_(std::move(accepted.fd), accepted.client); });
    return {};
  }

  OnCall on_call_;
  std::unique_ptr<net::Listener> listener_;
};

/// Bytes on their way from one descriptor to another.
struct Lane {
  std::array<std::uint8_t, kBridge> bytes{};
  std::size_t from = 0, to = 0;

  bool empty() const { return from == to; }
  /// False: the source has ended.
  bool fill(int fd) {
    if (!empty()) return true;
    const ssize_t n = ::read(fd, bytes.data(), bytes.size());
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    from = 0;
    to = static_cast<std::size_t>(n);
    return n > 0;
  }
  bool drain(int fd) {
    while (!empty()) {
      const ssize_t n = ::write(fd, bytes.data() + from, to - from);
      if (n < 0) return errno == EAGAIN || errno == EINTR;
      from += static_cast<std::size_t>(n);
    }
    return true;
  }
  void drop() { from = to; }
};

/// The kernel says when a program opens the terminal's other end (inotify), and when the last one has closed it (the
/// read fails): a session lasts from the one to the other. What a program made of the terminal stays behind it, as
/// long as our end is open: its settings are undone, and where it is still for that program alone (TIOCEXCL, which
/// screen leaves set, and nobody without privileges can take away then) another terminal takes its place.
class PtyDoor final : public Trying {
 public:
  PtyDoor(net::Loop& loop, const config::SerialDoor& at, OnCall on_call)
      : Trying(loop, at), on_call_(std::move(on_call)) {
    attempt();
  }
  ~PtyDoor() override {
    std::array<char, 64> now{};
    const ssize_t n = ::readlink(at_.path.c_str(), now.data(), now.size() - 1);
    if (!terminal_.empty() && n > 0 && terminal_ == now.data()) ::unlink(at_.path.c_str());
  }

 private:
  Result<void> open_now() override {
    sys::UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    if (!master || ::unlockpt(master.get()) != 0) return failed("cannot make a pseudo-terminal");
    std::array<char, 64> name{};
    if (::ptsname_r(master.get(), name.data(), name.size()) != 0) return failed("cannot name a pseudo-terminal");
    if (const Result<void> raw = prepare(name.data()); !raw) return raw;
    sys::UniqueFd notes(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!notes || ::inotify_add_watch(notes.get(), name.data(), IN_OPEN) < 0) {
      return failed(std::string("cannot watch ") + name.data());
    }
    if (const Result<void> linked = link(name.data()); !linked) return linked;
    terminal_ = name.data();
    master_ = std::move(master);
    notes_ = std::move(notes);
    notes_watch_ = std::make_unique<net::Watch>(loop_, notes_.get(), [this](net::Ready) { noted(); });
    notes_watch_->want(true, false);
    return {};
  }

  static Result<void> prepare(const char* name) {
    const sys::UniqueFd other(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!other) return failed(std::string("cannot open ") + name);
    termios settings{};
    if (::tcgetattr(other.get(), &settings) != 0) return failed(std::string("cannot set up ") + name);
    ::cfmakeraw(&settings);
    ::ioctl(other.get(), TIOCNXCL);
    ::tcflush(other.get(), TCIOFLUSH);  // the next one does not get what this one has not read
    if (::tcsetattr(other.get(), TCSANOW, &settings) != 0) return failed(std::string("cannot set up ") + name);
    // devpts gives it to the group tty, which is for messages to people's terminals.
    if (::fchown(other.get(), static_cast<uid_t>(-1), ::getegid()) != 0 || ::fchmod(other.get(), 0660) != 0) {
      return failed(std::string("cannot give ") + name + " to the daemon's group");
    }
    return {};
  }

  Result<void> link(const char* name) const {
    struct stat there {};
    if (::lstat(at_.path.c_str(), &there) == 0) {
      if (!S_ISLNK(there.st_mode)) return Error{Errc::System, at_.path + " is there, and is no symbolic link"};
      ::unlink(at_.path.c_str());
    }
    if (::symlink(name, at_.path.c_str()) == 0) return {};
    return Error{Errc::System, "cannot make the link " + at_.path + ": " + std::strerror(errno) +
                                   "; its folder has to belong to the daemon's account"};
  }

  void noted() {
    std::array<char, 4096> events;
    bool any = false;
    while (::read(notes_.get(), events.data(), events.size()) > 0) any = true;
    if (any && !bridge_) call();
  }

  short state() const {
    pollfd now{master_.get(), POLLIN, 0};
    return ::poll(&now, 1, 0) > 0 ? now.revents : short{0};
  }
  /// No program has it open.
  bool hung_up() const { return (state() & POLLHUP) != 0; }

  void call() {
    if ((state() & (POLLHUP | POLLIN)) == POLLHUP) return;  // closed again, and nothing was typed
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return;
    sys::UniqueFd theirs(ends[1]);
    bridge_ = std::make_unique<Bridge>();
    bridge_->socket.reset(ends[0]);
    bridge_->on_terminal = std::make_unique<net::Watch>(loop_, master_.get(), [this](net::Ready) { move(); });
    bridge_->on_socket = std::make_unique<net::Watch>(loop_, ends[0], [this](net::Ready) { move(); });
    bridge_->on_terminal->want(true, false);
    bridge_->on_socket->want(true, false);
    on_call_(std::move(theirs), Endpoint{});
  }

  void move() {
    if (!bridge_) return;
    Bridge& b = *bridge_;
    const int terminal = master_.get(), socket = b.socket.get();
    if (!b.typed.fill(terminal) || !b.typed.drain(socket) || !b.said.fill(socket)) return closed();
    if (hung_up()) {
      // The machine may have to say something first before it takes what was typed, and nobody reads that any more.
      b.said.drop();
    } else if (!b.said.drain(terminal)) {
      return closed();
    }
    b.on_terminal->want(b.typed.empty(), !b.said.empty());
    b.on_socket->want(b.said.empty(), !b.typed.empty());
  }

  void closed() {
    ::tcflush(master_.get(), TCIFLUSH);  // nor the next session what was typed for this one
    const bool ready = !hung_up() || prepare(terminal_.c_str()).has_value();
    if (!ready) bridge_->old_terminal = std::move(master_);
    loop_.retire(std::shared_ptr<Bridge>(std::move(bridge_)));
    if (ready) return;
    notes_watch_.reset();
    attempt();
  }

  struct Bridge {
    sys::UniqueFd socket, old_terminal;
    Lane typed, said;
    std::unique_ptr<net::Watch> on_terminal, on_socket;  // behind the descriptors: gone before they close
  };

  OnCall on_call_;
  std::string terminal_;
  sys::UniqueFd master_;
  sys::UniqueFd notes_;
  std::unique_ptr<net::Watch> notes_watch_;
  std::unique_ptr<Bridge> bridge_;
};

}  // namespace

std::unique_ptr<SerialDoor> SerialDoor::open(net::Loop& loop, const config::SerialDoor& at, OnCall on_call) {
  if (at.kind == config::SerialDoor::Kind::Pty) return std::make_unique<PtyDoor>(loop, at, std::move(on_call));
  return std::make_unique<TcpDoor>(loop, at, std::move(on_call));
}

}  // namespace amtgate::gateway
