// Worker: a thread that runs a loop.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "amtgate/base/result.h"
#include "amtgate/net/loop.h"

namespace amtgate::net {

/// Sessions are born, live and die on one worker. Whatever lives on its loop is made and destroyed there (post()).
class Worker {
 public:
  /// `name`: up to 15 characters, seen in top. All signals are blocked in the thread. Errors: System.
  static Result<std::unique_ptr<Worker>> start(const std::string& name);
  /// stop() and join.
  ~Worker();

  Loop& loop() { return *loop_; }
  /// Runs `work` on the worker and waits for it. Not from the worker itself.
  void run_there(std::function<void()> work);
  void stop();

 private:
  Worker() = default;
  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace amtgate::net
