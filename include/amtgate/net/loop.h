// Loop: one thread's events. Sockets (Watch), times (Timer), work from other threads (post), work for the end of this
// turn (defer), and objects that die once nobody is inside them any more (retire).
//
// Everything here belongs to the loop's thread except post() and stop(). Callbacks must not throw: they run in a
// noexcept frame. libevent is behind it (src/net/loop.cc).
#pragma once

#include <functional>
#include <memory>

#include "amtgate/base/result.h"
#include "amtgate/base/time.h"

namespace amtgate::net {

struct Ready {
  bool read = false;
  bool write = false;
};

class Loop {
 public:
  /// Errors: System (no descriptors left, no epoll).
  static Result<std::unique_ptr<Loop>> create();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop(). Work posted before stop() is done first.
  void run();
  /// Runs what is ready now, at most one turn, waiting no longer than `wait`. For tests and for command-line tools.
  void run_once(Duration wait);
  /// From any thread or from a callback. Not from a signal handler: use Signal.
  void stop();
  /// From now on run() looks for events for some microseconds before it sleeps, where that pays (net/busy_wait.h).
  /// For a process that answers one machine; others want the processor meanwhile.
  void wait_busily();

  /// From any thread: runs `work` on the loop's thread, in the order posted. Never runs it before returning. One
  /// wake-up serves all that is queued; what is posted by posted work runs in the next turn.
  void post(std::function<void()> work);
  /// On the loop's thread: runs `work` at the end of this turn, after the events that are ready now.
  void defer(std::function<void()> work);
  /// Keeps the object until the end of this turn, when no callback of its own can be running, and destroys it there.
  /// Call it with what you own: loop.retire(std::move(session_)). Until then its callbacks may still come.
  void retire(std::shared_ptr<void> object);

  /// The time when this turn began; a clock read at most once a turn.
  TimePoint now() const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit Loop(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// One-shot. Destroying or cancelling it means the callback does not come.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> on_time);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Replaces an earlier arming. Counts from this call, not from the turn's beginning; never early, and late by a
  /// tick of the kernel (4 ms) or so.
  void arm(Duration in);
  void arm_at(TimePoint when);
  void cancel();
  bool armed() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Level-triggered interest in a descriptor that the caller owns and closes after the Watch is gone. Nothing is
/// wanted at first. An error or hang-up on the descriptor shows as every direction that is wanted.
class Watch {
 public:
  Watch(Loop& loop, int fd, std::function<void(Ready)> on_ready);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Cheap when nothing changes.
  void want(bool read, bool write);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A signal as an event of the loop. One loop of the process may have them.
class Signal {
 public:
  Signal(Loop& loop, int number, std::function<void()> on_signal);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace amtgate::net
