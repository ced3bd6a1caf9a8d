// How the roles of serial-over-LAN and storage redirection go through what has come.
#pragma once

#include "amtgate/base/result.h"
#include "amtgate/redir/framing.h"

namespace amtgate::redir {

/// Decodes each whole message of `cutter` with `parse` and gives it to `handle`, as long as `goes_on()`. Errors: the
/// first of the cutter, of `parse` or of `handle`; nothing is taken after it.
template <class GoesOn, class Parse, class Handle>
Result<void> dispatch(MessageCutter& cutter, GoesOn goes_on, Parse parse, Handle handle) {
  while (goes_on()) {
    const auto message = cutter.next();
    if (!message) return message.error();
    if (!*message) return {};
    const auto parsed = parse(**message);
    if (!parsed) return parsed.error();
    if (Result<void> handled = handle(*parsed); !handled) return handled;
  }
  return {};
}

}  // namespace amtgate::redir
