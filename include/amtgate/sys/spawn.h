// Runs a program to its end: no shell, bounded output, a deadline.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/base/time.h"

namespace amtgate::sys {

struct RunOptions {
  std::string_view input{};                // written to its standard input, which is then closed
  Duration deadline = seconds(10);         // then it is killed: Timeout
  std::size_t output_limit = 1024 * 1024;  // of either stream; more is read and thrown away
};

struct RunResult {
  int status = 0;  // exit status; 128 + signal when it was killed
  std::string output;
  std::string errors;
  bool ok() const { return status == 0; }
};

/// `arguments[0]` is looked up in /usr/sbin:/usr/bin:/sbin:/bin (never the caller's PATH) unless it holds a slash.
/// The environment is that PATH and LC_ALL=C; signals are at their defaults; no descriptor but the standard three.
/// Errors: Unreachable (no such program), Timeout, System. A non-zero exit is not an error here.
/// It has ended when it and all that it started have closed their output. Blocks; not for a worker's loop.
Result<RunResult> run(const std::vector<std::string>& arguments, const RunOptions& options = {});

}  // namespace amtgate::sys
