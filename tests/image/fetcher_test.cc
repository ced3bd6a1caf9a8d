#include "amtgate/image/fetcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "tests/net/loop_fixture.h"

namespace amtgate::image {
namespace {

/// A web server on the test's loop, which says byte for byte what the test wants.
class Server {
 public:
  struct Say {
    std::string bytes;
    bool close = false;  // behind them
  };
  /// `request`: its head. Nothing is said where nothing is given.
  using Answer = std::function<std::optional<Say>(const std::string& request)>;

  Server(net::Loop& loop, Answer answer)
      : loop_(loop),
        answer_(std::move(answer)),
        listener_(loop, open(), net::Destination::Socket, [this](net::Accepted a) { accept(std::move(a)); }) {}

  std::string url(const std::string& path = "/x.iso") const {
    return "http://" + listener_.local().to_string() + path;
  }
  std::size_t connections() const { return accepted_; }
  std::size_t open_now() const { return clients_.size(); }
  std::vector<std::string> asked;

 private:
  struct Client {
    std::unique_ptr<net::Stream> stream;
    std::string in, out;
    bool close = false;
  };
  static sys::UniqueFd open() {
    net::ListenOptions options;
    options.at = *Endpoint::parse("127.0.0.1:1");
    options.at.port = Port{0};
    return std::move(*net::open_listener(options));
  }
  void accept(net::Accepted accepted) {
    const std::size_t id = accepted_++;
    auto client = std::make_shared<Client>();
    client->stream = std::make_unique<net::Stream>(loop_, std::move(accepted.fd));
    client->stream->on_ready([this, id](net::Ready ready) { serve(id, ready); });
    client->stream->want(true, false);
    clients_[id] = std::move(client);
  }
  void serve(std::size_t id, net::Ready ready) {
    const std::shared_ptr<Client> c = clients_[id];
    if (ready.read) {
      Buffer buffer(65536);
      const net::IoResult got = c->stream->read(buffer);
      if (got.status == net::Io::Closed || got.status == net::Io::Failed) return drop(id);
      if (got.status == net::Io::Ok)
        c->in.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got.bytes));
      for (std::size_t end = c->in.find("\r\n\r\n"); end != std::string::npos; end = c->in.find("\r\n\r\n")) {
        asked.push_back(c->in.substr(0, end + 2));
        c->in.erase(0, end + 4);
        const std::optional<Say> say = answer_(asked.back());
        if (!say) continue;
        c->out += say->bytes;
        c->close = say->close;
      }
    }
    if (!c->out.empty()) {
      const net::IoResult put = c->stream->write(as_bytes(c->out));
      if (put.status == net::Io::Failed) return drop(id);
      c->out.erase(0, put.bytes);
    }
    if (c->out.empty() && c->close) return drop(id);
    c->stream->want(true, !c->out.empty());
  }
  void drop(std::size_t id) {
    loop_.retire(clients_[id]);
    clients_.erase(id);
  }

  net::Loop& loop_;
  Answer answer_;
  std::size_t accepted_ = 0;
  std::map<std::size_t, std::shared_ptr<Client>> clients_;
  net::Listener listener_;
};

std::string head(const std::string& status, std::size_t length, const std::string& more = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(length) + "\r\n" + more + "\r\n";
}

class FetcherTest : public net::test::LoopTest {
 protected:
  /// What one request came to. The fetching thread writes `head` and `body`, and the loop reads them behind on_done.
  struct Outcome {
    Head head;
    std::string body;
    std::atomic<std::size_t> so_far = 0;
    std::thread::id head_by, body_by;
    std::optional<Result<void>> done;
    bool ok() const { return done && done->has_value(); }
    std::string why() const { return !done ? "not done" : *done ? "" : done->error().detail; }
    Errc code() const { return done->error().code; }
  };

