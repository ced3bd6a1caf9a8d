// Power off although somebody looks at the machine: AMT refuses that while its screen, console or drives are in use.
// The gateway's viewers are parked, the redirection listener is closed, which ends what else there is, the machine is
// switched, and all of it is put back.
#pragma once

#include <functional>
#include <string>

#include "amtgate/base/time.h"
#include "amtgate/cli/common.h"
#include "amtgate/wsman/caller.h"
#include "amtgate/wsman/power.h"

namespace amtgate::cli {

/// What the running gateway does meanwhile; both may find that there is none.
struct Parking {
  std::function<void(const std::string& what)> park;  // "is being switched off"
  std::function<void()> unpark;
};

struct FreedPower {
  Duration patience;                    // for what AMT needs to close sessions
  std::function<void(Duration)> pause;  // between tries
};

/// At the gateway that runs here, if one does and it knows the machine; a viewer elsewhere finds back by itself.
/// `common` outlives it.
Parking parking_at(const Common& common, const std::string& target);
/// What AMT needs, in real time.
FreedPower freed_power();

/// As request_power(); where the machine refuses to switch off, once more with its redirection closed meanwhile.
/// Whatever comes of it, the listener is on again behind it if it was before. Errors: as request_power(); one that
/// says so where the listener could not be switched on again.
Result<void> power_with_parking(wsman::Caller& machine, wsman::PowerAction action, const wsman::PowerStatus& now,
                                const Parking& parking, const FreedPower& how);

}  // namespace amtgate::cli
