#include "amtgate/net/loop.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "amtgate/sys/clock.h"
#include "loop_impl.h"

namespace amtgate::net {
namespace {

/// libevent reads the coarse clock, which lags by up to one tick of the kernel.
Duration clock_lag() {
  static const Duration lag = [] {
    timespec t{};
    ::clock_getres(CLOCK_MONOTONIC_COARSE, &t);
    return seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
  }();
  return lag;
}

/// Of deferred work in one turn.
constexpr int kRounds = 4;

timeval to_timeval(Duration d) {
  // Rounded up: a timer must never come before its time.
  d = d > Duration::zero() ? d + clock_lag() : Duration::zero();
  const auto us = std::chrono::ceil<std::chrono::microseconds>(d).count();
  timeval out{};
  out.tv_sec = us / 1000000;
  out.tv_usec = us % 1000000;
  return out;
}

void on_wake(evutil_socket_t fd, short, void* arg) noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(static_cast<int>(fd), &count, sizeof count);
  static_cast<Loop::Impl*>(arg)->run_posted();
}

}  // namespace

void Loop::Impl::run_posted() {
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    work.swap(posted);
  }
  for (const std::function<void()>& w : work) w();
}

void Loop::Impl::finish_turn() {
  // Work often defers a next step, and destructors retire more: a few rounds are cheaper than a turn of the sockets
  // between them. But work that goes on and on must not keep the sockets waiting.
  for (int round = 0; round < kRounds && (!deferred.empty() || !retired.empty()); ++round) {
    std::vector<std::function<void()>> work;
    work.swap(deferred);
    for (const std::function<void()>& w : work) w();
    std::vector<std::shared_ptr<void>> dead;
    dead.swap(retired);
  }
}

void Loop::Impl::came() {
  if (busy_wait && woken == TimePoint{}) woken = sys::now();
}

void Loop::Impl::turn(int flags) {
  now = TimePoint{};
  const bool busy = !deferred.empty() || !retired.empty();
  if (busy_wait && !busy && flags == 0) {
    wait();
  } else {
    ::event_base_loop(base.get(), EVLOOP_ONCE | flags | (busy ? EVLOOP_NONBLOCK : 0));
  }
  finish_turn();
}

