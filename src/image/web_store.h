// WebStore: the bytes of one address: what is here, what is on its way, what went wrong. Shared by all drives with
// it.
#pragma once

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
  WebStore(net::Loop& loop, Fetcher& fetcher, Cache& cache, std::string url, const Pauses& pauses);
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
  Result<void> read(std::uint64_t from, MutableBytes out) const { return entry_->read(from, out); }
  /// Somebody waits for [from, from + length). Errors: Closed (it has changed: it will not come).
  Result<void> need(std::uint64_t from, std::uint64_t length);
  /// [from, to) will be wanted soon.
  void expect(std::uint64_t from, std::uint64_t to);

  /// Those who are told of news, from the loop.
  using Listener = std::function<void()>;
  void add(const void* who, Listener listener) { listeners_[who] = std::move(listener); }
  void remove(const void* who) { listeners_.erase(who); }

 private:
  /// A request under way: the chunks [first, end), of which the bytes up to `at` are here.
  struct Flight {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    std::uint64_t at = 0;
    bool needed = false;
    bool landed = false;
    std::unique_ptr<Fetch> fetch{};
  };
  using Flights = std::list<Flight>;

  void probe();
  Result<void> probed(const Head& head, std::uint64_t& most);
  void probe_done(const Result<void>& outcome);
  void become_ready();
  void launch(std::uint64_t first, std::uint64_t end, bool needed);
  void landed(Flights::iterator flight, const Result<void>& outcome);
  Result<void> arrived(Flight& flight, Bytes bytes, std::uint64_t most);
  const Flight* flying(std::uint64_t chunk) const;
  std::uint64_t room_ahead() const;
  void away(const Error& why);
  void back();
  void change(const std::string& how);
  void retry();
  void news();

  net::Loop& loop_;
  Fetcher& fetcher_;
  const std::string url_;
  const std::string shown_;
  std::unique_ptr<CacheEntry> entry_;
  Medium::State state_ = Medium::State::Opening;
  std::string problem_;
  bool changed_ = false;
  bool awaited_ = false;  // somebody is to be told when bytes have come
  bool away_ = false;
  bool confirmed_ = false;  // the server has said that what is here is its image
  bool whole_ = false;      // it takes no ranges: everything has to come first
  Result<void> probe_judged_;
  Flights flights_;
  TimePoint rate_since_{};
  std::uint64_t rate_bytes_ = 0;
  double rate_ = 0;  // bytes a second that arrive, lately
  std::optional<Flight> probe_;
  std::set<std::uint64_t> wanted_;  // chunks that are waited for and could not be had
  const Pauses pauses_;
  Duration pause_;
  net::Timer retry_;
  std::map<const void*, Listener> listeners_;
  std::shared_ptr<bool> news_due_ = std::make_shared<bool>(false);
  std::shared_ptr<WebStore*> self_ = std::make_shared<WebStore*>(this);
};

}  // namespace amtgate::image
