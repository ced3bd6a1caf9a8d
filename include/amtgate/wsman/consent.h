// Consent of the machine's user (IPS_OptInService, from AMT 6 on): its screen shows six digits, which the user tells
// whoever wants in.
//
// Source: Intel's class reference, MeshCommander (cancel what is shown before it is started anew).
#pragma once

#include <cstdint>
#include <string_view>

#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

struct Consent {
  enum class State : std::uint8_t { NotStarted, Requested, Displayed, Received, InSession };

  std::uint64_t policy = 0;  // OptInRequired: 0 nobody is asked, 1 for KVM, 4294967295 for everything
  State state = State::NotStarted;
  bool can_modify = false;         // the policy can be changed from afar
  std::uint64_t code_seconds = 0;  // for so long the digits are shown; 0: not said

  bool given() const { return state == State::Received || state == State::InSession; }
};
std::string_view policy_name(const Consent& consent);  // "none", "kvm", "all"
std::string_view state_name(
    const Consent& consent);  // "not started", "requested", "displayed", "given", "in session"

Result<Consent> read_consent(Caller& machine);

/// The machine shows the digits; Requested, as long as it is off. Nothing is done where the consent is given already.
/// Errors: Refused (nobody is asked; blocked after too many wrong codes).
Result<Consent> start_consent(Caller& machine);

/// Six digits. Errors: BadValue (no six digits), Refused (wrong, and whether another try is left; nothing was
/// started).
Result<Consent> send_consent_code(Caller& machine, std::string_view code);

/// Also takes back what was given. Nothing is done where nothing was started.
Result<Consent> cancel_consent(Caller& machine);

}  // namespace amtgate::wsman