  ~FetcherTest() override {
    running.clear();
    fetcher.reset();
  }
  std::shared_ptr<Outcome> start(const Fetcher::Request& request, Result<void> judge = {}, Result<void> take = {}) {
    auto out = std::make_shared<Outcome>();
    Fetcher::Callbacks calls;
    calls.on_head = [out, judge](const Head& head) {
      out->head = head;
      out->head_by = std::this_thread::get_id();
      return judge;
    };
    calls.on_body = [out, take](Bytes bytes) {
      out->body_by = std::this_thread::get_id();
      out->body.append(bytes.begin(), bytes.end());
      out->so_far = out->body.size();
      return take;
    };
    calls.on_done = [out](const Result<void>& outcome) {
      EXPECT_FALSE(out->done) << "once";
      out->done = outcome;
    };
    running.push_back(fetcher->start(request, std::move(calls)));
    return out;
  }
  bool done(const std::shared_ptr<Outcome>& outcome) {
    return run_until([&] { return outcome->done.has_value(); });
  }

  std::unique_ptr<net::Worker> fetching = std::move(*net::Worker::start("fetching"));
  std::unique_ptr<Fetcher> fetcher = make_fetcher(*loop, *fetching, {});
  std::vector<std::unique_ptr<Fetch>> running;
};

TEST_F(FetcherTest, BytesComeOnTheFetchingThreadAndTheEndOnTheOwners) {
  const std::string image(3'000'000, 'x');
  Server server(*loop, [&](const std::string&) {
    return Server::Say{
        head("206 Partial Content", image.size(), "ETag: \"one\"\r\nContent-Range: bytes 5-3000004/4000000\r\n") +
        image};
  });
  const auto got = start({server.url(), std::pair{std::uint64_t{5}, std::uint64_t{3'000'004}}, "\"one\""});
  EXPECT_FALSE(got->done) << "never from inside start()";
  ASSERT_TRUE(done(got));
  EXPECT_TRUE(got->ok()) << got->why();
  EXPECT_EQ(got->head.status, 206);
  EXPECT_EQ(got->head.etag, "\"one\"");
  EXPECT_TRUE(got->body == image);
  EXPECT_NE(got->head_by, std::this_thread::get_id());
  EXPECT_EQ(got->body_by, got->head_by);
  ASSERT_EQ(server.asked.size(), 1u);
  EXPECT_NE(server.asked[0].find("GET /x.iso HTTP/1.1\r\n"), std::string::npos);
  EXPECT_NE(server.asked[0].find("Range: bytes=5-3000004\r\n"), std::string::npos);
  EXPECT_NE(server.asked[0].find("If-Range: \"one\"\r\n"), std::string::npos);

  ASSERT_TRUE(done(start({server.url("/other")})));
  EXPECT_EQ(server.connections(), 1u) << "kept for the next request";
  EXPECT_EQ(server.asked[1].find("Range"), std::string::npos);
}

