// WebStore: the bytes of one address: what is here, what is on its way, what went wrong. Shared by all drives with
// it.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "amtgate/image/cache.h"
#include "amtgate/image/fetcher.h"
#include "amtgate/image/medium.h"

namespace amtgate::image {

class WebStore {
 public:
  /// Between tries, each twice as long as the one before.
  struct Pauses {
    Duration first = milliseconds(500);
    Duration last = seconds(8);         // while it is in use
    Duration last_probe = seconds(30);  // while it could never be had
  };
  /// `reader` waits for the disk where what is read is not in memory.
  WebStore(net::Loop& loop, net::Worker& reader, Fetcher& fetcher, Cache& cache, std::string url,
           const Pauses& pauses);
  ~WebStore();
  WebStore(const WebStore&) = delete;
  WebStore& operator=(const WebStore&) = delete;

  const std::string& url() const { return url_; }
  Medium::State state() const { return state_; }
  const std::string& problem() const { return problem_; }
  std::uint64_t size() const { return entry_->identity() ? entry_->identity()->size : 0; }
  std::uint64_t cached() const { return state_ == Medium::State::Ready || whole_ ? entry_->map().bytes() : 0; }
  bool changed() const { return changed_; }

  /// While Ready. All of [from, from + length) is here.
  bool here(std::uint64_t from, std::uint64_t length) const;
  /// Of what is here. Later: it is on the disk and not in memory, and news comes when it can be read.
  Result<ider::Fetch> read(std::uint64_t from, MutableBytes out);
  /// Somebody waits for [from, from + length). Errors: Closed (it has changed: it will not come).
  Result<void> need(std::uint64_t from, std::uint64_t length);
  /// [from, to) will be wanted soon.
  void expect(std::uint64_t from, std::uint64_t to);

  /// Those who are told of news, from the loop.
  using Listener = std::function<void()>;
  void add(const void* who, Listener listener) { listeners_[who] = std::move(listener); }
  void remove(const void* who) { listeners_.erase(who); }

 private:
  /// Where a request's bytes go; the fetching thread puts them down.
  struct Landing {
    Landing(CacheData d, std::uint64_t from, std::uint64_t end) : data(std::move(d)), to(end), at(from) {}
    const CacheData data;
    const std::uint64_t to;
    std::atomic<std::uint64_t> at;   // what is before it is here
    std::atomic<bool> told = false;  // the loop will come and look
    std::uint64_t seen = at;         // the loop's own: what it knows of
  };
  /// A request under way: the chunks [first, end).
  struct Flight {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    bool needed = false;
    std::shared_ptr<Landing> landing{};
    std::unique_ptr<Fetch> fetch{};
    std::uint64_t at() const { return landing->at.load(std::memory_order_acquire); }
  };
  using Flights = std::list<Flight>;
  /// The answer to the first request: what the image is, and its first chunk.
  struct Opened {
    std::optional<Opening> opening{};
    std::uint64_t most = 0;  // bytes that are to come
    Buffer bytes{};
    Result<void> judge(const Head& head);
    Result<void> take(Bytes more);
  };

  void probe();
  void probed(const Opened& opened, const Result<void>& outcome);
  Result<void> recognise(const Opening& opening);
  void download();
  void downloaded(const Result<void>& outcome);
  void become_ready();
  void fail(const Error& why);
  void launch(std::uint64_t first, std::uint64_t end, bool needed);
  void landed(Flights::iterator flight, const Result<void>& outcome);
  std::function<Result<void>(Bytes)> into(const std::shared_ptr<Landing>& landing);
  void arrived(Landing& landing);
  const Flight* flying(std::uint64_t chunk) const;
  std::uint64_t room_ahead() const;
  void too_many();
  void away(const Error& why);
  void back();
  void change(const std::string& how);
  void retry();
  void news();

  net::Loop& loop_;
  net::Worker& reader_;
  Fetcher& fetcher_;
  const std::string url_;
  const std::string shown_;
  std::unique_ptr<CacheEntry> entry_;
  Medium::State state_ = Medium::State::Opening;
  std::string problem_;
  bool changed_ = false;
  bool awaited_ = false;  // somebody is to be told when bytes have come
  bool warming_ = false;  // the reader is at it
  bool away_ = false;
  bool confirmed_ = false;  // the server has said that what is here is its image
  bool whole_ = false;      // it takes no ranges: everything has to come first
  Flights flights_;
  std::size_t most_flights_;         // at once: what the server has taken
  std::size_t landed_in_a_row_ = 0;  // none was too many
  TimePoint rate_since_{};
  std::uint64_t rate_bytes_ = 0;
  double rate_ = 0;  // bytes a second that arrive, lately
  std::unique_ptr<Fetch> probe_;
  std::optional<Flight> download_;  // of the whole image
  std::set<std::uint64_t> wanted_;  // chunks that are waited for and could not be had
  const Pauses pauses_;
  Duration pause_;
  net::Timer retry_;
  std::map<const void*, Listener> listeners_;
  std::shared_ptr<bool> news_due_ = std::make_shared<bool>(false);
  std::shared_ptr<WebStore*> self_ = std::make_shared<WebStore*>(this);
};

}  // namespace amtgate::image
