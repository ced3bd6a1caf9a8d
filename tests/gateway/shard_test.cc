// A shard on loopback addresses, with a device and clients on the same loop: everything but the kernel's
// interception.
#include "amtgate/gateway/shard.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "amtgate/net/connect.h"
#include "amtgate/net/stream.h"
#include "amtgate/redir/client_role.h"
#include "amtgate/redir/server_role.h"
#include "amtgate/rfb/client_handshake.h"
#include "amtgate/rfb/server_handshake.h"
#include "amtgate/rfb/server_init.h"
#include "tests/support/digest_login.h"
#include "tests/support/own_loopback.h"

namespace amtgate::gateway {
namespace {

using test::own_loopback;

std::unique_ptr<net::Listener> listen_at(net::Loop& loop, const Endpoint& at, net::Listener::OnAccept on_accept) {
  net::ListenOptions options;
  options.at = at;
  auto fd = net::open_listener(options);
  EXPECT_TRUE(fd) << (fd ? "" : fd.error().detail);
  if (!fd) return nullptr;
  return std::make_unique<net::Listener>(loop, std::move(*fd), net::Destination::Socket, std::move(on_accept));
}

/// One connection to the device: redirection with a password, then an echo (SOL) or RFB's opening (KVM).
class DeviceConnection {
 public:
  DeviceConnection(net::Loop& loop, sys::UniqueFd fd, const auth::CredentialStore& store, redir::StartStatus status)
      : stream_(loop, std::move(fd)),
        role_(test::digest_login(store), random_, loop.now()),
        status_(status),
        loop_(loop) {
    stream_.on_ready([this](net::Ready) { pump(); });
    stream_.want(true, false);
  }

 private:
  void pump() {
    std::array<std::uint8_t, 4096> buffer;
    const net::IoResult got = stream_.read(buffer);
    if (got.status == net::Io::Closed || got.status == net::Io::Failed) {
      stream_.close_write();
      return stream_.want(false, false);
    }
    if (got.status == net::Io::Ok) take(Bytes(buffer).first(got.bytes));
    flush();
  }

  void take(Bytes in) {
    if (rfb_) {
      (void)rfb_->receive(in, loop_.now());
      while (auto event = rfb_->next_event()) {
        if (std::holds_alternative<rfb::ServerHandshake::ViewerReady>(*event)) (void)rfb_->accept(loop_.now());
        if (std::holds_alternative<rfb::ServerHandshake::Done>(*event)) {
          rfb::write_server_init(after_, {{800, 600}, rfb::kRgb565, "Intel(r) AMT KVM"});
        }
      }
      return;
    }
    if (role_.handed_off()) return append(after_, in);
    (void)role_.receive(in, loop_.now());
    while (auto event = role_.next_event()) {
      if (auto* start = std::get_if<redir::ServerRole::Start>(&*event)) {
        kvm_ = start->service == Service::Vnc;
        if (status_ == redir::StartStatus::Success) {
          (void)role_.accept(loop_.now());
        } else {
          role_.reject(status_);
        }
      } else if (std::holds_alternative<redir::ServerRole::OpenRequested>(*event)) {
        role_.confirm_open();
      } else if (std::holds_alternative<redir::ServerRole::HandOff>(*event) && kvm_) {
        rfb_.emplace(rfb::ServerHandshake::Options{}, loop_.now());
      }
    }
  }

  void flush() {
    while (!role_.output().empty()) {
      const net::IoResult put = stream_.write(role_.output());
      if (put.status != net::Io::Ok) return;
      role_.sent(put.bytes);
    }
    while (rfb_ && !rfb_->output().empty()) {
      const net::IoResult put = stream_.write(rfb_->output());
      if (put.status != net::Io::Ok) return;
      rfb_->sent(put.bytes);
    }
    while (!after_.empty()) {
      const net::IoResult put = stream_.write(after_);
      if (put.status != net::Io::Ok) return;
      after_.erase(after_.begin(), after_.begin() + static_cast<std::ptrdiff_t>(put.bytes));
    }
  }

  auth::SystemRandom random_;
  net::Stream stream_;
  redir::ServerRole role_;
  std::optional<rfb::ServerHandshake> rfb_;
  redir::StartStatus status_;
  bool kvm_ = false;
  Buffer after_;
  net::Loop& loop_;
};

/// A client: connects, runs a machine, then sends and collects plain bytes.
template <class M>
class Client {
 public:
  Client(net::Loop& loop, const Endpoint& to, M& machine) : loop_(loop), machine_(machine) {
    net::ConnectOptions options;
    options.to = to;
    connector_.emplace(loop, options, [this](Result<sys::UniqueFd> fd) {
      EXPECT_TRUE(fd) << fd.error().detail;
      if (!fd) return;
      stream = std::make_unique<net::Stream>(loop_, std::move(*fd));
      stream->on_ready([this](net::Ready) { pump(); });
      pump();
    });
  }

