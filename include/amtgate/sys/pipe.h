// PipeTo: a program that is fed through its standard input, piece by piece.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/sys/fd.h"

namespace amtgate::sys {

class PipeTo {
 public:
  /// `arguments[0]` is looked up in PATH; standard output and error are ours. Errors: Unreachable (no such program),
  /// System.
  static Result<PipeTo> start(const std::vector<std::string>& arguments);
  PipeTo(PipeTo&& other) noexcept;
  PipeTo& operator=(PipeTo&&) = delete;
  /// Ends its input and waits for it.
  ~PipeTo();

  /// Blocks while the program does not read. Errors: Closed (it reads no more).
  Result<void> write(Bytes bytes);
  /// Ends its input, waits for its end, gives its exit status (128 + signal when it was killed).
  int finish();

 private:
  PipeTo(pid_t pid, UniqueFd input) : pid_(pid), input_(std::move(input)) {}
  pid_t pid_;
  UniqueFd input_;
};

}  // namespace amtgate::sys