TEST_F(FetcherTest, ManyAtOnce) {
  Server server(*loop, [](const std::string& request) {
    return Server::Say{head("200 OK", 100'000) + std::string(100'000, request[5])};
  });
  std::vector<std::shared_ptr<Outcome>> all;
  for (char c = 'a'; c < 'q'; ++c) all.push_back(start({server.url(std::string("/") + c)}));
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_TRUE(done(all[i]));
    EXPECT_TRUE(all[i]->body == std::string(100'000, static_cast<char>('a' + i))) << i;
  }
}

TEST_F(FetcherTest, NothingIsToldBehindACancel) {
  Server server(*loop, [](const std::string&) { return Server::Say{head("200 OK", 1'000'000) + "beginning"}; });
  const auto got = start({server.url()});
  ASSERT_TRUE(run_until([&] { return got->so_far == 9; }));
  running.clear();
  EXPECT_TRUE(run_until([&] { return server.open_now() == 0; })) << "it does not go on";
  EXPECT_FALSE(got->done);
  // Nor where the end was on its way already.
  Server quick(*loop, [](const std::string&) { return Server::Say{head("200 OK", 2) + "ok"}; });
  for (int i = 0; i < 50; ++i) {
    const auto late = start({quick.url()});
    const TimePoint end = sys::now() + seconds(10);
    while (late->so_far != 2 && sys::now() < end) loop->run_once(Duration(0));
    ASSERT_EQ(late->so_far, 2u);
    if (late->done) continue;  // it was quicker
    running.pop_back();
    run_for(milliseconds(1));
    EXPECT_FALSE(late->done);
  }
}

TEST_F(FetcherTest, ARequestMayBeCancelledBeforeItHasBegun) {
  Server server(*loop, [](const std::string&) { return Server::Say{head("200 OK", 2) + "ok"}; });
  for (int i = 0; i < 100; ++i) {
    const auto got = start({server.url()});
    running.clear();
    run_for(milliseconds(0));
    EXPECT_FALSE(got->done);
  }
  const auto last = start({server.url()});
  ASSERT_TRUE(done(last));
  EXPECT_TRUE(last->ok()) << last->why();
}

TEST_F(FetcherTest, WhatTheOwnerObjectsToEndsIt) {
  Server server(*loop, [](const std::string&) { return Server::Say{head("200 OK", 9) + "some text"}; });
  const auto judged = start({server.url()}, Error{Errc::BadValue, "not this one"});
  ASSERT_TRUE(done(judged));
  EXPECT_EQ(judged->why(), "not this one");
  EXPECT_EQ(judged->body, "");
  const auto full = start({server.url()}, {}, Error{Errc::System, "the disk is full"});
  ASSERT_TRUE(done(full));
  EXPECT_EQ(full->why(), "the disk is full");
}

TEST_F(FetcherTest, AnAnswerWithoutABodyIsJudgedToo) {
  Server server(*loop, [](const std::string&) { return Server::Say{head("404 Not Found", 0)}; });
  const auto got = start({server.url()}, Error{Errc::Refused, "there is none"});
  ASSERT_TRUE(done(got));
  EXPECT_EQ(got->head.status, 404);
  EXPECT_EQ(got->why(), "there is none");
}

TEST_F(FetcherTest, WhatGoesWrongOnTheWayIsSaidWithoutTheAddress) {
  Server server(*loop, [&](const std::string& request) -> std::optional<Server::Say> {
    if (request.find("/middle") != std::string::npos) return Server::Say{head("200 OK", 100) + "no more", true};
    if (request.find("/nothing") != std::string::npos) return Server::Say{"", true};
    if (request.find("/elsewhere") != std::string::npos)
      return Server::Say{head("302 Found", 0, "Location: file:///etc/passwd\r\n")};
    if (request.find("/circle") != std::string::npos)
      return Server::Say{head("302 Found", 0, "Location: /circle\r\n")};
    if (request.find("/head") != std::string::npos)
      return Server::Say{head("200 OK", 2, "X: " + std::string(90'000, 'x') + "\r\n") + "ok"};
    return Server::Say{head("200 OK", 2) + "ok"};
  });
  struct Case {
    std::string url;
    Errc code;
    std::string why;
  };
  const Case cases[] = {
      {server.url("/middle"), Errc::Closed, "closed the connection in the middle"},
      {server.url("/nothing"), Errc::Closed, "closed the connection in the middle"},
      {server.url("/elsewhere"), Errc::Refused, "something else than http or https"},
      {server.url("/circle"), Errc::Refused, "redirects without end"},
      {server.url("/head"), Errc::TooLarge, "a head of more than"},
      {"http://user:secret@127.0.0.1:1/x", Errc::Unreachable, "cannot be reached: Connection refused"},
  };
  for (const Case& c : cases) {
    const auto got = start({c.url});
    ASSERT_TRUE(done(got)) << c.url;
    ASSERT_FALSE(got->ok()) << c.url;
    EXPECT_EQ(got->code(), c.code) << c.url << ": " << got->why();
    EXPECT_NE(got->why().find(c.why), std::string::npos) << c.url << ": " << got->why();
    EXPECT_EQ(got->why().find("secret"), std::string::npos);
    EXPECT_EQ(got->why().find("127.0.0.1"), std::string::npos);
  }
  const auto still = start({server.url("/fine")});
  ASSERT_TRUE(done(still));
  EXPECT_EQ(still->body, "ok");
}

TEST_F(FetcherTest, AServerThatStaysSilentIsGivenUp) {
  fetcher.reset();
  fetcher = make_fetcher(*loop, *fetching, {.silence = seconds(1)});
  Server server(*loop, [](const std::string&) { return std::nullopt; });
  const auto got = start({server.url()});
  ASSERT_TRUE(done(got));
  EXPECT_EQ(got->code(), Errc::Timeout);
  EXPECT_EQ(got->why(), "the server does not answer in time");
}

}  // namespace
}  // namespace amtgate::image
