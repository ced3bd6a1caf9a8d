#include "amtgate/auth/credentials.h"

#include "amtgate/auth/digest.h"

namespace amtgate::auth {

std::optional<std::string> SingleUser::ha1(std::string_view user, std::string_view realm) const {
  if (user != credentials_.user) return std::nullopt;
  return auth::ha1(user, realm, credentials_.password);
}

bool SingleUser::check_password(std::string_view user, std::string_view password) const {
  // Both are always compared. Hashed first, so that the password's length does not show either.
  const bool same = equal_secret(md5_hex(password), md5_hex(credentials_.password)) &&
                    password.size() == credentials_.password.size();
  return user == credentials_.user && same;
}

}  // namespace amtgate::auth
