// Inventory: what a machine is made of, as its BIOS told AMT. May be stale while the machine is off.
//
// Source: Intel's class reference; numbers of memory types and form factors as SMBIOS has them (DSP0134).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

struct Part {
  std::string kind;  // "chassis", "board", "bios", "processor", "memory", "disk", "battery", "power supply"
  std::string name;  // "DIMM A1", "MEDIA DEV 0"
  std::string maker, model, serial, version;
  std::optional<std::uint64_t> bytes;  // of memory and disks
  std::optional<std::uint64_t> mhz;
  std::string details;  // "DDR4 SODIMM"; of a BIOS its date
};

/// Classes that a firmware lacks are passed over. Errors: Refused where the account may see none of it.
Result<std::vector<Part>> read_inventory(Caller& machine);

}  // namespace amtgate::wsman
