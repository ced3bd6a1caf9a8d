#include "amtgate/auth/role.h"

#include <algorithm>
#include <array>

namespace amtgate::auth {
namespace {

constexpr std::array kRoles = {Role::View, Role::Console, Role::Power, Role::Admin};
constexpr std::string_view kTag = "tag:";
constexpr std::size_t kMaxWhere = 40;  // of a target's name and of a tag: config/values.cc

std::optional<Role> role_of(std::string_view word) {
  const auto found = std::ranges::find_if(kRoles, [word](Role r) { return name(r) == word; });
  return found == kRoles.end() ? std::nullopt : std::optional(*found);
}

bool is_where(std::string_view text) {
  return !text.empty() && text.size() <= kMaxWhere && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

/// What somebody wrote, fit for a sentence.
std::string quoted(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out(text.substr(0, kMost));
  std::ranges::replace_if(
      out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return "'" + out + "'";
}

bool holds(const Grant& grant, std::string_view target, std::span<const std::string> tags) {
  switch (grant.at) {
    case Grant::At::Everywhere: return true;
    case Grant::At::Target: return grant.where == target;
    case Grant::At::Tag: return std::ranges::find(tags, grant.where) != tags.end();
  }
  return false;
}

template <class Holds>
std::optional<Role> highest(std::span<const Grant> grants, Holds at) {
  std::optional<Role> out;
  for (const Grant& grant : grants) {
    if (at(grant) && !includes(out, grant.role)) out = grant.role;
  }
  return out;
}

}  // namespace

std::string_view name(Role role) {
  switch (role) {
    case Role::View: return "view";
    case Role::Console: return "console";
    case Role::Power: return "power";
    case Role::Admin: return "admin";
  }
  return "?";
}

std::string_view name(std::optional<Role> role) {
  return role ? name(*role) : "none";
}

Result<Grant> parse_grant(std::string_view text) {
  const std::size_t at = text.find('@');
  const std::optional<Role> role = role_of(text.substr(0, at));
  if (!role) {
    return Error{Errc::BadValue, quoted(text) +
                                     " is no role: write view, console, power or admin, alone (for every "
                                     "target) or with @TARGET or @tag:TAG behind it"};
  }
  Grant grant{*role, Grant::At::Everywhere, {}};
  if (at == std::string_view::npos) return grant;
  std::string_view where = text.substr(at + 1);
  grant.at = Grant::At::Target;
  if (where.starts_with(kTag)) {
    grant.at = Grant::At::Tag;
    where.remove_prefix(kTag.size());
  }
  if (!is_where(where)) {
    return Error{Errc::BadValue, quoted(text) +
                                     ": behind the @ stands a target's name, or tag: and a tag: 1 to 40 "
                                     "letters, digits, '.', '_' and '-'"};
  }
  grant.where = where;
  return grant;
}

std::string to_string(const Grant& grant) {
  std::string out(name(grant.role));
  if (grant.at == Grant::At::Everywhere) return out;
  return out + (grant.at == Grant::At::Tag ? "@tag:" : "@") + grant.where;
}

std::optional<Role> role_at(std::span<const Grant> grants, std::string_view target,
                            std::span<const std::string> tags) {
  return highest(grants, [&](const Grant& grant) { return holds(grant, target, tags); });
}

std::optional<Role> role_everywhere(std::span<const Grant> grants) {
  return highest(grants, [](const Grant& grant) { return grant.at == Grant::At::Everywhere; });
}

std::string why_not(std::string_view user, std::string_view what, std::string_view target, Role needed,
                    std::optional<Role> has) {
  std::string out = quoted(user);
  out = out.substr(1, out.size() - 2);
  return out + " may not use " + std::string(what) + " at " + std::string(target) + ": that takes the role " +
         std::string(name(needed)) + ", and " + out + " has " + std::string(name(has)) + " there";
}

}  // namespace amtgate::auth