/// Until something has come, and was served.
void Loop::Impl::wait() {
  const TimePoint begun = sys::now();
  const Duration patience = busy_wait->patience();
  woken = TimePoint{};
  for (TimePoint at = begun; at - begun < patience; at = sys::now()) {
    ::event_base_loop(base.get(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
    if (woken != TimePoint{}) return busy_wait->found();
  }
  ::event_base_loop(base.get(), EVLOOP_ONCE);
  if (woken != TimePoint{}) busy_wait->slept(woken - begun, patience > Duration::zero());
}

Loop::Loop(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Loop>> Loop::create() {
  ::signal(SIGPIPE, SIG_IGN);  // splice(2) knows no MSG_NOSIGNAL; a closed connection is an error value here
  auto impl = std::make_unique<Impl>();
  const Handle<event_config, &event_config_free> config(::event_config_new());
  if (!config) return Error{Errc::System, "no event loop: out of memory"};
  // Other threads reach the loop through the eventfd alone, so libevent needs no locks. The change list joins
  // the changes of one turn into one epoll_ctl(2) at most; it forbids watching a descriptor and its dup(2), which
  // nobody here does.
  ::event_config_set_flag(config.get(),
                          EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  impl->base.reset(::event_base_new_with_config(config.get()));
  impl->wake.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!impl->base || !impl->wake) return Error{Errc::System, std::string("no event loop: ") + std::strerror(errno)};
  impl->wake_event.reset(::event_new(impl->base.get(), impl->wake.get(), EV_READ | EV_PERSIST, &on_wake, impl.get()));
  if (!impl->wake_event || ::event_add(impl->wake_event.get(), nullptr) != 0) {
    return Error{Errc::System, "no event loop: cannot watch its eventfd"};
  }
  return std::unique_ptr<Loop>(new Loop(std::move(impl)));
}

Loop::~Loop() {
  impl_->guests.clear();
  // What was handed to us dies before the base that its watches and timers hang on.
  while (!impl_->deferred.empty() || !impl_->retired.empty()) {
    impl_->deferred.clear();
    std::vector<std::shared_ptr<void>> dead;
    dead.swap(impl_->retired);
  }
  impl_->run_posted();
  impl_->deferred.clear();
  impl_->retired.clear();
}

void Loop::run() {
  while (!impl_->stop.load(std::memory_order_acquire)) impl_->turn(0);
  impl_->run_posted();
  impl_->finish_turn();
  impl_->stop.store(false, std::memory_order_release);
}

void Loop::run_once(Duration wait) {
  if (wait <= Duration::zero()) {
    impl_->turn(EVLOOP_NONBLOCK);
    return;
  }
  Timer timer(*this, [] {});
  timer.arm(wait);
  impl_->turn(0);
}

void Loop::wait_busily() {
  impl_->busy_wait.emplace();
}

void Loop::stop() {
  impl_->stop.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(impl_->wake.get(), &one, sizeof one);
}

void Loop::post(std::function<void()> work) {
  bool first = false;
  {
    const std::lock_guard<std::mutex> lock(impl_->mutex);
    first = impl_->posted.empty();
    impl_->posted.push_back(std::move(work));
  }
  if (!first) return;  // its wake-up is under way
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(impl_->wake.get(), &one, sizeof one);
}

void Loop::defer(std::function<void()> work) {
  impl_->deferred.push_back(std::move(work));
}

void Loop::retire(std::shared_ptr<void> object) {
  if (object) impl_->retired.push_back(std::move(object));
}

TimePoint Loop::now() const {
  if (impl_->now == TimePoint{}) impl_->now = sys::now();
  return impl_->now;
}

// --- Timer --------------------------------------------------------------------------------------------------

struct Timer::Impl {
  event ev{};
  Loop::Impl* loop = nullptr;
  std::function<void()> on_time;

  static void fire(evutil_socket_t, short, void* arg) noexcept {
    auto* self = static_cast<Impl*>(arg);
    self->loop->came();
    self->on_time();
  }
};

Timer::Timer(Loop& loop, std::function<void()> on_time) : impl_(std::make_unique<Impl>()) {
  impl_->loop = &loop.impl();
  impl_->on_time = std::move(on_time);
  ::evtimer_assign(&impl_->ev, loop.impl().base.get(), &Impl::fire, impl_.get());
}

Timer::~Timer() {
  ::event_del(&impl_->ev);
}

void Timer::arm(Duration in) {
  const timeval tv = to_timeval(in);
  // libevent counts from when its turn began; a callback may have taken long since.
  ::event_base_update_cache_time(::event_get_base(&impl_->ev));
  ::event_add(&impl_->ev, &tv);
}

void Timer::arm_at(TimePoint when) {
  arm(when - sys::now());
}

void Timer::cancel() {
  ::event_del(&impl_->ev);
}

bool Timer::armed() const {
  return ::event_pending(&impl_->ev, EV_TIMEOUT, nullptr) != 0;
}

// --- Watch --------------------------------------------------------------------------------------------------

struct Watch::Impl {
  event ev{};
  Loop::Impl* loop = nullptr;
  int fd = -1;
  short wanted = 0;
  std::function<void(Ready)> on_ready;

  static void fire(evutil_socket_t, short what, void* arg) noexcept {
    auto* self = static_cast<Impl*>(arg);
    self->loop->came();
    self->on_ready(Ready{(what & EV_READ) != 0, (what & EV_WRITE) != 0});
  }
};

Watch::Watch(Loop& loop, int fd, std::function<void(Ready)> on_ready) : impl_(std::make_unique<Impl>()) {
  impl_->loop = &loop.impl();
  impl_->fd = fd;
  impl_->on_ready = std::move(on_ready);
}

Watch::~Watch() {
  if (impl_->wanted != 0) ::event_del(&impl_->ev);
}

void Watch::want(bool read, bool write) {
  const auto wanted = static_cast<short>((read ? EV_READ : 0) | (write ? EV_WRITE : 0));
  if (wanted == impl_->wanted) return;
  if (impl_->wanted != 0) ::event_del(&impl_->ev);
  impl_->wanted = wanted;
  if (wanted == 0) return;
  ::event_assign(&impl_->ev, impl_->loop->base.get(), impl_->fd, static_cast<short>(wanted | EV_PERSIST), &Impl::fire,
                 impl_.get());
  ::event_add(&impl_->ev, nullptr);
}

// --- Signal -------------------------------------------------------------------------------------------------

struct Signal::Impl {
  event ev{};
  Loop::Impl* loop = nullptr;
  std::function<void()> on_signal;

  static void fire(evutil_socket_t, short, void* arg) noexcept {
    auto* self = static_cast<Impl*>(arg);
    self->loop->came();
    self->on_signal();
  }
};

Signal::Signal(Loop& loop, int number, std::function<void()> on_signal) : impl_(std::make_unique<Impl>()) {
  impl_->loop = &loop.impl();
  impl_->on_signal = std::move(on_signal);
  evsignal_assign(&impl_->ev, loop.impl().base.get(), number, &Impl::fire, impl_.get());
  ::event_add(&impl_->ev, nullptr);
}

Signal::~Signal() {
  ::event_del(&impl_->ev);
}

}  // namespace amtgate::net
