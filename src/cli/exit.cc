#include "amtgate/cli/exit.h"

#include <cstdio>

namespace amtgate::cli {

Exit exit_code(Errc code) {
  switch (code) {
    case Errc::AuthFailed: return kAuthRefused;
    case Errc::Untrusted: return kUntrusted;
    case Errc::Unreachable:
    case Errc::Timeout: return kNoConnection;
    case Errc::BadValue:
    case Errc::TooLarge:
    case Errc::Unsupported:
    case Errc::Refused:
    case Errc::Busy:
    case Errc::Closed:
    case Errc::System: return kSaidNo;
  }
  return kSaidNo;
}

int fail(Exit code, const std::string& text) {
  std::string line;
  for (const char c : text) line += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) ? ' ' : c;
  std::fprintf(stderr, "amtgate: %s\n", line.c_str());
  return code;
}

}  // namespace amtgate::cli
