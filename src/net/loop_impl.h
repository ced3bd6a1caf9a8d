// libevent behind Loop. Not a public header.
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

#include <atomic>
#include <list>
#include <mutex>
#include <vector>

#include "amtgate/base/handle.h"
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

  void turn(int flags);
  void run_posted();
  void finish_turn();
};

}  // namespace amtgate::net
