// Recordings: what sessions showed, in a folder: one file with what was shown, one with who looked on. Written by a
// thread of its own, since a slow disk must not hold up a session; a recording that the disk cannot follow ends.
//
//   ID.fbs or ID.cast    record/fbs.h, record/asciicast.h
//   ID.json              JSON lines: the head, then what happened, each with "at": milliseconds since the beginning
//
// ID is "TARGET-20260131T120000Z-N", N the first viewer's session. Files are the daemon's alone.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "amtgate/base/bytes.h"
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

  explicit Recordings(std::string folder) : folder_(std::move(folder)) {}
  /// Writes what waits, for at most some seconds.
  ~Recordings();
  Recordings(const Recordings&) = delete;
  Recordings& operator=(const Recordings&) = delete;

  class Recording;
  /// `suffix`: ".fbs", ".cast". Files are made with the first bytes. Limits are kept from here on.
  std::shared_ptr<Recording> begin(const std::string& target, std::uint64_t session, sys::WallTime started,
                                   const std::string& suffix, const RecordingLimits& limits);

 private:
  struct Job {
    std::shared_ptr<Recording> recording;
    Buffer bytes;
    bool head = false;
    bool end = false;
  };
  void push(Job job);
  void work();
  void write(Job& job);
  void prune();

  const std::string folder_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::size_t waiting_ = 0;
  RecordingLimits limits_;
  bool stop_ = false;
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
  Recording(Recordings& all, std::string id, const std::string& suffix);

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
  std::atomic<bool> failed_{false};
  bool ended_ = false;
  sys::UniqueFd data_, head_;  // of the thread
};

}  // namespace amtgate::gateway
