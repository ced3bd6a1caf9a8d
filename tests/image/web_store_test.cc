#include "src/image/web_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/net/loop_fixture.h"

namespace amtgate::image {
namespace {

/// A server that says what the test wants. Requests are answered one turn later.
class FakeFetcher final : public Fetcher {
 public:
  struct Asked {
    TimePoint when;
    Request request;
  };
  explicit FakeFetcher(net::Loop& loop) : loop_(loop) {}

  std::unique_ptr<Fetch> start(const Request& request, Callbacks callbacks) override {
    asked.push_back({sys::now(), request});
    if (on_asked) on_asked();
    auto out = std::make_unique<Running>();
    const bool refused = ++at_once_ > most_at_once;
    most_seen = std::max(most_seen, at_once_);
    std::function<void()> say = [this, request, refused, callbacks = std::move(callbacks),
                                 alive = std::weak_ptr<bool>(out->alive)] {
      --at_once_;
      if (!alive.expired()) answer(request, callbacks, refused ? 503 : status);
    };
    if (most_at_once < kAny && !refused) {  // a refusal is quicker
      loop_.post([this, say = std::move(say)] { loop_.post(say); });
    } else {
      loop_.post(std::move(say));
    }
    return out;
  }
  void set_ca(std::string) override {}

  /// The image; a byte is its place's number of chunk.
  std::uint64_t size = 10 * kChunk;
  std::string etag = "\"one\"";
  bool ranges = true;
  int status = 0;                // instead of an answer
  std::optional<Error> error{};  // instead of an answer: it cannot be reached
  std::uint64_t most = ~0ULL;    // bytes; then the connection ends
  static constexpr std::size_t kAny = 1000;
  std::size_t most_at_once = kAny;  // requests; others are refused
  std::size_t most_seen = 0;
  std::size_t too_much = 0;  // bytes behind the last
  std::vector<Asked> asked;
  std::function<void()> on_asked{};

