// Recordings: what sessions showed, in a folder: one file with what was shown, one with who looked on. Written by a
// thread of its own, since a slow disk must not hold up a session. What a disk cannot take any more is not recorded:
// the recording ends, and its files say so behind the last thing that is whole in them.
//
//   ID.fbs or ID.cast    record/fbs.h, record/asciicast.h
//   ID.json              recording_notes.h
//
// ID is "TARGET-20260131T120000Z-N", N the first viewer's session; with "-2" and so on behind it where such files are
// there already, as a daemon before this one may have left. Files are the daemon's alone.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/fd.h"

namespace amtgate::gateway {

struct RecordingLimits {
  std::uint64_t bytes = 0;  // of all in the folder; the oldest go first. 0: none
  Duration age{};           // older ones go; zero: none do
};

class Recordings {
 public:
  /// Bytes that wait for the disk.
  static constexpr std::size_t kMaxWaiting = 32U << 20U;
  /// Whatever happens, the folder is looked through for what is too old.
  static constexpr Duration kLookThrough = std::chrono::hours(1);
  /// As write(2).
  using Disk = std::function<ssize_t(int fd, const void* bytes, std::size_t n)>;

  explicit Recordings(std::string folder);
  Recordings(std::string folder, Disk disk) : folder_(std::move(folder)), disk_(std::move(disk)) {}
  /// Writes what waits, for at most some seconds.
  ~Recordings();
  Recordings(const Recordings&) = delete;
  Recordings& operator=(const Recordings&) = delete;

  class Recording;
  /// From now on these are kept, also for what is in the folder already.
  void keep(const RecordingLimits& limits);
  /// `suffix`: ".fbs", ".cast". Files are made with the first bytes.
  std::shared_ptr<Recording> begin(const std::string& target, std::uint64_t session, sys::WallTime started,
                                   const std::string& suffix);

 private:
  struct Job {
    enum class Kind : std::uint8_t { Shown, Note, Cut, End };
    std::shared_ptr<Recording> recording;
    Kind kind = Kind::Shown;
    Buffer bytes{};
    std::string why{};  // Cut
  };
  void start();
  void push(Job job);
  void work();
  void take(Job& job);
  void write(Job& job);
  Result<void> put(Recording& r, sys::UniqueFd& fd, const std::string& suffix, Bytes bytes);
  Result<void> name_files(Recording& r);
  void cut(Recording& r, const std::string& why);
  void close(Recording& r);
  void prune();

  const std::string folder_;
  const Disk disk_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::size_t waiting_ = 0;
  RecordingLimits limits_;
  bool stop_ = false;
  bool look_through_ = false;
  std::thread thread_;
  // Of the thread.
  std::set<std::string> active_;
  std::uint64_t written_ = 0;  // since prune()
  std::uint64_t prune_at_ = 0;
  bool full_ = false;  // those that are being made are too much
};

/// One of them. Its owner's calls come from one thread.
class Recordings::Recording : public std::enable_shared_from_this<Recording> {
 public:
  Recording(Recordings& all, std::string id, const std::string& suffix, sys::WallTime started);

  /// What its files are called, unless there are such files.
  const std::string& id() const { return id_; }
  void write(Buffer bytes);
  /// A line for the JSON file.
  void note(const std::string& json);
  void end();
  /// It has ended by itself: a sentence for the log was written.
  bool failed() const { return failed_; }

 private:
  friend class Recordings;
  Recordings& all_;
  const std::string id_;
  const std::string suffix_;
  const sys::WallTime started_;
  std::atomic<bool> failed_{false};
  bool ended_ = false;
  // Of the thread.
  std::string stem_;  // of its files; empty: there are none
  bool closed_ = false;
  sys::UniqueFd data_, head_;
};

}  // namespace amtgate::gateway
