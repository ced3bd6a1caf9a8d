#include "src/image/web_store.h"

#include <algorithm>
#include <vector>

#include "amtgate/sys/log.h"

namespace amtgate::image {
namespace {

// What is on its way ahead of a machine takes no longer than this to arrive: a read of something else has to share
// the line with it.
constexpr double kAheadSeconds = 2.0;
constexpr std::uint64_t kLeastAhead = std::uint64_t{2} << 20U;
// The rate is known soon, since little is asked for until it is.
constexpr Duration kRateWindow = milliseconds(50);
constexpr Duration kPauseOfTheMachine = seconds(1);  // such a window says nothing of the line
// With the largest all that ReadAhead looks ahead, enough for 800 MB/s over 40 ms; servers limit connections.
constexpr std::size_t kMostFlights = 16;
// Requests in a row that a server has answered, until it is asked for one more at once than it took before.
constexpr std::size_t kProof = 64;
constexpr std::uint64_t kLargestFlight = std::uint64_t{2} << 20U;

constexpr std::uint64_t kWarm = std::uint64_t{1} << 20U;  // read from the disk at once

constexpr const char* kMiddle = "the server closed the connection in the middle";
constexpr const char* kTooMuch = "the server sends more than was asked for";

std::uint64_t chunk_of(std::uint64_t at) {
  return at / kChunk;
}

}  // namespace

WebStore::WebStore(net::Loop& loop, net::Worker& reader, Fetcher& fetcher, Cache& cache, std::string url,
                   const Pauses& pauses)
    : loop_(loop),
      reader_(reader),
      fetcher_(fetcher),
      url_(std::move(url)),
      shown_(shown_address(url_)),
      entry_(cache.open(cache_name(url_))),
      most_flights_(kMostFlights),
      pauses_(pauses),
      pause_(pauses.first),
      retry_(loop, [this] { retry(); }) {
  probe();
}

WebStore::~WebStore() {
  *self_ = nullptr;
}

/// Listeners may read, which begins requests, which nothing inside of one may do.
void WebStore::news() {
  if (std::exchange(*news_due_, true)) return;
  loop_.defer([self = self_, due = news_due_] {
    *due = false;
    if (*self == nullptr) return;
    std::vector<const void*> who;
    for (const auto& [key, listener] : (*self)->listeners_) who.push_back(key);
    for (const void* key : who) {
      if (*self == nullptr) return;
      const auto found = (*self)->listeners_.find(key);
      if (found == (*self)->listeners_.end()) continue;
      const Listener tell = found->second;
      tell();
    }
  });
}

// --- what it is -------------------------------------------------------------------------------------------

Result<void> WebStore::Opened::judge(const Head& head) {
  const Result<Opening> judged = judge_opening(head);
  if (!judged) return judged.error();
  most = std::min(kChunk, judged->identity.size);
  if (judged->ranges && parse_content_range(head.content_range)->last + 1 != most) {
    return Error{Errc::BadValue, "the server answers with other bytes than asked for"};
  }
  opening = *judged;
  const bool small = judged->identity.size <= kChunk;
  return judged->ranges || small ? Result<void>() : Error{Errc::Closed, "the server sends all of it"};
}

Result<void> WebStore::Opened::take(Bytes more) {
  if (more.size() > most - bytes.size()) return Error{Errc::BadValue, kTooMuch};
  bytes.insert(bytes.end(), more.begin(), more.end());
  return {};
}

void WebStore::probe() {
  const auto opened = std::make_shared<Opened>();
  Fetcher::Callbacks calls;
  calls.on_head = [opened](const Head& head) { return opened->judge(head); };
  calls.on_body = [opened](Bytes bytes) { return opened->take(bytes); };
  calls.on_done = [this, opened](const Result<void>& outcome) { probed(*opened, outcome); };
  probe_ = fetcher_.start({url_, std::pair{std::uint64_t{0}, kChunk - 1}, {}}, std::move(calls));
}

void WebStore::probed(const Opened& opened, const Result<void>& outcome) {
  probe_.reset();
  if (!opened.opening) return fail(outcome ? Error{Errc::Closed, kMiddle} : outcome.error());
  if (const Result<void> known = recognise(*opened.opening); !known) return fail(known.error());
  if (opened.bytes.size() == opened.most && !entry_->map().has(0)) {
    if (const Result<void> written = entry_->data().write(0, opened.bytes); !written) return fail(written.error());
    entry_->set(0);
  }
  whole_ = !opened.opening->ranges && !entry_->map().whole();
  if (whole_) return download();
  become_ready();
}

Result<void> WebStore::recognise(const Opening& opening) {
  const Identity& now = opening.identity;
  const std::optional<Identity>& known = entry_->identity();
  // Without a date or an ETag it may be another image of the same size.
  const bool same = known && agree(*known, now) && (now.has_validator() || !known->has_validator()) &&
                    (now.has_validator() || confirmed_);
  if (!same) {
    if (known) log::info("image.stale", {{"image", shown_}, {"was_bytes", known->size}, {"bytes", now.size}});
    if (const Result<void> begun = entry_->begin(now); !begun) return begun;
  } else {
    entry_->confirm(now);
  }
  confirmed_ = true;
  return {};
}

void WebStore::download() {
  const Identity identity = *entry_->identity();
  download_ = Flight{};
  Flight& flight = *download_;
  flight.end = entry_->map().chunks();
  flight.landing = std::make_shared<Landing>(entry_->data(), 0, identity.size);
  Fetcher::Callbacks calls;
  calls.on_head = [identity](const Head& head) -> Result<void> {
    const Result<Opening> opening = judge_opening(head);
    if (!opening) return opening.error();
    if (agree(identity, opening->identity)) return {};
    return Error{Errc::Closed, "the image at the server has changed while it was downloaded"};
  };
  calls.on_body = into(flight.landing);
  calls.on_done = [this](const Result<void>& outcome) { downloaded(outcome); };
  flight.fetch = fetcher_.start({url_, {}, {}}, std::move(calls));
  problem_ = "it is being downloaded: the server takes no range requests";
  news();
}

void WebStore::downloaded(const Result<void>& outcome) {
  arrived(*download_->landing);
  download_.reset();
  if (outcome && entry_->map().whole()) return become_ready();
  fail(outcome ? Error{Errc::Closed, kMiddle} : outcome.error());
}

void WebStore::fail(const Error& why) {
  const bool reachable_later = why.code == Errc::Unreachable || why.code == Errc::Timeout ||
                               why.code == Errc::Closed || why.code == Errc::Busy;
  // Without a validator nobody could tell whether what comes later belongs to what is here.
  const bool usable = entry_->identity() && (entry_->identity()->has_validator() || entry_->map().whole());
  if (reachable_later && usable && !whole_ && !confirmed_) {
    // What is here is served while the server is away.
    become_ready();
    return away(why);
  }
  if (state_ != Medium::State::Failed || problem_ != why.detail) {
    log::warn("image.failed", {{"image", shown_}, {"cause", amtgate::name(why.code)}, {"why", why.detail}});
  }
  state_ = Medium::State::Failed;
  problem_ = why.detail;
  retry_.arm(pause_);
  pause_ = std::min<Duration>(pause_ * 2, pauses_.last_probe);
  news();
}

void WebStore::become_ready() {
  state_ = Medium::State::Ready;
  problem_.clear();
  pause_ = pauses_.first;
  log::info("image.ready", {{"image", shown_}, {"bytes", size()}, {"cached_bytes", entry_->map().bytes()}});
  news();
}

// --- what is here and what comes --------------------------------------------------------------------------

const WebStore::Flight* WebStore::flying(std::uint64_t chunk) const {
  for (const Flight& f : flights_) {
    if (chunk >= f.first && chunk < f.end) return &f;
  }
  return nullptr;
}

bool WebStore::here(std::uint64_t from, std::uint64_t length) const {
  const std::uint64_t end = from + length;
  for (std::uint64_t chunk = chunk_of(from); chunk * kChunk < end; ++chunk) {
    if (entry_->map().has(chunk)) continue;
    const Flight* flight = flying(chunk);
    if (flight == nullptr || flight->at() < std::min(end, entry_->map().end_of(chunk))) return false;
  }
  return true;
}

Result<ider::Fetch> WebStore::read(std::uint64_t from, MutableBytes out) {
  const Result<bool> got = entry_->data().read_now(from, out);
  if (!got) return got.error();
  if (*got) return ider::Fetch::Done;
  if (std::exchange(warming_, true)) return ider::Fetch::Later;
  const std::uint64_t length = std::min(kWarm, size() - from);
  reader_.loop().post([&loop = loop_, self = self_, data = entry_->data(), from, length] {
    Buffer buffer(static_cast<std::size_t>(length));
    (void)data.read(from, buffer);  // it is in the kernel's memory now; who reads it then sees what is wrong
    loop.post([self] {
      if (*self == nullptr) return;
      (*self)->warming_ = false;
      (*self)->news();
    });
  });
  return ider::Fetch::Later;
}

Result<void> WebStore::need(std::uint64_t from, std::uint64_t length) {
  if (changed_) return Error{Errc::Closed, problem_};
  awaited_ = true;
  const std::uint64_t end = from + length;
  for (std::uint64_t chunk = chunk_of(from); chunk * kChunk < end; ++chunk) {
    if (entry_->map().has(chunk) || flying(chunk) != nullptr) continue;
    if (retry_.armed()) {
      wanted_.insert(chunk);  // the last request failed: not before its time
    } else {
      launch(chunk, chunk + 1, true);
    }
  }
  return {};
}

std::uint64_t WebStore::room_ahead() const {
  std::uint64_t flying = 0;
  for (const Flight& f : flights_) flying += f.landing->to - f.at();
  const std::uint64_t most = std::max(kLeastAhead, static_cast<std::uint64_t>(rate_ * kAheadSeconds));
  return flying < most ? most - flying : 0;
}

void WebStore::expect(std::uint64_t from, std::uint64_t to) {
  if (changed_ || away_ || whole_) return;
  const std::uint64_t last = std::min(chunk_of(to - 1) + 1, entry_->map().chunks());
  std::uint64_t chunk = chunk_of(from);
  std::uint64_t room = room_ahead() / kChunk;
  while (chunk < last && room > 0 && flights_.size() < most_flights_) {
    if (entry_->map().has(chunk) || flying(chunk) != nullptr) {
      ++chunk;
      continue;
    }
    std::uint64_t end = chunk;
    const std::uint64_t most = std::min(room, kLargestFlight / kChunk);
    while (end < last && end - chunk < most && !entry_->map().has(end) && flying(end) == nullptr) ++end;
    // A small rest waits until it is worth a request, unless it is the end of the image.
    const bool small = end == last && last != entry_->map().chunks() && (end - chunk) * kChunk < kLargestFlight / 2 &&
                       to - from > 2 * kLargestFlight;
    if (small) return;
    launch(chunk, end, false);
    room -= end - chunk;
    chunk = end;
  }
}

void WebStore::launch(std::uint64_t first, std::uint64_t end, bool needed) {
  const Identity identity = *entry_->identity();
  const std::uint64_t from = first * kChunk, to = std::min(end * kChunk, identity.size);
  const auto flight = flights_.emplace(flights_.end());
  flight->first = first;
  flight->end = end;
  flight->needed = needed;
  flight->landing = std::make_shared<Landing>(entry_->data(), from, to);
  Fetcher::Callbacks calls;
  const auto changed = std::make_shared<bool>(false);
  calls.on_head = [identity, from, to, changed](const Head& head) -> Result<void> {
    const Result<Answer> answer = judge_range(head, identity, from, to - 1);
    if (!answer) return answer.error();
    if (*answer == Answer::Bytes) return {};
    *changed = true;
    return Error{Errc::Closed, "the image at the server has changed while it was in use"};
  };
  calls.on_body = into(flight->landing);
  calls.on_done = [this, flight, changed](const Result<void>& outcome) {
    if (*changed) change(outcome.error().detail);
    landed(flight, outcome);
  };
  flight->fetch = fetcher_.start({url_, std::pair{from, to - 1}, identity.if_range()}, std::move(calls));
}

/// For the fetching thread. The loop looks once for all that has come until then.
std::function<Result<void>(Bytes)> WebStore::into(const std::shared_ptr<Landing>& landing) {
  return [landing, &loop = loop_, self = self_](Bytes bytes) -> Result<void> {
    const std::uint64_t at = landing->at.load(std::memory_order_relaxed);
    if (bytes.size() > landing->to - at) return Error{Errc::BadValue, kTooMuch};
    if (const Result<void> written = landing->data.write(at, bytes); !written) return written;
    landing->at.store(at + bytes.size(), std::memory_order_release);
    if (landing->told.exchange(true)) return {};
    loop.post([landing, self] {
      landing->told.exchange(false);  // before it looks: what comes from now on is told anew
      if (*self != nullptr) (*self)->arrived(*landing);
    });
    return {};
  };
}

void WebStore::arrived(Landing& landing) {
  const std::uint64_t at = landing.at.load(std::memory_order_acquire);
  if (at == landing.seen) return;
  rate_bytes_ += at - landing.seen;
  const Duration passed = loop_.now() - rate_since_;
  if (passed >= kRateWindow) {
    if (passed < kPauseOfTheMachine)
      rate_ = static_cast<double>(rate_bytes_) / std::chrono::duration<double>(passed).count();
    rate_since_ = loop_.now();
    rate_bytes_ = 0;
  }
  const ChunkMap& map = entry_->map();
  for (std::uint64_t chunk = chunk_of(landing.seen); chunk < map.chunks() && map.end_of(chunk) <= at; ++chunk)
    entry_->set(chunk);
  landing.seen = at;
  if (std::exchange(awaited_, false)) news();
}

void WebStore::landed(Flights::iterator flight, const Result<void>& outcome) {
  arrived(*flight->landing);
  Error why{Errc::Closed, kMiddle};
  if (!outcome) why = outcome.error();
  const bool whole = outcome && flight->at() == flight->landing->to;
  for (std::uint64_t chunk = flight->first; !whole && !changed_ && flight->needed && chunk < flight->end; ++chunk)
    wanted_.insert(chunk);
  flights_.erase(flight);
  if (whole) {
    back();
  } else if (!changed_ && why.code == Errc::Busy && !flights_.empty()) {
    too_many();
  } else if (!changed_) {
    away(why);
  }
  news();
}

/// Servers limit what one address asks for at once. Those that are under way it has taken.
void WebStore::too_many() {
  if (flights_.size() < most_flights_) log::info("image.fewer", {{"image", shown_}, {"requests", flights_.size()}});
  most_flights_ = std::min(most_flights_, flights_.size());
  landed_in_a_row_ = 0;
  if (!retry_.armed()) retry_.arm(pauses_.first);
}

void WebStore::away(const Error& why) {
  if (!std::exchange(away_, true)) {
    log::warn("image.away", {{"image", shown_}, {"cause", amtgate::name(why.code)}, {"why", why.detail}});
  }
  problem_ = why.detail;
  if (retry_.armed()) return;
  retry_.arm(pause_);
  pause_ = std::min<Duration>(pause_ * 2, pauses_.last);
}

void WebStore::back() {
  pause_ = pauses_.first;
  if (++landed_in_a_row_ % kProof == 0) most_flights_ = std::min(most_flights_ + 1, kMostFlights);
  if (!wanted_.empty()) retry_.arm(Duration::zero());
  if (!std::exchange(away_, false)) return;
  problem_.clear();
  log::info("image.back", {{"image", shown_}});
}

void WebStore::change(const std::string& how) {
  if (std::exchange(changed_, true)) return;
  problem_ = how;
  log::error("image.changed", {{"image", shown_},
                               {"bytes", size()},
                               {"why", how + ": machines get read errors from it until it is attached anew"}});
  entry_->abandon();
  retry_.cancel();
}

/// Only for who waits: an image that nobody reads is not asked for.
void WebStore::retry() {
  if (state_ != Medium::State::Ready) return probe();
  const std::set<std::uint64_t> wanted = std::exchange(wanted_, {});
  bool first = true;
  for (const std::uint64_t chunk : wanted) {
    if (entry_->map().has(chunk) || flying(chunk) != nullptr) continue;
    // One tries whether the server is back; who still waits for another asks again then.
    if (std::exchange(first, false)) launch(chunk, chunk + 1, true);
  }
  // With nobody waiting the next who needs something tries.
  news();
}

}  // namespace amtgate::image