 private:
  struct Running final : Fetch {
    std::shared_ptr<bool> alive = std::make_shared<bool>();
  };
  void answer(const Request& request, const Callbacks& calls, int said) {
    if (error) return calls.on_done(*error);
    Head head;
    head.etag = etag;
    std::uint64_t from = 0, to = size;
    if (ranges && request.range) {
      from = request.range->first;
      to = std::min(request.range->second + 1, size);
      head.content_range =
          "bytes " + std::to_string(from) + "-" + std::to_string(to - 1) + "/" + std::to_string(size);
    }
    head.status = said != 0 ? said : head.content_range.empty() ? 200 : 206;
    head.length = to - from;
    if (const Result<void> taken = calls.on_head(head); !taken) return calls.on_done(taken.error());
    for (std::uint64_t at = from; at < std::min(to, from + std::min(most, to - from));) {
      const std::uint64_t n = std::min({std::uint64_t{10'000}, to - at, kChunk - at % kChunk});
      const Buffer piece(static_cast<std::size_t>(std::min(n, most)), static_cast<std::uint8_t>(at / kChunk + 1));
      if (const Result<void> taken = calls.on_body(piece); !taken) return calls.on_done(taken.error());
      at += n;
    }
    if (const Buffer more(too_much); !more.empty()) {
      if (const Result<void> taken = calls.on_body(more); !taken) return calls.on_done(taken.error());
    }
    if (most < to - from) return calls.on_done(Error{Errc::Closed, "the server closed the connection in the middle"});
    calls.on_done({});
  }
  net::Loop& loop_;
  std::size_t at_once_ = 0;
};

class WebStoreTest : public net::test::LoopTest {
 protected:
  static constexpr const char* kUrl = "http://user:secret@server/x.iso?sig=1";

  WebStoreTest() {
    char name[] = "/tmp/amtgate-store.XXXXXX";
    folder_ = ::mkdtemp(name);
    cache_ = std::make_unique<Cache>(*loop, *disk_, folder_ + "/images", 64 * kChunk);
  }
  ~WebStoreTest() override {
    store_.reset();
    cache_.reset();
    disk_->stop();
    reader_->stop();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    store_.reset();
    store_ = std::make_unique<WebStore>(*loop, *reader_, server, *cache_, kUrl, pauses);
    store_->add(this, [this] { ++news; });
  }
  bool ready() {
    return run_until([&] { return store_->state() == Medium::State::Ready; });
  }
  bool come(std::uint64_t from, std::uint64_t length) {
    return run_until([&] { return store_->here(from, length); });
  }
  /// Milliseconds between the requests.
  std::vector<long> gaps() const {
    std::vector<long> out;
    for (std::size_t i = 1; i < server.asked.size(); ++i) {
      out.push_back(static_cast<long>(
          std::chrono::duration_cast<std::chrono::milliseconds>(server.asked[i].when - server.asked[i - 1].when)
              .count()));
    }
    return out;
  }
  std::uint8_t byte_at(std::uint64_t at) {
    Buffer one(1);
    EXPECT_TRUE(run_until([&] {
      const Result<ider::Fetch> got = store_->read(at, one);
      return !got || *got == ider::Fetch::Done;
    }));
    return one[0];
  }

  std::string folder_;
  std::unique_ptr<net::Worker> reader_ = std::move(*net::Worker::start("reader"));
  std::unique_ptr<net::Worker> disk_ = std::move(*net::Worker::start("disk"));
  std::unique_ptr<Cache> cache_;
  FakeFetcher server{*loop};
  WebStore::Pauses pauses{milliseconds(40), milliseconds(100), milliseconds(160)};
  std::unique_ptr<WebStore> store_;
  int news = 0;
};

TEST_F(WebStoreTest, AsksOnceAndFetchesWhatIsNeeded) {
  open();
  EXPECT_EQ(store_->state(), Medium::State::Opening);
  ASSERT_TRUE(ready());
  EXPECT_EQ(store_->size(), 10 * kChunk);
  EXPECT_EQ(store_->problem(), "");
  EXPECT_EQ(server.asked.size(), 1u);
  EXPECT_TRUE(store_->here(0, kChunk));  // came with the first answer
  EXPECT_FALSE(store_->here(5 * kChunk, 10));
  ASSERT_TRUE(store_->need(5 * kChunk, 10));
  ASSERT_TRUE(come(5 * kChunk, 10));
  EXPECT_EQ(byte_at(5 * kChunk + 9), 6);
  EXPECT_EQ(server.asked.size(), 2u);
  EXPECT_EQ(server.asked[1].request.if_range, "\"one\"");
  ASSERT_TRUE(store_->need(5 * kChunk, 100));  // here already
  EXPECT_EQ(server.asked.size(), 2u);
}

TEST_F(WebStoreTest, AnImageThatCannotBeHadIsAskedForWithGrowingPauses) {
  server.status = 404;
  open();
  ASSERT_TRUE(run_until([&] { return server.asked.size() >= 6; }));
  EXPECT_EQ(store_->state(), Medium::State::Failed);
  EXPECT_NE(store_->problem().find("no such image on the server"), std::string::npos) << store_->problem();
  const std::vector<long> waited = gaps();
  const long least[] = {40, 80, 160, 160, 160};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_GE(waited[i], least[i]) << i;
  server.status = 0;
  ASSERT_TRUE(ready());
  EXPECT_EQ(store_->problem(), "");
  EXPECT_GE(news, 2);
}

TEST_F(WebStoreTest, WrongCredentialsAreSaidWithoutThem) {
  server.status = 401;
  open();
  ASSERT_TRUE(run_until([&] { return store_->state() == Medium::State::Failed; }));
  EXPECT_NE(store_->problem().find("401"), std::string::npos) << store_->problem();
  EXPECT_EQ(store_->problem().find("secret"), std::string::npos);
}

TEST_F(WebStoreTest, AServerThatGoesAwayIsTriedByOneRequestAtATime) {
  open();
  ASSERT_TRUE(ready());
  server.error = Error{Errc::Unreachable, "it cannot be reached"};
  for (std::uint64_t c = 2; c < 6; ++c) ASSERT_TRUE(store_->need(c * kChunk, 1));
  ASSERT_TRUE(run_until([&] { return !store_->problem().empty(); }));
  EXPECT_EQ(store_->problem(), "it cannot be reached");
  EXPECT_EQ(store_->state(), Medium::State::Ready);  // what is here is served
  EXPECT_EQ(byte_at(0), 1);
  const std::size_t before = server.asked.size();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(store_->need(2 * kChunk, 1));  // who waits asks again and again
    store_->expect(2 * kChunk, 10 * kChunk);
  }
  EXPECT_EQ(server.asked.size(), before);
  ASSERT_TRUE(run_until([&] { return server.asked.size() >= before + 4; }));
  const std::vector<long> waited = gaps();
  const long least[] = {40, 80, 100, 100};
  for (std::size_t i = 1; i < 4; ++i) EXPECT_GE(waited[before - 1 + i], least[i]) << i;
  server.error.reset();
  ASSERT_TRUE(come(2 * kChunk, 1));
  ASSERT_TRUE(run_until([&] { return store_->problem().empty(); }));
  ASSERT_TRUE(store_->need(3 * kChunk, 1));
  EXPECT_TRUE(come(3 * kChunk, 1));
}

TEST_F(WebStoreTest, AnEndInTheMiddleIsTriedAgain) {
  open();
  ASSERT_TRUE(ready());
  server.most = 20'000;
  ASSERT_TRUE(store_->need(4 * kChunk, kChunk));
  ASSERT_TRUE(run_until([&] { return !store_->problem().empty(); }));
  EXPECT_EQ(store_->problem(), "the server closed the connection in the middle");
  EXPECT_FALSE(store_->here(4 * kChunk, kChunk));
  server.most = ~0ULL;
  EXPECT_TRUE(come(4 * kChunk, kChunk));
}

TEST_F(WebStoreTest, AnImageThatChangesGivesErrorsAndNoMixture) {
  open();
  ASSERT_TRUE(ready());
  server.etag = "\"two\"";
  ASSERT_TRUE(store_->need(4 * kChunk, 1));
  ASSERT_TRUE(run_until([&] { return store_->changed(); }));
  EXPECT_FALSE(store_->here(4 * kChunk, 1));
  const Result<void> more = store_->need(5 * kChunk, 1);
  ASSERT_FALSE(more);
  EXPECT_NE(more.error().detail.find("has changed while it was in use"), std::string::npos);
  const std::size_t before = server.asked.size();
  run_for(milliseconds(250));
  EXPECT_EQ(server.asked.size(), before);  // nothing of it is wanted any more
  EXPECT_EQ(byte_at(0), 1);                // what was here is still of the first
  open();
  ASSERT_TRUE(ready());
  EXPECT_FALSE(store_->changed());
  EXPECT_FALSE(store_->here(4 * kChunk, 1));
}

TEST_F(WebStoreTest, WhatDoesNotFitTheCacheIsRefusedUntilItDoes) {
  cache_->set_limit(5 * kChunk);
  open();
  ASSERT_TRUE(run_until([&] { return store_->state() == Medium::State::Failed; }));
  EXPECT_NE(store_->problem().find("does not fit image_cache"), std::string::npos) << store_->problem();
  cache_->set_limit(20 * kChunk);
  EXPECT_TRUE(ready());
}

TEST_F(WebStoreTest, ServesFromTheCacheWhileTheServerIsAway) {
  open();
  ASSERT_TRUE(ready());
  ASSERT_TRUE(store_->need(1 * kChunk, 1));
  ASSERT_TRUE(come(1 * kChunk, 1));
  server.error = Error{Errc::Timeout, "no answer"};
  open();  // as after a restart
  ASSERT_TRUE(ready());
  EXPECT_EQ(store_->problem(), "no answer");
  EXPECT_EQ(byte_at(kChunk), 2);
  // It comes back with another image, which must not be joined with what is here.
  server.error.reset();
  server.etag = "\"two\"";
  ASSERT_TRUE(store_->need(7 * kChunk, 1));
  EXPECT_TRUE(run_until([&] { return store_->changed(); }));
}

TEST_F(WebStoreTest, WithoutRangesTheWholeImageComesFirst) {
  server.ranges = false;
  server.most = 3 * kChunk;
  open();
  ASSERT_TRUE(run_until([&] { return store_->state() == Medium::State::Failed; }));
  EXPECT_EQ(store_->problem(), "the server closed the connection in the middle");
  server.most = ~0ULL;
  ASSERT_TRUE(ready());
  EXPECT_TRUE(store_->here(0, 10 * kChunk));
  EXPECT_EQ(byte_at(10 * kChunk - 1), 10);
  EXPECT_EQ(store_->cached(), 10 * kChunk);
}

TEST_F(WebStoreTest, AnotherImageThanWasAskedForIsNotDownloaded) {
  server.ranges = false;
  server.on_asked = [&] {
    if (server.asked.size() == 2) server.etag = "\"two\"";  // between the first answer and the download
  };
  open();
  ASSERT_TRUE(run_until([&] { return store_->state() == Medium::State::Failed; }));
  EXPECT_NE(store_->problem().find("has changed while it was downloaded"), std::string::npos) << store_->problem();
  ASSERT_TRUE(ready());  // the new one
  EXPECT_EQ(server.asked.size(), 4u);
  EXPECT_EQ(byte_at(10 * kChunk - 1), 10);
}

TEST_F(WebStoreTest, ASmallImageNeedsOneRequest) {
  for (const bool ranges : {true, false}) {
    server.ranges = ranges;
    server.size = 1000;
    server.etag = ranges ? "\"a\"" : "\"b\"";
    server.asked.clear();
    open();
    ASSERT_TRUE(ready());
    EXPECT_TRUE(store_->here(0, 1000));
    EXPECT_EQ(byte_at(999), 1);
    EXPECT_EQ(store_->cached(), 1000u);
    EXPECT_EQ(server.asked.size(), 1u) << ranges;
  }
}

TEST_F(WebStoreTest, WhatIsHereIsNotDownloadedAgainFromAServerWithoutRanges) {
  server.ranges = false;
  open();
  ASSERT_TRUE(ready());
  EXPECT_EQ(server.asked.size(), 2u);  // it may take ranges; it does not
  open();
  ASSERT_TRUE(ready());
  EXPECT_EQ(server.asked.size(), 3u);
  EXPECT_TRUE(store_->here(0, 10 * kChunk));
}

TEST_F(WebStoreTest, WhatIsOnTheDiskOnlyIsNotWaitedFor) {
  open();
  ASSERT_TRUE(ready());
  ASSERT_TRUE(store_->need(3 * kChunk, 1));
  ASSERT_TRUE(come(3 * kChunk, kChunk));
  store_.reset();
  cache_->flush();
  for (const auto& file : std::filesystem::directory_iterator(folder_ + "/images")) {
    const sys::UniqueFd fd(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::fsync(fd.get()), 0);
    ASSERT_EQ(::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED), 0);
  }
  open();
  ASSERT_TRUE(ready());
  run_for(milliseconds(1));
  const int before = news;
  Buffer chunk(kChunk);
  const Result<ider::Fetch> first = store_->read(3 * kChunk, chunk);
  ASSERT_TRUE(first);
  if (*first == ider::Fetch::Later) {  // a file system in memory has nothing to wait for
    EXPECT_TRUE(run_until([&] { return news > before; }));
    const Result<ider::Fetch> again = store_->read(3 * kChunk, chunk);
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, ider::Fetch::Done);
  }
  EXPECT_EQ(chunk, Buffer(kChunk, 4));
}

TEST_F(WebStoreTest, MoreThanWasAskedForIsRefused) {
  open();
  ASSERT_TRUE(ready());
  server.too_much = 1;
  ASSERT_TRUE(store_->need(4 * kChunk, 1));
  ASSERT_TRUE(run_until([&] { return !store_->problem().empty(); }));
  EXPECT_EQ(store_->problem(), "the server sends more than was asked for");
  EXPECT_FALSE(store_->here(5 * kChunk, 1));
  server.too_much = 0;
  ASSERT_TRUE(store_->need(6 * kChunk, 1));
  EXPECT_TRUE(come(6 * kChunk, 1));
  EXPECT_EQ(store_->problem(), "");
}

TEST_F(WebStoreTest, AServerThatTakesFewRequestsAtOnceGetsNoMore) {
  cache_->set_limit(2000 * kChunk);
  server.size = 1200 * kChunk;
  server.most_at_once = 3;
  open();
  ASSERT_TRUE(ready());
  std::size_t refused = 0;
  for (std::uint64_t at = kChunk; at < 600 * kChunk; at += 16 * kChunk) {
    store_->expect(at, std::min(at + 512 * kChunk, server.size));
    ASSERT_TRUE(store_->need(at, kChunk));
    ASSERT_TRUE(come(at, kChunk)) << at;
    EXPECT_EQ(store_->problem(), "") << at;  // it is not away
    if (at > 100 * kChunk && server.most_seen > 4) ++refused;
    if (at > 100 * kChunk) server.most_seen = 0;
  }
  EXPECT_LE(refused, 1u);
  server.most_at_once = 0;  // nothing at all
  ASSERT_TRUE(store_->need(1199 * kChunk, 1));
  ASSERT_TRUE(run_until([&] { return !store_->problem().empty() || store_->here(1199 * kChunk, 1); }));
  EXPECT_EQ(store_->problem(), "the server has too much to do (status 503)");
}

TEST_F(WebStoreTest, ReadAheadIsBoundedByRequests) {
  server.size = 60 * kChunk;
  open();
  ASSERT_TRUE(ready());
  store_->expect(kChunk, 60 * kChunk);
  EXPECT_GE(server.asked.size(), 2u);
  EXPECT_LE(server.asked.size(), 11u);
  const std::size_t before = server.asked.size();
  store_->expect(kChunk, 60 * kChunk);  // it is on its way
  EXPECT_LE(server.asked.size(), before + 1);
  EXPECT_TRUE(come(kChunk, kChunk));
}

}  // namespace
}  // namespace amtgate::image
