#include "amtgate/net/worker.h"

#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <system_error>

namespace amtgate::net {

Result<std::unique_ptr<Worker>> Worker::start(const std::string& name) {
  std::unique_ptr<Worker> worker(new Worker);
  Result<std::unique_ptr<Loop>> loop = Loop::create();
  if (!loop) return loop.error();
  worker->loop_ = std::move(*loop);
  // The thread inherits this mask: signals are the main thread's.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  Result<void> started;
  try {
    worker->thread_ = std::thread([l = worker->loop_.get()] { l->run(); });
    ::pthread_setname_np(worker->thread_.native_handle(), name.substr(0, 15).c_str());
  } catch (const std::system_error& e) {
    started = Error{Errc::System, std::string("cannot start a thread: ") + e.what()};
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!started) return started.error();
  return worker;
}

Worker::~Worker() {
  stop();
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  loop_->stop();
  thread_.join();
}

void Worker::run_there(std::function<void()> work) {
  std::mutex mutex;
  std::condition_variable done_changed;
  bool done = false;
  loop_->post([&] {
    work();
    const std::lock_guard<std::mutex> lock(mutex);
    done = true;
    done_changed.notify_one();
  });
  std::unique_lock<std::mutex> lock(mutex);
  done_changed.wait(lock, [&] { return done; });
}

}  // namespace amtgate::net
