// Actions: the commands of a command, as `list` and `add` of `amtgate users`.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "amtgate/cli/commands.h"

namespace amtgate::cli {

class Actions {
 public:
  /// One of them has to be named. `command` must outlive the Run.
  explicit Actions(CLI::App& command);
  /// `add` gets the action's own CLI::App, as the functions in commands.h get a command's.
  template <class Add>
  void add(const char* name, const char* help, const Add& add) {
    CLI::App& action = begin(name, help);
    runs_->emplace_back(&action, add(action));
  }
  /// Runs the one that was named.
  Run run() const;

 private:
  CLI::App& begin(const char* name, const char* help);

  CLI::App& command_;
  std::shared_ptr<std::vector<std::pair<const CLI::App*, Run>>> runs_;
};

}  // namespace amtgate::cli
