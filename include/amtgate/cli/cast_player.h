// A recorded serial console, shown again on this terminal, or as text.
#pragma once

#include <string>

#include "amtgate/base/result.h"
#include "amtgate/base/time.h"

namespace amtgate::cli {

struct CastOptions {
  double speed = 1.0;
  Duration idle_limit{};  // where nothing comes for longer, it waits no longer; zero: as it was
};

/// To standard output, at its pace, until its end or Ctrl-C. Gives the exit code.
int play_cast(const std::string& file, const CastOptions& options);

/// All that was shown, without times. What came before an error is good. Errors: as CastReader::next(), with the
/// file; System.
Result<std::string> text_of_cast(const std::string& file);

}  // namespace amtgate::cli
