// VeNCrypt over a real connection: rfb::ServerHandshake says when, net::Stream does the TLS.
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <variant>

#include "amtgate/rfb/server_handshake.h"
#include "loop_fixture.h"
#include "tests/support/feed.h"

namespace amtgate::net {
namespace {

using rfb::ServerHandshake;

/// The server's side of one connection, as the owner of a handshake runs it.
class Server {
 public:
  Server(Loop& loop, sys::UniqueFd fd, ServerHandshake::Options options, std::string refusal)
      : stream_(loop, std::move(fd)), handshake_(std::move(options), sys::now()), refusal_(std::move(refusal)) {
    stream_.on_ready([this](Ready r) { ready(r); });
    stream_.want(true, true);
  }

  bool done() const { return done_; }
  std::optional<Error> error;
  bool ready_in_tls = false;
  std::string after;  // what the viewer said behind ClientInit

 private:
  void ready(Ready r) {
    if (r.read) {
      Buffer buffer(4096);
      const IoResult got = stream_.read(buffer);
      if (got.status == Io::Closed || got.status == Io::Failed) done_ = true;
      if (got.status == Io::Ok) take(Bytes(buffer).first(got.bytes));
    }
    if (r.write && !output().empty()) {
      const IoResult put = stream_.write(output());
      if (put.status == Io::Ok) handshake_.sent(put.bytes);
      if (put.status == Io::Failed) done_ = true;
    }
    next();
  }
  void take(Bytes in) {
    if (over_) {
      after += as_text(in);
    } else if (const Result<void> taken = handshake_.receive(in, sys::now()); !taken) {
      error = taken.error();
    }
    drain();
  }
  void drain() {
    while (const auto e = handshake_.next_event()) {
      if (std::holds_alternative<ServerHandshake::StartTls>(*e)) wants_tls_ = true;
      if (const auto* viewer = std::get_if<ServerHandshake::ViewerReady>(&*e)) {
        ready_in_tls = viewer->tls && stream_.is_tls();
        if (refusal_.empty()) {
          EXPECT_TRUE(handshake_.accept(sys::now()));
        } else {
          handshake_.refuse(refusal_, sys::now());
        }
      }
      if (std::holds_alternative<ServerHandshake::Refused>(*e)) error = Error{Errc::Refused, refusal_};
      if (std::holds_alternative<ServerHandshake::Done>(*e)) {
        over_ = true;
        after += as_text(handshake_.take_rest());
      }
    }
  }
  void next() {
    if (wants_tls_ && output().empty()) {
      wants_tls_ = false;
      stream_.want(false, false);
      const tls::Context context = *tls::Context::server(
          {.cert_pem = test::key_pair().cert_pem, .key_pem = test::key_pair().key_pem, .tickets = false});
      stream_.start_tls(context, *handshake_.deadline() - sys::now(), [this](Result<void> r) {
        ASSERT_TRUE(r) << r.error().detail;
        handshake_.tls_started(sys::now());
        drain();
        next();
      });
      return;
    }
    if (error && output().empty()) {
      if (!done_) stream_.close_write();
      done_ = true;
    }
    // Nothing may be read between the viewer's choice and TLS: it would be missing from TLS.
    if (!done_) stream_.want(!wants_tls_ && !error, !output().empty());
    if (done_) stream_.want(false, false);
  }
  Bytes output() const { return handshake_.output(); }

  Stream stream_;
  ServerHandshake handshake_;
  std::string refusal_;
  bool wants_tls_ = false;
  bool over_ = false;
  bool done_ = false;
};

/// A viewer that does one thing after the other and stops where the server says something else.
class Viewer {
 public:
  struct Say {
    Buffer bytes;
  };
  struct Hear {
    Buffer bytes;
  };
  struct Tls {};
  using Step = std::variant<Say, Hear, Tls>;

  Viewer(Loop& loop, sys::UniqueFd fd, std::deque<Step> steps)
      : stream_(loop, std::move(fd)), steps_(std::move(steps)) {
    stream_.on_ready([this](Ready r) { ready(r); });
    go_on();
  }
  bool done() const { return steps_.empty(); }
  bool closed() const { return closed_; }
  const Buffer& heard() const { return heard_; }
  std::vector<tls::Certificate> chain() const { return stream_.tls()->peer_chain(); }

 private:
  void ready(Ready r) {
    if (r.read) {
      Buffer buffer(4096);
      // No more than is waited for: what follows may be for TLS.
      const auto* hear = steps_.empty() ? nullptr : std::get_if<Hear>(&steps_.front());
      const std::size_t n = hear != nullptr ? hear->bytes.size() - heard_.size() : buffer.size();
      const IoResult got = stream_.read(MutableBytes(buffer).first(n));
      if (got.status == Io::Closed || got.status == Io::Failed) closed_ = true;
      if (got.status == Io::Ok) append(heard_, Bytes(buffer).first(got.bytes));
    }
    go_on();
  }
  void go_on() {
    while (!steps_.empty() && !closed_) {
      if (auto* say = std::get_if<Say>(&steps_.front())) {
        const IoResult put = stream_.write(say->bytes);
        if (put.status != Io::Ok || put.bytes != say->bytes.size()) return stream_.want(false, true);
      } else if (const auto* hear = std::get_if<Hear>(&steps_.front())) {
        if (heard_ != hear->bytes) return stream_.want(heard_.size() < hear->bytes.size(), false);
        heard_.clear();
      } else {
        steps_.pop_front();
        stream_.want(false, false);
        return stream_.start_tls(*tls::Context::client({}), seconds(5), [this](Result<void> r) {
          ASSERT_TRUE(r) << r.error().detail;
          go_on();
        });
      }
      steps_.pop_front();
    }
    stream_.want(!closed_, false);
  }