  void pump() {
    std::array<std::uint8_t, 4096> buffer;
    while (true) {
      const net::IoResult got = stream->read(buffer);
      if (got.status == net::Io::Again) break;
      if (got.status != net::Io::Ok) {
        closed = true;
        stream->want(false, false);
        return;
      }
      if (raw) {
        append(received, Bytes(buffer).first(got.bytes));
      } else if (const Result<void> taken = machine_.receive(Bytes(buffer).first(got.bytes), loop_.now()); !taken) {
        error = taken.error();
      }
    }
    while (!machine_.output().empty()) {
      const net::IoResult put = stream->write(machine_.output());
      if (put.status != net::Io::Ok) break;
      machine_.sent(put.bytes);
    }
    stream->want(true, false);
  }

  void send(Bytes bytes) {
    const net::IoResult put = stream->write(bytes);
    EXPECT_EQ(put.bytes, bytes.size());
  }

  std::unique_ptr<net::Stream> stream;
  bool raw = false;
  bool closed = false;
  Buffer received;
  std::optional<Error> error;

 private:
  net::Loop& loop_;
  M& machine_;
  std::optional<net::Connector> connector_;
};

class ShardTest : public testing::Test {
 protected:
  ShardTest() : loop_(std::move(*net::Loop::create())), store_({"admin", "P@ssw0rd1!"}) {
    state_ = std::filesystem::temp_directory_path() / ("amtgate-shard-" + std::to_string(::getpid()));
    std::filesystem::create_directories(state_);
    target_.name = "pc1";
    target_.address = {Network{own_loopback(1), 32}};
    target_.amt = Network{own_loopback(2), 32};
    target_.tls = config::TlsMode::No;
    target_.password = config::Secret("P@ssw0rd1!");
  }
  ~ShardTest() override {
    shard_.reset();
    std::filesystem::remove_all(state_);
  }

  void start(redir::StartStatus device_status = redir::StartStatus::Success) {
    auto config = std::make_shared<config::Config>();
    config->targets = {target_};
    shared_ = std::make_unique<Shared>(device::DialerOptions{state_.string(), 0});
    auto policy = std::make_shared<Policy>();
    policy->directory = std::make_shared<Directory>(config, Directory::Names{});
    shared_->set_policy(policy);
    shared_->transparent = false;
    shard_ = std::make_unique<Shard>(*loop_, *shared_);
    for (const unsigned port : {16994U, 5900U}) {
      net::ListenOptions options;
      options.at = {own_loopback(1), Port{static_cast<std::uint16_t>(port)}};
      auto fd = net::open_listener(options);
      ASSERT_TRUE(fd) << fd.error().detail;
      shard_->listen(std::move(*fd), net::Destination::Socket);
    }
    device_ = listen_at(*loop_, {own_loopback(2), Port{16994}}, [this, device_status](net::Accepted a) {
      ++device_connections_;
      connections_.push_back(std::make_unique<DeviceConnection>(*loop_, std::move(a.fd), store_, device_status));
    });
  }

  bool run_until(const std::function<bool()>& done, Duration patience = seconds(10)) {
    const TimePoint until = Clock::now() + patience;
    while (!done() && Clock::now() < until) loop_->run_once(milliseconds(20));
    return done();
  }

  redir::ClientRole sol_client() {
    redir::ClientRole::Options o;
    o.service = Service::Sol;
    o.credentials = {"anybody", "anything"};
    return {o, random_, loop_->now()};
  }

  std::filesystem::path state_;
  std::unique_ptr<net::Loop> loop_;
  auth::SystemRandom random_;
  auth::SingleUser store_;
  config::Target target_;
  std::unique_ptr<Shared> shared_;
  std::unique_ptr<Shard> shard_;
  std::unique_ptr<net::Listener> device_;
  std::vector<std::unique_ptr<DeviceConnection>> connections_;
  int device_connections_ = 0;
};

std::optional<redir::ClientRole::Failed> failure(redir::ClientRole& role) {
  while (auto event = role.next_event()) {
    if (auto* failed = std::get_if<redir::ClientRole::Failed>(&*event)) return *failed;
  }
  return std::nullopt;
}

TEST_F(ShardTest, JoinsASolClientAndRelaysBothWays) {
  target_.reconnect = false;  // else its session is with the gateway
  start();
  redir::ClientRole role = sol_client();
  Client client(*loop_, {own_loopback(1), Port{16994}}, role);
  ASSERT_TRUE(run_until([&] { return role.open(); }));
  ASSERT_TRUE(run_until([&] { return shard_->counters().opened[1].value() == 1; }));
  const auto sessions = shard_->sessions();
  ASSERT_EQ(sessions.size(), 1U);
  EXPECT_EQ(sessions[0].target, "pc1");
  EXPECT_EQ(sessions[0].service, "sol");
  EXPECT_EQ(sessions[0].state, "open");
  EXPECT_EQ(sessions[0].device, own_loopback(2).to_string() + ":16994");

  client.raw = true;
  const Buffer hello = {0x2a, 0, 0, 0, 1, 0, 0, 0, 2, 0, 'h', 'i'};
  client.send(hello);
  ASSERT_TRUE(run_until([&] { return client.received.size() >= hello.size(); }));
  EXPECT_EQ(client.received, hello);
  client.stream.reset();
  EXPECT_TRUE(run_until([&] { return shard_->flows() == 0; }));
  EXPECT_EQ(shard_->counters().to_device_bytes.value(), hello.size());
}

TEST_F(ShardTest, AWrongPasswordIsToldAndNotRepeated) {
  target_.password = config::Secret("wrong");
  start();
  for (int i = 0; i < 3; ++i) {
    redir::ClientRole role = sol_client();
    Client client(*loop_, {own_loopback(1), Port{16994}}, role);
    ASSERT_TRUE(run_until([&] { return client.closed; }));
    const auto failed = failure(role);
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->status, 0xff);
  }
  EXPECT_EQ(device_connections_, 1) << "AMT locks an account that is tried again and again";
  EXPECT_EQ(shared_->dialer.held_back_total(), 2U);
  const auto refused = shared_->dialer.refused_logins();
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].target, "pc1");
  EXPECT_EQ(refused[0].address, own_loopback(2).to_string());
  EXPECT_EQ(refused[0].refusals, 1U);
  EXPECT_GT(refused[0].wait, Duration::zero());
  EXPECT_TRUE(run_until([&] { return shard_->flows() == 0; }));
}

