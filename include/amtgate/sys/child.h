// Child: a program that runs beside us: its lines are read as they come, and it is ended in order.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/base/time.h"

namespace amtgate::sys {

class Child {
 public:
  struct Options {
    std::vector<std::string> arguments;    // the first is looked up in PATH, unless it holds a slash
    std::vector<std::string> environment;  // "NAME=VALUE", beside ours
    /// Behind us: no input, its standard error is read here, and what is typed at the terminal (Ctrl-C) does not
    /// reach it. Else it has our terminal.
    bool background = false;
    std::optional<std::pair<uid_t, gid_t>> account;  // who it runs as; else as we do
  };

  /// Errors: Unreachable (no such program), System.
  static Result<std::unique_ptr<Child>> start(const Options& options);
  /// Ends it: SIGTERM, SIGKILL after some seconds.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Its exit status, as a shell gives it, once it has ended.
  std::optional<int> ended();
  /// Until it has ended, `until`, or a line that holds `text` has come: true for that line. The last lines count, not
  /// those before the call.
  bool wait_line(const std::string& text, TimePoint until);
  /// The last line that came, without control characters.
  std::string last_line();
  /// SIGTERM, and SIGKILL when that does not end it within `grace`. Gives its exit status.
  int stop(Duration grace);

 private:
  Child() = default;
  void read_lines(int fd);

  pid_t pid_ = 0;
  std::optional<int> status_;
  std::thread reader_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;  // the last ones
  std::size_t seen_ = 0;            // of all lines, those that wait_line() looked at
  std::size_t first_ = 0;           // number of lines_[0]
  bool closed_ = false;
};

/// The full path of a program in PATH; empty where it is not.
std::string find_in_path(const std::string& program);

}  // namespace amtgate::sys
