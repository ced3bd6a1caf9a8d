#include "amtgate/gateway/account_commands.h"

#include <algorithm>

namespace amtgate::gateway {

Result<void> AccountCommands::may(std::string_view command) const {
  for (const char* own :
       {"status", "sessions", "end", "give", "park", "unpark", "viewer", "images", "attach", "detach"}) {
    if (command == own) return {};
  }
  if (auth::includes(rights_.everywhere, auth::Role::Admin)) return {};
  return refuse(rights_.user + " may not do that: it takes the role admin at every target");
}

Error AccountCommands::refuse(std::string why) const {
  on_refused_(why);
  return Error{Errc::Refused, std::move(why)};
}

control::Status AccountCommands::status() const {
  control::Status out = all_.status();
  if (auth::includes(rights_.everywhere, auth::Role::View)) return out;
  std::erase_if(out.targets, [this](const control::TargetStatus& t) { return !sees(t.name); });
  // What is said of one target begins with its name; the rest is the operators'.
  std::erase_if(out.problems, [&](const std::string& problem) {
    return std::ranges::none_of(out.targets, [&](const auto& t) { return problem.starts_with(t.name + ": "); });
  });
  out.sessions = 0;
  for (const control::TargetStatus& t : out.targets) out.sessions += t.sessions;
  return out;
}

std::vector<control::SessionInfo> AccountCommands::sessions() const {
  std::vector<control::SessionInfo> out = all_.sessions();
  std::erase_if(out, [this](const control::SessionInfo& s) { return !sees(s.target); });
  return out;
}

/// A session that the account may not see is none.
Result<void> AccountCommands::may_with(control::SessionId id, std::string_view what) const {
  const std::vector<control::SessionInfo> seen = sessions();
  const auto found = std::ranges::find(seen, id, &control::SessionInfo::id);
  if (found == seen.end())
    return Error{Errc::BadValue,
                 "there is no session " + std::to_string(id.value) + "; `amtgate sessions` lists them"};
  const std::optional<auth::Role> has = rights_.at(found->target);
  if (auth::includes(has, auth::Role::Console)) return {};
  return refuse(auth::why_not(rights_.user, what, found->target, auth::Role::Console, has));
}

Result<void> AccountCommands::end(control::SessionId id) {
  if (Result<void> may = may_with(id, "end"); !may) return may;
  return all_.end(id);
}

Result<void> AccountCommands::give(control::SessionId id) {
  if (Result<void> may = may_with(id, "sessions give"); !may) return may;
  return all_.give(id);
}

Result<void> AccountCommands::may_switch(const std::string& target) const {
  const std::optional<auth::Role> has = rights_.at(target);
  if (auth::includes(has, auth::Role::Power)) return {};
  return refuse(auth::why_not(rights_.user, "power", target, auth::Role::Power, has));
}

Result<std::size_t> AccountCommands::park(const std::string& target, const std::string& what, Duration lease) {
  if (Result<void> may = may_switch(target); !may) return may.error();
  return all_.park(target, what, lease);
}

Result<void> AccountCommands::unpark(const std::string& target) {
  if (Result<void> may = may_switch(target); !may) return may;
  return all_.unpark(target);
}

std::vector<control::ImageInfo> AccountCommands::images() const {
  std::vector<control::ImageInfo> out = all_.images();
  std::erase_if(out, [this](const control::ImageInfo& image) { return !sees(image.target); });
  return out;
}

Result<void> AccountCommands::may_attach(const std::string& target) const {
  const std::optional<auth::Role> has = rights_.at(target);
  if (auth::includes(has, auth::Role::Admin)) return {};
  return refuse(auth::why_not(rights_.user, "drives", target, auth::Role::Admin, has));
}

Result<void> AccountCommands::attach(const control::AttachRequest& request) {
  if (Result<void> may = may_attach(request.target); !may) return may;
  for (const auto* medium : {&request.cd, &request.floppy}) {
    if (!*medium || (*medium)->fd >= 0 || auth::includes(rights_.everywhere, auth::Role::Admin)) continue;
    return refuse(rights_.user +
                  " may not name an address on the web, which the gateway would ask: that takes the role " +
                  "admin at every target; a file can be given");
  }
  return all_.attach(request);
}

Result<void> AccountCommands::detach(const std::string& target) {
  if (Result<void> may = may_attach(target); !may) return may;
  return all_.detach(target);
}

}  // namespace amtgate::gateway
