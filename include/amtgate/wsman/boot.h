// Boot: from what a machine starts at its next boot, once.
//
// Source: Intel's class reference (which settings a forced source excludes), MeshCommander (the order of calls that
// every firmware accepts: clear the source, put the settings, take the role, name the source).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

struct BootWord {
  std::string_view word;        // "ider-cd"
  std::string_view source;      // the end of a CIM_BootSourceSetting's InstanceID; empty: none is forced
  std::string_view capability;  // the boolean of AMT_BootCapabilities that must be true; empty: none
  bool ider = false;
  bool ider_cd = false;  // else the floppy
  bool sol = false;
  bool bios = false;
  std::string_view help;
};
std::span<const BootWord> boot_words();

/// Arms it. The machine has to be started or reset then; after that boot it is forgotten. Errors: Unsupported (the
/// machine cannot do that), Refused (also where the user's consent is needed).
Result<void> arm_boot(Caller& machine, const BootWord& word);

/// What is armed, as words ("ider-cd sol"); "none" where nothing is.
Result<std::string> armed_boot(Caller& machine);

}  // namespace amtgate::wsman
