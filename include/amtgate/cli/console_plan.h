// ConsolePlan: the steps by which `amtgate console` gets to where one wants to be. Only the plan: no I/O.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/result.h"

namespace amtgate::cli {

struct ConsoleWish {
  std::string boot;          // "bios", "pxe", "hdd", "cd" (the machine's own), "diag"; empty: as it is set up
  std::string cd, floppy;    // images that are served to it; booted from, unless `boot` says otherwise
  bool sol = false;          // the serial console, not the screen
  bool reset = false;        // instead of off and on
  bool restart = false;      // also where nothing else asks for it
  bool leave_power = false;  // do not switch anything
};

struct ConsoleStep {
  enum class Kind {
    Reach,    // AMT answers
    Off,      // where it is not off
    Attach,   // the images
    Boot,     // from what it starts, once
    On,       // where it is off
    Reset,    // or on, where it is off
    View,     // the screen or the serial console
    Release,  // the images
  };
  Kind kind;
  std::string name;  // "attach"
  std::string text;  // what will be done
};

struct ConsolePlan {
  std::vector<ConsoleStep> steps;
  std::string boot_word;  // of wsman::boot_words(); empty: none is set
};

/// "--boot cd=FILE" and the like into a wish. Errors: BadValue.
Result<void> set_boot(ConsoleWish& wish, std::string_view text);

/// Errors: BadValue, where wishes do not go together.
Result<ConsolePlan> console_plan(const ConsoleWish& wish);

/// A viewer's command line: `%h` is where the machine is; without it that is put behind. `name` is what the program
/// is called, which decides how an IPv6 address is written. Empty for an empty command.
std::vector<std::string> viewer_command(std::string_view command, const std::string& host);

}  // namespace amtgate::cli
