// What a user of the gateway may do, and where. Each role includes those before it:
//
//   view     look at the screen; read what the machine says of itself
//   console  type and use the mouse, the serial console, KVM by the redirection protocol; end sessions
//   power    switch the machine on and off, restart it, choose what it starts from
//   admin    everything: drives over the network (IDE-R: they can start another system), the machine's settings
//
// A user has any number of grants; at a target the highest of those that hold there counts. Without one that holds
// the user may do nothing there. A grant is written
//
//   ROLE            at every target
//   ROLE@TARGET     at the target of that name
//   ROLE@tag:TAG    at every target with that tag
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/result.h"

namespace amtgate::auth {

/// In the order of what they include.
enum class Role : std::uint8_t { View = 1, Console, Power, Admin };

/// "view", "console", "power", "admin".
std::string_view name(Role role);
/// For a sentence: "none" where there is none.
std::string_view name(std::optional<Role> role);

inline bool includes(std::optional<Role> has, Role needed) {
  return has && *has >= needed;
}

struct Grant {
  enum class At : std::uint8_t { Everywhere, Target, Tag };

  Role role = Role::View;
  At at = At::Everywhere;
  std::string where;  // the target's name, or the tag

  bool operator==(const Grant&) const = default;
};

/// Errors: BadValue, with a sentence that says what a grant is.
Result<Grant> parse_grant(std::string_view text);
/// What parse_grant() takes.
std::string to_string(const Grant& grant);

/// The role that these grants give at a target.
std::optional<Role> role_at(std::span<const Grant> grants, std::string_view target,
                            std::span<const std::string> tags);
/// The highest one that holds at every target, also those that are not there yet.
std::optional<Role> role_everywhere(std::span<const Grant> grants);

/// "alice may not use sol at pc1: that takes the role console, and alice has view there".
std::string why_not(std::string_view user, std::string_view what, std::string_view target, Role needed,
                    std::optional<Role> has);

}  // namespace amtgate::auth
