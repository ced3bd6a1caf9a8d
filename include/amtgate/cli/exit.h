// Exit codes and the one line that goes with a bad one.
#pragma once

#include <string>

#include "amtgate/base/result.h"

namespace amtgate::cli {

enum Exit : int {
  kDone = 0,
  kSaidNo = 1,        // the machine or the daemon
  kUsage = 2,         // wrong usage
  kNoConnection = 3,  // cannot connect
  kAuthRefused = 4,
  kUntrusted = 5,  // the certificate
};

/// The code for an error of ours.
Exit exit_code(Errc code);
/// Prints "amtgate: TEXT" on standard error, control characters made visible, and gives `code` back.
int fail(Exit code, const std::string& text);

}  // namespace amtgate::cli
