// The log: an event and fields, one logfmt line each, to standard error.
//
//   log::info("session.open", {{"sid", id}, {"client", endpoint}, {"target", name}});
//   2026-01-31T12:00:00.123Z info session.open sid=42 client=10.0.0.5:51332 target=pc1
//
// Under systemd (standard error is the journal) the time is left out and the level becomes the journal's "<6>".
// Values are quoted only where needed; control bytes are escaped, so no value can forge a line. A value is cut at
// kMaxValue bytes. Never pass credentials, key strokes or payload.
// Lines from several threads do not mix. What a stranger can trigger goes through a RateLimit.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "amtgate/base/time.h"

namespace amtgate::log {

/// Error: the operator must act. Warn: degraded. Info: life of a session. Debug: per message.
enum class Level : std::uint8_t { Error, Warn, Info, Debug };

/// More than the longest honest value (a certificate's subject, a path) and small enough for one journal line.
inline constexpr std::size_t kMaxValue = 1024;

template <class T>
concept HasToString = requires(const T& t) {
  { t.to_string() } -> std::convertible_to<std::string>;
};

/// One key=value. Keys are literals in lower case, a unit as suffix: took_ms, rx_bytes.
struct Field {
  std::string_view key;
  std::string value;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "yes" : "no") {}
  template <std::integral T>
  Field(std::string_view k, T v) : key(k), value(std::to_string(v)) {}
  template <HasToString T>
  Field(std::string_view k, const T& v) : key(k), value(v.to_string()) {}
  /// Whole milliseconds; name the key *_ms.
  Field(std::string_view k, Duration v)
      : key(k), value(std::to_string(std::chrono::duration_cast<milliseconds>(v).count())) {}
};
using Fields = std::initializer_list<Field>;

void set_level(Level level);
/// Ask before building costly fields.
bool enabled(Level level);

void write(Level level, std::string_view event, Fields fields);
/// The same for fields that several lines share, and that were gathered first.
void write_gathered(Level level, std::string_view event, std::span<const Field> fields);
inline void error(std::string_view event, Fields fields = {}) {
  write(Level::Error, event, fields);
}
inline void warn(std::string_view event, Fields fields = {}) {
  write(Level::Warn, event, fields);
}
inline void info(std::string_view event, Fields fields = {}) {
  write(Level::Info, event, fields);
}
inline void debug(std::string_view event, Fields fields = {}) {
  if (enabled(Level::Debug)) write(Level::Debug, event, fields);
}

/// `event` and `fields` as they follow the level on a line.
std::string format(std::string_view event, Fields fields);

/// Sends lines (level, format()'s text) elsewhere; empty = standard error again. Set it before other threads log.
using Sink = std::function<void(Level, std::string_view)>;
void set_sink(Sink sink);

/// A bucket of `burst` tokens that fills with `per_second`. Not thread-safe; pure, the time is handed in.
class TokenBucket {
 public:
  TokenBucket(double per_second, double burst) : rate_(per_second), burst_(burst), tokens_(burst) {}
  bool take(TimePoint now);

 private:
  double rate_;
  double burst_;
  double tokens_;
  TimePoint last_{};
};

/// Lets through `burst` lines at once and `per_second` after; the next line that gets through carries suppressed=N.
/// Thread-safe. Usually a member or a function-local static beside the call:
///   static log::RateLimit limit;
///   log::warn(limit, "access.denied", {{"client", client}});
class RateLimit {
 public:
  explicit RateLimit(double per_second = 1, double burst = 10);
  ~RateLimit();
  /// The number suppressed since the last line that passed, or -1: this one is suppressed too.
  std::int64_t pass(TimePoint now);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

void write(RateLimit& limit, Level level, std::string_view event, Fields fields);
inline void error(RateLimit& l, std::string_view event, Fields fields = {}) {
  write(l, Level::Error, event, fields);
}
inline void warn(RateLimit& l, std::string_view event, Fields fields = {}) {
  write(l, Level::Warn, event, fields);
}
inline void info(RateLimit& l, std::string_view event, Fields fields = {}) {
  write(l, Level::Info, event, fields);
}

}  // namespace amtgate::log
