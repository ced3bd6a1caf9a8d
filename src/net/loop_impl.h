// libevent behind Loop. Not a public header.
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

#include <atomic>
#include <list>
#include <mutex>
#include <optional>
#include <vector>

#include "amtgate/base/handle.h"
#include "amtgate/net/busy_wait.h"
#include "amtgate/net/loop.h"
#include "amtgate/sys/fd.h"

namespace amtgate::net {

using EventBasePtr = Handle<event_base, &event_base_free>;
using EventPtr = Handle<event, &event_free>;

struct Loop::Impl {
  EventBasePtr base;
  sys::UniqueFd wake;  // eventfd: something was posted
  EventPtr wake_event;
  std::atomic<bool> stop{false};

  std::mutex mutex;
  std::vector<std::function<void()>> posted;  // guarded by mutex

  std::vector<std::function<void()>> deferred;
  std::vector<std::shared_ptr<void>> retired;
  std::list<std::shared_ptr<void>> guests;  // objects that nobody else owns; they take themselves out
  mutable TimePoint now{};                  // zero = not read in this turn

  std::optional<BusyWait> busy_wait;
  TimePoint woken{};  // when the first event of this turn came; only with busy_wait

  void turn(int flags);
  void wait();
  /// Every callback of libevent's says so first.
  void came();
  void run_posted();
  void finish_turn();
};

}  // namespace amtgate::net
