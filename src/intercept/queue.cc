#include "amtgate/intercept/queue.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>

#include "amtgate/base/handle.h"
#include "amtgate/packet/header.h"
#include "amtgate/sys/log.h"

namespace amtgate::intercept {
namespace {

using MnlSocket = Handle<mnl_socket, [](mnl_socket* s) { ::mnl_socket_close(s); }>;

// Room for a burst of first packets: each takes about half a kilobyte with its netlink attributes.
constexpr int kSocketBuffer = 8 * 1024 * 1024;
constexpr std::size_t kReadBuffer = 64 * 1024;
// The loop has other work too: names.
constexpr int kReadsPerTurn = 64;

class TheQueue final : public Queue {
 public:
  TheQueue(const QueueOptions& options, MnlSocket socket) : options_(options), socket_(std::move(socket)) {}

  Result<void> bind() {
    if (const Result<void> bound = command(NFQNL_CFG_CMD_BIND); !bound) return bound;
    return request([&](nlmsghdr* nlh) {
      ::nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, packet::kHeaderBytes);
      ::nfq_nlmsg_cfg_put_qmaxlen(nlh, kMaxWaiting);
      ::mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO));
      ::mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO));
    });
  }

  void start(net::Loop& loop) override {
    watch_ = std::make_unique<net::Watch>(loop, ::mnl_socket_get_fd(socket_.get()), [this](net::Ready) { read(); });
    watch_->want(true, false);
  }

  void stop() override {
    watch_.reset();
    socket_.reset();
  }

  void set_classifier(std::shared_ptr<const packet::Classifier> classifier) override {
    const std::lock_guard lock(mutex_);
    classifier_ = std::move(classifier);
  }

  Stats stats() const override {
    return {caught_.load(std::memory_order_relaxed), passed_.load(std::memory_order_relaxed),
            malformed_.load(std::memory_order_relaxed), overruns_.load(std::memory_order_relaxed)};
  }

 private:
  /// One configuration message and its acknowledgement, before any packet can be in between.
  template <class Fill>
  Result<void> request(Fill fill) {
    std::array<char, 4096> buffer;
    nlmsghdr* nlh = ::nfq_nlmsg_put(buffer.data(), NFQNL_MSG_CONFIG, options_.number);
    nlh->nlmsg_flags |= NLM_F_ACK;
    nlh->nlmsg_seq = ++sequence_;
    fill(nlh);
    if (::mnl_socket_sendto(socket_.get(), nlh, nlh->nlmsg_len) < 0) return refused(errno);
    while (true) {
      const ssize_t n = ::mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
      if (n < 0) return refused(errno);
      // Packets that are queued already come between; they stay with the kernel until somebody gives a verdict on
      // their id, so they are judged here.
      const auto* reply = reinterpret_cast<const nlmsghdr*>(buffer.data());
      if (reply->nlmsg_type != NLMSG_ERROR) {
        messages(buffer.data(), static_cast<std::size_t>(n));
        flush();
        continue;
      }
      if (::mnl_cb_run(buffer.data(), static_cast<std::size_t>(n), sequence_, ::mnl_socket_get_portid(socket_.get()),
                       nullptr, nullptr) < 0) {
        return refused(errno);
      }
      return {};
    }
  }

  Result<void> command(std::uint8_t cmd) {
    return request([&](nlmsghdr* nlh) { ::nfq_nlmsg_cfg_put_cmd(nlh, AF_INET, cmd); });
  }

  Error refused(int error) const {
    const std::string queue = "packet queue " + std::to_string(options_.number);
    if (error == EBUSY) {
      return {Errc::Busy, queue +
                              " is taken by another program: is amtgated running already, or does `queue` in "
                              "[intercept] need another number?"};
    }
    if (error == EPERM) {
      return {Errc::System, queue + " cannot be bound: CAP_NET_ADMIN is missing"};
    }
    return {Errc::System, queue + " cannot be bound: " + std::strerror(error) +
                              "; is nfnetlink_queue in the kernel? `classify = all` works without it"};
  }

  void read() {
    {
      const std::lock_guard lock(mutex_);
      now_ = classifier_;
    }
    for (int i = 0; i < kReadsPerTurn; ++i) {
      const ssize_t n = ::recv(::mnl_socket_get_fd(socket_.get()), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (n < 0) {
        if (errno == ENOBUFS) {
          add(overruns_);
          continue;
        }
        break;
      }
      messages(buffer_.data(), static_cast<std::size_t>(n));
    }
    flush();
  }

  void messages(char* data, std::size_t size) {
    const auto each = [](const nlmsghdr* nlh, void* self) {
      static_cast<TheQueue*>(self)->packet(nlh);
      return MNL_CB_OK;
    };
    (void)::mnl_cb_run(data, size, 0, 0, each, this);
  }

  void packet(const nlmsghdr* nlh) {
    std::array<nlattr*, NFQA_MAX + 1> attr{};
    if (::nfq_nlmsg_parse(nlh, attr.data()) < 0 || attr[NFQA_PACKET_HDR] == nullptr) return;
    nfqnl_msg_packet_hdr header{};
    std::memcpy(&header, ::mnl_attr_get_payload(attr[NFQA_PACKET_HDR]), sizeof header);
    Bytes bytes;
    if (attr[NFQA_PAYLOAD] != nullptr) {
      bytes = {static_cast<const std::uint8_t*>(::mnl_attr_get_payload(attr[NFQA_PAYLOAD])),
               ::mnl_attr_get_payload_len(attr[NFQA_PAYLOAD])};
    }
    const auto origin = header.hook == NF_INET_LOCAL_OUT ? packet::Origin::Local : packet::Origin::Forwarded;
    const packet::Decision decision = now_ ? now_->decide(bytes, origin) : packet::Decision{};
    const bool caught = decision.verdict() == packet::Verdict::Catch;
    add(caught ? caught_ : passed_);
    if (decision.reason == packet::Reason::Unread) add(malformed_);
    // One verdict can serve a row of packets that get the same: all ids up to the one it names.
    if (waiting_ && waiting_->caught != caught) flush();
    waiting_ = Waiting{ntohl(header.packet_id), caught};
  }

  void flush() {
    if (!waiting_) return;
    std::array<char, 256> buffer;
    nlmsghdr* nlh = ::nfq_nlmsg_put(buffer.data(), NFQNL_MSG_VERDICT_BATCH, options_.number);
    ::nfq_nlmsg_verdict_put(nlh, static_cast<int>(waiting_->id), NF_ACCEPT);
    if (waiting_->caught) ::nfq_nlmsg_verdict_put_mark(nlh, options_.mark);
    if (::mnl_socket_sendto(socket_.get(), nlh, nlh->nlmsg_len) < 0) {
      static log::RateLimit limit;
      log::warn(limit, "queue.verdict_failed", {{"why", std::strerror(errno)}});
    }
    waiting_.reset();
  }

  // One writer, read from other threads: no lock prefix needed.
  static void add(std::atomic<std::uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  struct Waiting {
    std::uint32_t id;
    bool caught;
  };

  const QueueOptions options_;
  MnlSocket socket_;
  unsigned sequence_ = 0;
  std::unique_ptr<net::Watch> watch_;
  std::array<char, kReadBuffer> buffer_;
  std::optional<Waiting> waiting_;
  mutable std::mutex mutex_;
  std::shared_ptr<const packet::Classifier> classifier_;  // the newest
  std::shared_ptr<const packet::Classifier> now_;         // of this turn
  std::atomic<std::uint64_t> caught_{0};
  std::atomic<std::uint64_t> passed_{0};
  std::atomic<std::uint64_t> malformed_{0};
  std::atomic<std::uint64_t> overruns_{0};
};

}  // namespace

Result<std::unique_ptr<Queue>> Queue::open(const QueueOptions& options) {
  MnlSocket socket(::mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
  if (!socket || ::mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    return Error{Errc::System, std::string("no netfilter socket: ") + std::strerror(errno)};
  }
  const int fd = ::mnl_socket_get_fd(socket.get());
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBuffer, sizeof kSocketBuffer) < 0) {
    (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kSocketBuffer, sizeof kSocketBuffer);
  }
  auto queue = std::make_unique<TheQueue>(options, std::move(socket));
  if (const Result<void> bound = queue->bind(); !bound) return bound.error();
  return std::unique_ptr<Queue>(std::move(queue));
}

}  // namespace amtgate::intercept
