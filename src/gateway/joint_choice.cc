#include "amtgate/gateway/joint_choice.h"

#include "amtgate/gateway/user_roles.h"
#include "amtgate/session/passthrough_joint.h"
#include "amtgate/session/redir_joint.h"
#include "amtgate/session/vnc_joint.h"

namespace amtgate::gateway {
namespace {

/// As the configuration spells it.
std::string_view word(config::ClientAuth a) {
  switch (a) {
    case config::ClientAuth::None: return "none";
    case config::ClientAuth::Users: return "users";
    case config::ClientAuth::Passthrough: return "passthrough";
  }
  return "?";
}

constexpr const char* kNoUsersFile = "client_auth = users, and there is no users file: `amtgate passwd` makes it";

}  // namespace

std::string why_no_viewer(const config::Target& t, const Policy& policy) {
  if (t.vnc_security == config::VncSecurity::Tls && t.vnc_mode == config::VncMode::Splice) {
    return "vnc_security = tls cannot be had with vnc_mode = splice; write none, password or translate";
  }
  if (t.client_auth == config::ClientAuth::Users && t.vnc_security == config::VncSecurity::Tls) {
    return policy.users ? std::string() : kNoUsersFile;
  }
  if (t.client_auth != config::ClientAuth::None && t.vnc_password.empty()) {
    const bool users = t.client_auth == config::ClientAuth::Users;
    return "client_auth = " + std::string(word(t.client_auth)) + " wants a login, which a VNC viewer has only with " +
           (users ? "vnc_security = tls (user and password) or password (one for all)" : "vnc_security = password");
  }
  return {};
}

std::unique_ptr<session::Joint> make_joint(std::optional<Service> service, const config::Target& target,
                                           const Policy& policy, auth::RandomSource& random, TimePoint now) {
  std::unique_ptr<session::Joint> joint;
  std::string impossible;
  if (service == Service::Vnc) {
    std::optional<std::string> password;
    if (target.vnc_security == config::VncSecurity::Password) password = target.vnc_password.reveal();
    impossible = why_no_viewer(target, policy);
    joint = std::make_unique<session::VncJoint>(password, random, now);
  } else if (target.client_auth == config::ClientAuth::Passthrough) {
    session::PassthroughOptions options;
    options.services = target.services;
    options.allow_plaintext = target.plaintext_auth;
    options.device = target.name;
    joint = std::make_unique<session::PassthroughJoint>(options, random, now);
  } else {
    session::RedirOptions options;
    options.services = target.services;
    if (target.client_auth == config::ClientAuth::Users && policy.users == nullptr) {
      impossible = kNoUsersFile;
    } else if (target.client_auth == config::ClientAuth::Users) {
      options.users = policy.users.get();
      options.realm = policy.users->realm();
      options.why_not = [users = policy.users, &target](std::string_view user, Service wanted) {
        return why_not(*users, target, user, wanted);
      };
    }
    joint = std::make_unique<session::RedirJoint>(options, random, now);
  }
  if (!impossible.empty()) joint->fail({Errc::Refused, target.name + ": " + impossible}, now);
  return joint;
}

}  // namespace amtgate::gateway