  Stream stream_;
  std::deque<Step> steps_;
  Buffer heard_;
  bool closed_ = false;
};

class Vencrypt : public test::LoopTest {
 protected:
  using Say = Viewer::Say;
  using Hear = Viewer::Hear;

  static Buffer hex(std::string_view text) { return amtgate::test::hex(text); }
  static Buffer text(std::string_view text) {
    Buffer out;
    append(out, text);
    return out;
  }
  /// Up to the server's acknowledgement.
  static std::deque<Viewer::Step> opening(const char* subtype) {
    return {Hear{text("RFB 003.008\n")},
            Say{text("RFB 003.008\n")},
            Hear{hex("01 13")},
            Say{hex("13")},
            Hear{hex("0002")},
            Say{hex("0002")},
            Hear{hex(std::string("00 01") + subtype)},
            Say{hex(subtype)},
            Hear{hex("01")}};
  }
  static ServerHandshake::Options options(bool password) {
    ServerHandshake::Options o;
    o.vencrypt = true;
    if (!password) return o;
    o.none = false;
    o.password = ServerHandshake::Password{"Pa55w0rd", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
    return o;
  }
  void run(ServerHandshake::Options o, std::deque<Viewer::Step> steps, const std::string& refusal = "") {
    auto [a, b] = test::tcp_pair();
    viewer = std::make_unique<Viewer>(*loop, std::move(a), std::move(steps));
    server = std::make_unique<Server>(*loop, std::move(b), std::move(o), refusal);
  }
  static void add(std::deque<Viewer::Step>& to, std::initializer_list<Viewer::Step> steps) {
    to.insert(to.end(), steps);
  }

  std::unique_ptr<Viewer> viewer;
  std::unique_ptr<Server> server;
};

TEST_F(Vencrypt, X509NoneGoesOnInsideOfTls) {
  auto steps = opening("00000104");
  add(steps, {Viewer::Tls{}, Hear{hex("00000000")}, Say{text("\x01hello")}});
  run(options(false), steps);
  ASSERT_TRUE(run_until([&] { return server->after == "hello"; })) << to_hex(viewer->heard());
  EXPECT_TRUE(viewer->done());
  EXPECT_TRUE(server->ready_in_tls);
  EXPECT_FALSE(server->error);
  ASSERT_FALSE(viewer->chain().empty());
  EXPECT_EQ(viewer->chain()[0], (*tls::parse_pem(test::key_pair().cert_pem))[0]);
}

TEST_F(Vencrypt, X509VncAsksForThePasswordInsideOfTls) {
  auto steps = opening("00000105");
  add(steps, {Viewer::Tls{}, Hear{hex("000102030405060708090a0b0c0d0e0f")},
              Say{hex("e401ff411db1cf4cedbba1df58af05e2")}, Hear{hex("00000000")}, Say{text("\x01hello")}});
  run(options(true), steps);
  ASSERT_TRUE(run_until([&] { return server->after == "hello"; })) << to_hex(viewer->heard());
  EXPECT_TRUE(server->ready_in_tls);
}

TEST_F(Vencrypt, SaysNoInsideOfTls) {
  auto wrong = opening("00000105");
  add(wrong,
      {Viewer::Tls{}, Hear{hex("000102030405060708090a0b0c0d0e0f")}, Say{hex("00000000000000000000000000000000")},
       Hear{text(std::string("\0\0\0\1\0\0\0\x15", 8) + "authentication failed")}});
  run(options(true), wrong);
  ASSERT_TRUE(run_until([&] { return viewer->done() && server->done(); })) << to_hex(viewer->heard());
  EXPECT_EQ(server->error->code, Errc::AuthFailed);

  auto busy = opening("00000104");
  add(busy, {Viewer::Tls{}, Hear{text(std::string("\0\0\0\1\0\0\0\x0b", 8) + "AMT is busy")}});
  run(options(false), busy, "AMT is busy");
  ASSERT_TRUE(run_until([&] { return viewer->done() && server->done(); })) << to_hex(viewer->heard());
  EXPECT_EQ(server->error->code, Errc::Refused);
}

TEST_F(Vencrypt, AHelloThatCannotWaitIsRefused) {
  auto steps = opening("00000104");
  steps.pop_back();
  append(std::get<Say>(steps.back()).bytes, hex("1603010200010001fc0303"));
  run(options(false), steps);
  ASSERT_TRUE(run_until([&] { return server->done() && viewer->closed(); }));
  EXPECT_EQ(server->error->code, Errc::BadValue);
  EXPECT_TRUE(viewer->heard().empty()) << "not acknowledged";
  EXPECT_FALSE(server->ready_in_tls);
}

}  // namespace
}  // namespace amtgate::net
