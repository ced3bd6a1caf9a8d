#include "amtgate/gateway/recordings.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "amtgate/sys/file.h"
#include "amtgate/sys/log.h"

namespace amtgate::gateway {
namespace {

/// The folder is looked through again when so much was written, or an eighth of the limit.
constexpr std::uint64_t kPruneMost = 16U << 20U, kPruneLeast = 64U << 10U;
constexpr Duration kFlush = seconds(5);

std::string stamp(sys::WallTime t) {
  // 2026-01-31T12:00:00.123Z
  std::string iso = sys::to_iso8601(t).substr(0, 19);
  std::erase_if(iso, [](char c) { return c == '-' || c == ':'; });
  return iso + "Z";
}

std::string file_name_part(const std::string& name) {
  std::string out = name;
  std::ranges::replace_if(
      out,
      [](char c) {
        return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' &&
               c != '.';
      },
      '_');
  if (out.empty() || out[0] == '.') out = "_" + out;
  return out;
}

bool write_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Recordings::Recording::Recording(Recordings& all, std::string id, const std::string& suffix)
    : all_(all), id_(std::move(id)), suffix_(suffix) {}

void Recordings::Recording::write(Buffer bytes) {
  if (ended_ || failed_ || bytes.empty()) return;
  all_.push({shared_from_this(), std::move(bytes)});
}

void Recordings::Recording::note(const std::string& json) {
  if (ended_ || failed_) return;
  const Bytes text = as_bytes(json);
  Buffer line(text.begin(), text.end());
  line.push_back('\n');
  all_.push({shared_from_this(), std::move(line), true});
}

void Recordings::Recording::end() {
  if (std::exchange(ended_, true)) return;
  all_.push({shared_from_this(), {}, false, true});
}

std::shared_ptr<Recordings::Recording> Recordings::begin(const std::string& target, std::uint64_t session,
                                                         sys::WallTime started, const std::string& suffix,
                                                         const RecordingLimits& limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  return std::make_shared<Recording>(
      *this, file_name_part(target) + "-" + stamp(started) + "-" + std::to_string(session), suffix);
}

Recordings::~Recordings() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Recordings::push(Job job) {
  const std::lock_guard lock(mutex_);
  if (!job.end && waiting_ + job.bytes.size() > kMaxWaiting) {
    if (!job.recording->failed_.exchange(true)) {
      log::warn("recording.failed", {{"recording", job.recording->id()},
                                     {"why", "the disk of " + folder_ + " does not follow; it ends here"}});
    }
    return;
  }
  waiting_ += job.bytes.size();
  jobs_.push_back(std::move(job));
  wake_.notify_one();
}

void Recordings::work() {
  std::unique_lock lock(mutex_);
  std::optional<TimePoint> stop_at;
  while (true) {
    wake_.wait(lock, [&] { return stop_ || !jobs_.empty(); });
    if (stop_ && !stop_at) stop_at = sys::now() + kFlush;
    if (jobs_.empty() || (stop_at && sys::now() >= *stop_at)) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    write(job);
    lock.lock();
    waiting_ -= job.bytes.size();
  }
}

void Recordings::write(Job& job) {
  Recording& r = *job.recording;
  if (job.end) {
    r.data_.reset();
    r.head_.reset();
    active_.erase(r.id_);
    return prune();
  }
  if (r.failed_) return;
  const std::string path = folder_ + "/" + r.id_ + (job.head ? ".json" : r.suffix_);
  const auto fail = [&](const std::string& why) {
    if (!r.failed_.exchange(true)) log::warn("recording.failed", {{"recording", r.id_}, {"why", why}});
  };
  sys::UniqueFd& fd = job.head ? r.head_ : r.data_;
  if (!fd) {
    if (active_.insert(r.id_).second) prune();
    if (const Result<void> made = sys::make_directories(folder_, 0700); !made) return fail(made.error().detail);
    fd = sys::UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
    if (!fd) return fail(path + ": " + std::strerror(errno));
  }
  if (!write_all(fd.get(), job.bytes)) return fail(path + ": " + std::strerror(errno) + "; it ends here");
  written_ += job.bytes.size();
  if (written_ >= prune_at_ || full_) prune();
  if (full_) fail("record_limit is reached by those that are being made; it ends here");
}

/// Takes the oldest away until the limits hold. One that is being made is not taken away, but ends where it alone is
/// too much.
void Recordings::prune() {
  written_ = 0;
  RecordingLimits limits;
  {
    const std::lock_guard lock(mutex_);
    limits = limits_;
  }
  prune_at_ = limits.bytes == 0 ? kPruneMost : std::clamp(limits.bytes / 8, kPruneLeast, kPruneMost);
  struct Found {
    std::vector<std::string> files;
    std::uint64_t bytes = 0;
    std::int64_t changed = 0;
  };
  std::map<std::string, Found> all;
  const Result<std::vector<std::string>> listed = sys::list_directory(folder_, "");
  if (!listed) return;
  std::uint64_t total = 0;
  for (const std::string& path : *listed) {
    const std::string name = path.substr(path.rfind('/') + 1);
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos) continue;
    const std::string suffix = name.substr(dot);
    if (suffix != ".fbs" && suffix != ".cast" && suffix != ".json") continue;
    const sys::FileStamp file = sys::file_stamp(path);
    Found& f = all[name.substr(0, dot)];
    f.files.push_back(path);
    f.bytes += static_cast<std::uint64_t>(std::max<std::int64_t>(file.size, 0));
    f.changed = std::max(f.changed, file.modified_s);
    total += static_cast<std::uint64_t>(std::max<std::int64_t>(file.size, 0));
  }
  std::vector<std::pair<std::int64_t, std::string>> oldest;
  for (const auto& [id, f] : all) {
    if (!active_.contains(id)) oldest.emplace_back(f.changed, id);
  }
  std::ranges::sort(oldest);
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(sys::wall_now().time_since_epoch()).count();
  const std::int64_t age = std::chrono::duration_cast<std::chrono::seconds>(limits.age).count();
  for (const auto& [changed, id] : oldest) {
    const bool old = age > 0 && now - changed > age;
    const bool much = limits.bytes > 0 && total > limits.bytes;
    if (!old && !much) continue;
    const Found& f = all[id];
    for (const std::string& path : f.files) ::unlink(path.c_str());
    total -= f.bytes;
    log::info("recording.removed", {{"recording", id}, {"bytes", f.bytes}, {"why", old ? "age" : "limit"}});
  }
  full_ = limits.bytes > 0 && total > limits.bytes;
}

}  // namespace amtgate::gateway
