// What the users file says of a target: which role each service takes there, and who has it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "amtgate/auth/role.h"
#include "amtgate/auth/users.h"
#include "amtgate/base/service.h"
#include "amtgate/config/config.h"
#include "amtgate/session/screen_viewer.h"
#include "amtgate/wsman/request_class.h"

namespace amtgate::gateway {

/// What a client of the redirection ports needs. KVM there is all or nothing: nobody in between could keep the keys
/// of one who may only look.
auth::Role needed_for(Service service);

/// Empty, or a sentence.
std::string why_not(const auth::UsersFile& users, const config::Target& target, std::string_view user,
                    Service service);

/// The same on the web ports, where it is the request that counts: what only looks takes view, power and boot take
/// power, all else takes admin.
std::string why_not(const auth::UsersFile& users, const config::Target& target, std::string_view user,
                    wsman::RequestClass kind);

/// Who may look at a target's screen, and who may touch it.
std::shared_ptr<const session::ViewerLogin> viewer_login(std::shared_ptr<const auth::UsersFile> users,
                                                         std::shared_ptr<const config::Target> target);

}  // namespace amtgate::gateway
