#include "amtgate/base/result.h"

namespace amtgate {

const char* name(Errc code) {
  switch (code) {
    case Errc::BadValue: return "bad_value";
    case Errc::TooLarge: return "too_large";
    case Errc::Unsupported: return "unsupported";
    case Errc::AuthFailed: return "auth_failed";
    case Errc::Untrusted: return "untrusted";
    case Errc::Refused: return "refused";
    case Errc::Busy: return "busy";
    case Errc::Unreachable: return "unreachable";
    case Errc::Timeout: return "timeout";
    case Errc::Closed: return "closed";
    case Errc::System: return "system";
  }
  return "unknown";
}

}  // namespace amtgate
