// LegacySoap: the SOAP interface that AMT had before WS-Management and firmware up to 8 has still: SOAP 1.1, one path
// for each service. What amttool and the fence agents on top of it use.
//
// Source: amtterm's amttool and its manual (paths, namespaces, order of the values), Intel's SDK sample for remote
// control (bits and numbers). Names of elements in replies beside Status are guesses, amttool goes by position; so is
// what a command that does not fit the power state is answered with.
#pragma once

#include <string>
#include <string_view>

#include "amtgate/base/time.h"
#include "amtgate/sim/management.h"

namespace amtgate::sim {

/// A path of that interface: "/RemoteControlService", ...
bool is_legacy_path(std::string_view path);

/// The firmware has the interface, and its set-up does not say that WS-Management is the only one.
bool has_legacy_soap(const Profile& profile, const Management& management);

struct LegacyAnswer {
  unsigned status = 200;  // of HTTP; 500 goes with a SOAP fault
  std::string xml;
  std::string what;  // "RemoteControl 18", for the log
};
/// One envelope at a legacy path, whatever it holds.
LegacyAnswer answer_legacy(std::string_view path, std::string_view envelope, const Profile& profile,
                           Management& management, Management::Surroundings& around, TimePoint now);

}  // namespace amtgate::sim
