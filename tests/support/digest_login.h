// How a machine of the tests lets clients log in: by digest, against a store of users.
#pragma once

#include "amtgate/auth/credentials.h"
#include "amtgate/redir/server_role.h"

namespace amtgate::test {

/// `store` outlives the role.
inline redir::ServerRole::Options digest_login(const auth::CredentialStore& store) {
  redir::ServerRole::Options o;
  o.methods = {redir::AuthMethod::Digest};
  o.policy = redir::Verify{&store};
  return o;
}

}  // namespace amtgate::test