TEST_F(ShardTest, BusyReachesTheClient) {
  start(redir::StartStatus::Busy);
  redir::ClientRole role = sol_client();
  Client client(*loop_, {own_loopback(1), Port{16994}}, role);
  ASSERT_TRUE(run_until([&] { return client.closed; }));
  const auto failed = failure(role);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, Errc::Busy);
}

TEST_F(ShardTest, ARefusedConnectionNamesTheMachine) {
  start();
  device_.reset();
  rfb::ClientHandshake viewer({}, loop_->now());
  Client client(*loop_, {own_loopback(1), Port{5900}}, viewer);
  ASSERT_TRUE(run_until([&] { return client.closed; }));
  ASSERT_TRUE(client.error);
  EXPECT_NE(client.error->detail.find("pc1 cannot be reached"), std::string::npos) << client.error->detail;
}

TEST_F(ShardTest, AViewerGetsTheScreen) {
  start();
  rfb::ClientHandshake viewer({}, loop_->now());
  Client client(*loop_, {own_loopback(1), Port{5900}}, viewer);
  std::optional<rfb::ServerInit> init;
  ASSERT_TRUE(run_until([&] {
    while (auto event = viewer.next_event()) {
      if (auto* ready = std::get_if<rfb::ClientHandshake::Ready>(&*event)) init = ready->init;
    }
    return init.has_value() || client.closed;
  }));
  ASSERT_TRUE(init) << (client.error ? client.error->detail : "closed");
  EXPECT_EQ(init->name, "pc1");
  EXPECT_EQ(init->size.width, 800);
}

TEST_F(ShardTest, EndingASessionClosesBothSides) {
  start();
  redir::ClientRole role = sol_client();
  Client client(*loop_, {own_loopback(1), Port{16994}}, role);
  ASSERT_TRUE(run_until([&] { return role.open() && shard_->counters().opened[1].value() == 1; }));
  client.raw = true;
  EXPECT_FALSE(shard_->end(control::SessionId{999}, {Errc::Closed, "ended by the operator"}));
  EXPECT_TRUE(shard_->end(shard_->sessions().at(0).id, {Errc::Closed, "ended by the operator"}));
  EXPECT_TRUE(run_until([&] { return client.closed && shard_->flows() == 0; }));
  const Buffer farewell = {0x23, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(client.received, farewell) << "amtterm reads it as the end of the session";
}

TEST_F(ShardTest, StoppingEndsAConnectionThatIsStillBeingJoined) {
  start();
  redir::ClientRole role = sol_client();
  Client client(*loop_, {own_loopback(1), Port{16994}}, role);
  ASSERT_TRUE(run_until([&] { return shard_->flows() == 1; }));
  shard_->end_all({Errc::Closed, "the gateway is stopping"});
  ASSERT_TRUE(run_until([&] { return client.closed; }));
  EXPECT_TRUE(run_until([&] { return shard_->flows() == 0; }));
}

TEST_F(ShardTest, JunkEndsThatOneConnection) {
  start();
  redir::ClientRole unused = sol_client();
  unused.sent(unused.output().size());
  Client junk(*loop_, {own_loopback(1), Port{16994}}, unused);
  ASSERT_TRUE(run_until([&] { return junk.stream != nullptr; }));
  junk.send(as_bytes("GET / HTTP/1.1\r\n\r\n"));
  redir::ClientRole role = sol_client();
  Client client(*loop_, {own_loopback(1), Port{16994}}, role);
  EXPECT_TRUE(run_until([&] { return junk.closed && role.open(); }));
  EXPECT_EQ(shard_->counters().failed_of_code(Errc::Unsupported), 1U);
}

}  // namespace
}  // namespace amtgate::gateway
