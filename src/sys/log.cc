#include "amtgate/sys/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "amtgate/sys/clock.h"

namespace amtgate::log {
namespace {

std::atomic<Level> g_level{Level::Info};
Sink g_sink;  // set before threads start

/// systemd sets JOURNAL_STREAM to device:inode of the stream that goes to the journal; only then are "<6>" and no
/// time right.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat st {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &st) != 0) return false;
  char ours[64];
  std::snprintf(ours, sizeof ours, "%llu:%llu", static_cast<unsigned long long>(st.st_dev),
                static_cast<unsigned long long>(st.st_ino));
  return std::string_view(stream) == ours;
}

struct Out {
  Out() : logger("amtgate", std::make_shared<spdlog::sinks::stderr_sink_mt>()), journal(stderr_is_journal()) {
    logger.set_level(spdlog::level::debug);
    logger.set_pattern("%v");
    logger.flush_on(spdlog::level::debug);
    logger.set_error_handler([](const std::string&) {});  // a closed standard error is not worth a message on it
  }
  spdlog::logger logger;
  bool journal;
};

Out& out() {
  static Out* const instance = new Out;  // never destroyed: threads may log until the very end
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::Error: return spdlog::level::err;
    case Level::Warn: return spdlog::level::warn;
    case Level::Info: return spdlog::level::info;
    case Level::Debug: return spdlog::level::debug;
  }
  return spdlog::level::info;
}

struct Words {
  const char* name;
  const char* journal;
};
Words words(Level level) {
  switch (level) {
    case Level::Error: return {"error", "<3>"};
    case Level::Warn: return {"warn", "<4>"};
    case Level::Info: return {"info", "<6>"};
    case Level::Debug: return {"debug", "<7>"};
  }
  return {"info", "<6>"};
}

bool needs_quotes(std::string_view v) {
  if (v.empty()) return true;
  for (const char c : v) {
    const auto u = static_cast<unsigned char>(c);
    if (u <= 0x20 || u == 0x7f || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

void append_value(std::string& line, std::string_view v) {
  const bool cut = v.size() > kMaxValue;
  if (cut) v = v.substr(0, kMaxValue);
  if (!cut && !needs_quotes(v)) {
    line += v;
    return;
  }
  line += '"';
  for (const char c : v) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c == '\n') {
      line += "\\n";
    } else if (c == '\r') {
      line += "\\r";
    } else if (c == '\t') {
      line += "\\t";
    } else if (u < 0x20 || u == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", u);
      line += escaped;
    } else {
      line += c;
    }
  }
  if (cut) line += "...";
  line += '"';
}

void emit(Level level, const std::string& text) {
  if (g_sink) {
    g_sink(level, text);
    return;
  }
  Out& o = out();
  const Words w = words(level);
  std::string line;
  if (o.journal) {
    line = w.journal;
  } else {
    line = sys::to_iso8601(sys::wall_now());
    line += ' ';
    line += w.name;
    line += ' ';
  }
  line += text;
  o.logger.log(to_spdlog(level), spdlog::string_view_t(line));
}

}  // namespace

void set_level(Level level) {
  g_level.store(level, std::memory_order_relaxed);
}

bool enabled(Level level) {
  return level <= g_level.load(std::memory_order_relaxed);
}

namespace {

std::string format_gathered(std::string_view event, std::span<const Field> fields) {
  std::string line(event);
  for (const Field& f : fields) {
    line += ' ';
    line += f.key;
    line += '=';
    append_value(line, f.value);
  }
  return line;
}

}  // namespace

std::string format(std::string_view event, Fields fields) {
  return format_gathered(event, {fields.begin(), fields.size()});
}

void set_sink(Sink sink) {
  g_sink = std::move(sink);
}

void write(Level level, std::string_view event, Fields fields) {
  if (enabled(level)) emit(level, format(event, fields));
}

void write_gathered(Level level, std::string_view event, std::span<const Field> fields) {
  if (enabled(level)) emit(level, format_gathered(event, fields));
}

bool TokenBucket::take(TimePoint now) {
  if (last_ != TimePoint{} && now > last_) {
    const double passed = std::chrono::duration<double>(now - last_).count();
    tokens_ = std::min(burst_, tokens_ + passed * rate_);
  }
  if (last_ == TimePoint{} || now > last_) last_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

struct RateLimit::State {
  State(double per_second, double burst) : bucket(per_second, burst) {}
  std::mutex mutex;
  TokenBucket bucket;
  std::int64_t suppressed = 0;
};

RateLimit::RateLimit(double per_second, double burst) : state_(std::make_unique<State>(per_second, burst)) {}
RateLimit::~RateLimit() = default;

std::int64_t RateLimit::pass(TimePoint now) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (!state_->bucket.take(now)) {
    ++state_->suppressed;
    return -1;
  }
  return std::exchange(state_->suppressed, 0);
}

void write(RateLimit& limit, Level level, std::string_view event, Fields fields) {
  if (!enabled(level)) return;
  const std::int64_t suppressed = limit.pass(sys::now());
  if (suppressed < 0) return;
  std::string line = format(event, fields);
  if (suppressed > 0) line += " suppressed=" + std::to_string(suppressed);
  emit(level, line);
}

}  // namespace amtgate::log
