#include "amtgate/sys/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "amtgate/base/handle.h"

namespace amtgate::sys {
namespace {

using CapPtr = Handle<std::remove_pointer_t<cap_t>, &::cap_free>;

cap_value_t number(Capability c) {
  switch (c) {
    case Capability::NetAdmin: return CAP_NET_ADMIN;
    case Capability::NetRaw: return CAP_NET_RAW;
    case Capability::NetBindService: return CAP_NET_BIND_SERVICE;
    case Capability::SysResource: return CAP_SYS_RESOURCE;
    case Capability::DacReadSearch: return CAP_DAC_READ_SEARCH;
  }
  return CAP_NET_ADMIN;
}

Error failed(const std::string& what, int err) {
  return Error{Errc::System, what + ": " + std::strerror(err)};
}

bool has(cap_t caps, Capability c, cap_flag_t set) {
  cap_flag_value_t value = CAP_CLEAR;
  return ::cap_get_flag(caps, number(c), set, &value) == 0 && value == CAP_SET;
}

/// Makes `keep` the only permitted and effective capabilities.
Result<void> reduce(std::span<const Capability> keep) {
  const CapPtr had(::cap_get_proc());
  const CapPtr want(::cap_init());
  if (!had || !want) return failed("cannot read the capabilities", errno);
  std::string missing;
  for (const Capability c : keep) {
    if (!has(had.get(), c, CAP_PERMITTED)) {
      missing += missing.empty() ? "" : ", ";
      missing += name(c);
      continue;
    }
    const cap_value_t v = number(c);
    ::cap_set_flag(want.get(), CAP_PERMITTED, 1, &v, CAP_SET);
    ::cap_set_flag(want.get(), CAP_EFFECTIVE, 1, &v, CAP_SET);
  }
  if (!missing.empty()) {
    return Error{Errc::System,
                 "missing " + missing + ": start as root, or give it with AmbientCapabilities= in the unit"};
  }
  if (::cap_set_proc(want.get()) != 0) return failed("cannot reduce the capabilities", errno);
  ::cap_reset_ambient();  // what we start gets none; an old kernel without ambient sets has nothing to clear
  return {};
}

}  // namespace

const char* name(Capability c) {
  switch (c) {
    case Capability::NetAdmin: return "cap_net_admin";
    case Capability::NetRaw: return "cap_net_raw";
    case Capability::NetBindService: return "cap_net_bind_service";
    case Capability::SysResource: return "cap_sys_resource";
    case Capability::DacReadSearch: return "cap_dac_read_search";
  }
  return "?";
}

Result<Account> find_account(const std::string& account) {
  char text[4096];
  passwd entry{};
  passwd* found = nullptr;
  const int err = ::getpwnam_r(account.c_str(), &entry, text, sizeof text, &found);
  if (found == nullptr) {
    if (err != 0) return failed("cannot look up the account " + account, err);
    return Error{Errc::Unreachable, "there is no account '" + account +
                                        "': create it (systemd-sysusers, adduser --system) or set `user`"};
  }
  return Account{account, entry.pw_uid, entry.pw_gid};
}

Result<void> drop_privileges(const Account& account, std::span<const Capability> keep) {
  if (::geteuid() == account.uid) return reduce(keep);
  if (::geteuid() != 0) {
    return Error{Errc::System, "running as user " + std::to_string(::geteuid()) + ", which is neither root nor '" +
                                   account.name + "'"};
  }
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return failed("cannot keep capabilities", errno);
  if (::initgroups(account.name.c_str(), account.gid) != 0) return failed("cannot set the groups", errno);
  if (::setresgid(account.gid, account.gid, account.gid) != 0) return failed("cannot change the group", errno);
  if (::setresuid(account.uid, account.uid, account.uid) != 0) return failed("cannot change the user", errno);
  const Result<void> reduced = reduce(keep);
  ::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  if (!reduced) return reduced;
  if (account.uid != 0 && (::setuid(0) == 0 || ::seteuid(0) == 0)) {
    return Error{Errc::System, "root could be taken back after giving it up"};
  }
  return {};
}

bool has_effective(Capability c) {
  const CapPtr caps(::cap_get_proc());
  return caps && has(caps.get(), c, CAP_EFFECTIVE);
}

std::vector<std::string> effective_capabilities() {
  std::vector<std::string> out;
  const CapPtr caps(::cap_get_proc());
  if (!caps) return out;
  for (cap_value_t v = 0; v < ::cap_max_bits(); ++v) {
    cap_flag_value_t value = CAP_CLEAR;
    if (::cap_get_flag(caps.get(), v, CAP_EFFECTIVE, &value) != 0 || value != CAP_SET) continue;
    const Handle<char, &::cap_free> text(::cap_to_name(v));
    if (text) out.emplace_back(text.get());
  }
  return out;
}

Result<void> no_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("cannot set no_new_privs", errno);
  return {};
}

Result<void> disable_core_dumps() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return failed("cannot set the core limit", errno);
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed("cannot clear the dumpable flag", errno);
  return {};
}

}  // namespace amtgate::sys
