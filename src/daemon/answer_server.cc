#include "amtgate/daemon/answer_server.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

#include "amtgate/net/stream.h"

namespace amtgate::daemon {
namespace {

// What the kernel gives beyond this it closes itself.
constexpr std::size_t kMostAtOnce = 8;

}  // namespace

struct AnswerServer::Impl {
  struct Connection {
    Connection(net::Loop& loop, sys::UniqueFd fd, std::function<void()> on_time)
        : stream(std::make_unique<net::Stream>(loop, std::move(fd))), timer(loop, std::move(on_time)) {}
    std::unique_ptr<net::Stream> stream;
    net::Timer timer;
    std::string request;
    std::vector<sys::UniqueFd> passed;
    std::string answer;
    std::size_t written = 0;
  };

  Impl(net::Loop& l, AnswerOptions o, Answer a) : loop(l), options(std::move(o)), answer(std::move(a)) {}

  void accept(net::Accepted accepted) {
    if (connections.size() >= options.max_connections) return;
    if (options.admit && !options.admit(accepted.fd.get())) return;
    const std::uint64_t id = next++;
    auto made = std::make_shared<Connection>(loop, std::move(accepted.fd), [this, id] { drop(id); });
    made->timer.arm(options.deadline);
    made->stream->on_ready([this, id](net::Ready) { go_on(id); });
    made->stream->want(true, false);
    connections.emplace(id, std::move(made));
  }

  void drop(std::uint64_t id) {
    const auto at = connections.find(id);
    if (at == connections.end()) return;
    loop.retire(std::move(at->second));
    connections.erase(at);
  }

  void go_on(std::uint64_t id) {
    const auto at = connections.find(id);
    if (at == connections.end()) return;
    Connection& c = *at->second;
    if (c.answer.empty() && !read(c)) return drop(id);
    if (!c.answer.empty() && !write(c)) return drop(id);
  }

  /// As read() of a plain stream, with the descriptors that come along.
  net::IoResult receive(Connection& c, MutableBytes to) {
    iovec data{to.data(), to.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMostAtOnce)> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t n = 0;
    do {
      n = ::recvmsg(c.stream->fd(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return {errno == EAGAIN ? net::Io::Again : net::Io::Failed, 0};
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
        sys::UniqueFd taken(fd);
        if (c.passed.size() < options.max_passed) c.passed.push_back(std::move(taken));
      }
    }
    if (n == 0) return {net::Io::Closed, 0};
    return {net::Io::Ok, static_cast<std::size_t>(n)};
  }

  /// False when the connection is of no more use.
  bool read(Connection& c) {
    std::array<std::uint8_t, 4096> block{};
    while (true) {
      const net::IoResult got = options.max_passed > 0 ? receive(c, block) : c.stream->read(block);
      if (got.status == net::Io::Again) return true;
      if (got.status != net::Io::Ok) return false;
      c.request.append(as_text(Bytes(block).first(got.bytes)));
      const std::size_t end = c.request.find(options.end);
      if (end == std::string::npos && c.request.size() > options.max_request) return false;
      if (end == std::string::npos) continue;
      std::vector<int> passed;
      for (const sys::UniqueFd& fd : c.passed) passed.push_back(fd.get());
      Reply reply = answer(std::string_view(c.request).substr(0, end), Asking{c.stream->fd(), passed});
      c.passed.clear();
      if (const auto* hand_over = std::get_if<HandOver>(&reply)) {
        // The stream closes its own descriptor when it goes, at the end of this turn.
        c.stream->want(false, false);
        sys::UniqueFd connection(::fcntl(c.stream->fd(), F_DUPFD_CLOEXEC, 0));
        if (connection) (*hand_over)(std::move(connection));
        return false;
      }
      c.answer = std::move(std::get<std::string>(reply));
      c.stream->want(false, true);
      return !c.answer.empty();
    }
  }

  bool write(Connection& c) {
    while (c.written < c.answer.size()) {
      const net::IoResult put = c.stream->write(as_bytes(std::string_view(c.answer).substr(c.written)));
      if (put.status == net::Io::Again) return true;
      if (put.status != net::Io::Ok) return false;
      c.written += put.bytes;
    }
    // Not here: finish() gives the stream another callback, and this is its present one.
    c.stream->want(false, false);
    const auto last = std::make_shared<std::unique_ptr<net::Stream>>(std::move(c.stream));
    loop.defer([&l = loop, last] { net::finish(l, std::move(*last)); });
    return false;
  }

  net::Loop& loop;
  AnswerOptions options;
  Answer answer;
  std::uint64_t next = 0;
  std::map<std::uint64_t, std::shared_ptr<Connection>> connections;
  std::unique_ptr<net::Listener> listener;
};

AnswerServer::AnswerServer(net::Loop& loop, sys::UniqueFd listening, AnswerOptions options, Answer answer)
    : impl_(std::make_shared<Impl>(loop, std::move(options), std::move(answer))) {
  Impl* impl = impl_.get();
  impl_->listener = std::make_unique<net::Listener>(loop, std::move(listening), net::Destination::Socket,
                                                    [impl](net::Accepted a) { impl->accept(std::move(a)); });
}

AnswerServer::~AnswerServer() {
  impl_->listener.reset();
  impl_->connections.clear();
}

}  // namespace amtgate::daemon
