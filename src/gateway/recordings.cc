#include "amtgate/gateway/recordings.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "amtgate/gateway/recording_notes.h"
#include "amtgate/record/asciicast.h"
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

bool ours(const std::string& suffix) {
  return suffix == ".fbs" || suffix == ".cast" || suffix == ".json";
}

}  // namespace

Recordings::Recording::Recording(Recordings& all, std::string id, const std::string& suffix, sys::WallTime started)
    : all_(all), id_(std::move(id)), suffix_(suffix), started_(started) {}

void Recordings::Recording::write(Buffer bytes) {
  if (ended_ || failed_ || bytes.empty()) return;
  all_.push({shared_from_this(), Job::Kind::Shown, std::move(bytes)});
}

void Recordings::Recording::note(const std::string& json) {
  if (ended_ || failed_) return;
  const Bytes text = as_bytes(json);
  Buffer line(text.begin(), text.end());
  line.push_back('\n');
  all_.push({shared_from_this(), Job::Kind::Note, std::move(line)});
}

void Recordings::Recording::end() {
  if (std::exchange(ended_, true)) return;
  all_.push({shared_from_this(), Job::Kind::End});
}

Recordings::Recordings(std::string folder) : Recordings(std::move(folder), ::write) {}

void Recordings::keep(const RecordingLimits& limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
  if (!thread_.joinable() && !sys::exists(folder_)) return;  // whoever records nothing needs no thread
  start();
  look_through_ = true;
  wake_.notify_one();
}

void Recordings::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
}

std::shared_ptr<Recordings::Recording> Recordings::begin(const std::string& target, std::uint64_t session,
                                                         sys::WallTime started, const std::string& suffix) {
  const std::lock_guard lock(mutex_);
  start();
  return std::make_shared<Recording>(
      *this, file_name_part(target) + "-" + stamp(started) + "-" + std::to_string(session), suffix, started);
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
  if (job.kind != Job::Kind::End && waiting_ + job.bytes.size() > kMaxWaiting) {
    if (job.recording->failed_.exchange(true)) return;
    job = {job.recording, Job::Kind::Cut, {}, "the disk does not follow"};  // behind what waits for it
  }
  waiting_ += job.bytes.size();
  jobs_.push_back(std::move(job));
  wake_.notify_one();
}

void Recordings::work() {
  std::unique_lock lock(mutex_);
  std::optional<TimePoint> stop_at;
  while (true) {
    const bool woken = wake_.wait_for(lock, kLookThrough, [&] { return stop_ || look_through_ || !jobs_.empty(); });
    if (stop_ && !stop_at) stop_at = sys::now() + kFlush;
    if (stop_ && (jobs_.empty() || sys::now() >= *stop_at)) return;
    if (!woken || std::exchange(look_through_, false)) {
      lock.unlock();
      prune();
      lock.lock();
    }
    if (jobs_.empty()) continue;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    take(job);
    lock.lock();
    waiting_ -= job.bytes.size();
  }
}

void Recordings::take(Job& job) {
  Recording& r = *job.recording;
  if (r.closed_) return;
  switch (job.kind) {
    case Job::Kind::Shown:
    case Job::Kind::Note: return write(job);
    case Job::Kind::Cut: return cut(r, job.why);
    case Job::Kind::End: return close(r);
  }
}

void Recordings::write(Job& job) {
  Recording& r = *job.recording;
  const bool note = job.kind == Job::Kind::Note;
  const Result<void> done = put(r, note ? r.head_ : r.data_, note ? ".json" : r.suffix_, job.bytes);
  if (!done) return cut(r, done.error().detail);
  written_ += job.bytes.size();
  if (written_ >= prune_at_ || full_) prune();
  if (full_) cut(r, "record_limit is reached by those that are being made");
}

/// All of it, or nothing: what is whole stays so.
Result<void> Recordings::put(Recording& r, sys::UniqueFd& fd, const std::string& suffix, Bytes bytes) {
  if (const Result<void> named = name_files(r); !named) return named;
  const std::string path = folder_ + "/" + r.stem_ + suffix;
  if (!fd) fd = sys::UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) return Error{Errc::System, path + ": " + std::strerror(errno)};
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = disk_(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  if (done == bytes.size()) return {};
  Error why{Errc::System, path + ": " + std::strerror(errno)};
  struct stat now {};
  const auto part = static_cast<off_t>(done);
  if (part > 0 && ::fstat(fd.get(), &now) == 0 && ::ftruncate(fd.get(), now.st_size - part) != 0) {
    why.detail += std::string("; nor can it be shortened: ") + std::strerror(errno);
  }
  return why;
}

Result<void> Recordings::name_files(Recording& r) {
  if (!r.stem_.empty()) return {};
  if (const Result<void> made = sys::make_directories(folder_, 0700); !made) return made;
  std::string stem = r.id_;
  const auto taken = [&](const char* suffix) { return sys::exists(folder_ + "/" + stem + suffix); };
  for (int i = 2; taken(".json") || taken(".fbs") || taken(".cast"); ++i) stem = r.id_ + "-" + std::to_string(i);
  if (stem != r.id_) log::info("recording.named", {{"recording", r.id_}, {"files", stem}});
  r.stem_ = stem;
  active_.insert(stem);
  prune();
  return {};
}

/// It ends here, in its own words where the disk still takes those.
void Recordings::cut(Recording& r, const std::string& why) {
  r.failed_ = true;
  log::warn("recording.failed", {{"recording", r.stem_.empty() ? r.id_ : r.stem_}, {"why", why + "; it ends here"}});
  const auto ms = std::chrono::duration_cast<milliseconds>(sys::wall_now() - r.started_).count();
  const auto at = static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0));
  if (r.head_) (void)put(r, r.head_, ".json", as_bytes(cut_note(at, why) + "\n"));
  if (r.data_ && r.suffix_ == ".cast") {
    (void)put(r, r.data_, r.suffix_,
              as_bytes(record::cast_event(static_cast<double>(at) / 1000.0, 'm', "the recording ends: " + why)));
  }
  close(r);
}

void Recordings::close(Recording& r) {
  r.closed_ = true;
  r.data_.reset();
  r.head_.reset();
  active_.erase(r.stem_);
  prune();
}

/// Takes the oldest away until the limits hold. One that is being made is not taken away, but ends where it alone is
/// too much; it stays until there is another one.
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
    if (!ours(suffix)) continue;
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
    const bool last = active_.empty() && id == oldest.back().second;
    const bool much = limits.bytes > 0 && total > limits.bytes && !last;
    if (!old && !much) continue;
    const Found& f = all[id];
    for (const std::string& path : f.files) ::unlink(path.c_str());
    total -= f.bytes;
    log::info("recording.removed", {{"recording", id}, {"bytes", f.bytes}, {"why", old ? "age" : "limit"}});
  }
  full_ = limits.bytes > 0 && total > limits.bytes;
}

}  // namespace amtgate::gateway
