// Becoming the daemon's own account with only the capabilities it needs.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "amtgate/base/result.h"

namespace amtgate::sys {

enum class Capability { NetAdmin, NetRaw, NetBindService, SysResource, DacReadSearch };
/// "cap_net_admin", ...
const char* name(Capability c);

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};
/// Errors: Unreachable (no such account), with what to do.
Result<Account> find_account(const std::string& name);

/// As root: becomes `account` (user, group, no supplementary groups beyond the account's own), keeping `keep` as its
/// only capabilities (permitted and effective, not inheritable). As somebody else already (systemd's User=): only
/// reduces the capabilities to `keep`; being a third account, neither root nor `account`, is an error. Capabilities
/// of `keep` that we do not have are an error that names them. Call before the first thread: capabilities are per
/// thread.
Result<void> drop_privileges(const Account& account, std::span<const Capability> keep);

bool has_effective(Capability c);
/// Names of the effective capabilities among all that the kernel knows, e.g. {"cap_net_admin"}.
std::vector<std::string> effective_capabilities();

/// PR_SET_NO_NEW_PRIVS: nothing we start gains rights.
Result<void> no_new_privileges();
/// PR_SET_DUMPABLE 0 and RLIMIT_CORE 0: no core file, no ptrace; secrets stay in memory. After drop_privileges(),
/// since a change of user sets the flag anew.
Result<void> disable_core_dumps();

}  // namespace amtgate::sys
