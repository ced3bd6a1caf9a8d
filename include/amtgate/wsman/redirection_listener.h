// The redirection listener: the ports of screen, console and drives. While one of them is in use AMT does not switch
// its machine off; without the listener none is.
//
// Source: Intel's guide (what is refused during a session), MeshCommander (AMT_RedirectionService.ListenerEnabled).
#pragma once

#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

/// Gives whether it was on. Errors: Refused, Unsupported.
Result<bool> set_listener(Caller& machine, bool on);

}  // namespace amtgate::wsman
