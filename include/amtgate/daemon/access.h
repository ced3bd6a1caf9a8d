// Who owns what: folders of the daemon's account, and who may use the control socket.
#pragma once

#include <sys/types.h>

#include <string>

#include "amtgate/base/result.h"
#include "amtgate/sys/privileges.h"

namespace amtgate::daemon {

/// As root: makes sure that the folder is there, and belongs to `account` if it was made now or is root's and empty.
/// A folder with something in it stays as it is: it may be anybody's. As somebody else: makes it. Errors: System.
Result<void> own_folder(const std::string& path, mode_t mode, const sys::Account& account);

/// The name of an account of this host; empty where it has none.
std::string account_name(uid_t uid);

/// Root, the daemon's account, and members of its group.
bool is_operator(uid_t uid, gid_t gid, const sys::Account& account);

}  // namespace amtgate::daemon
