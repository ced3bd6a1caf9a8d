// What a factory-new machine makes of a Setup.bin on a stick: its password, features and consent.
//
// Source: the format's description (setupbin/file.h) and makers' manuals. That a machine waits for a server unless
// the file says that it is set up by hand, and that KVM wants consent unless it says otherwise, is what manuals tell;
// which of the two a firmware does in each case is a guess.
#pragma once

#include <cstdint>

#include "amtgate/base/result.h"
#include "amtgate/setupbin/file.h"
#include "amtgate/sim/machine_state.h"

namespace amtgate::sim {

/// Takes the next record and gives its number. `file` then counts it as used up, unless it is for any number of
/// machines. Errors: Refused, with a sentence: what the firmware would not take; both are as before then.
Result<std::uint32_t> set_up_by(setupbin::File& file, Options& machine);

}  // namespace amtgate::sim
