// Who may log in, and as whom we log in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace amtgate::auth {

/// What we log in with. Never printed.
struct Credentials {
  std::string user;
  std::string password;
};

/// Answers for a set of users what the server side of a login needs. Implementations are const in use: one store
/// may serve many machines of one thread. Must outlive every machine that it was given to.
class CredentialStore {
 public:
  virtual ~CredentialStore() = default;
  /// MD5hex(user:realm:password), or nothing when the user is unknown or has no such hash for this realm.
  virtual std::optional<std::string> ha1(std::string_view user, std::string_view realm) const = 0;
  /// Takes about as long for an unknown user as for a wrong password.
  virtual bool check_password(std::string_view user, std::string_view password) const = 0;
};

/// One user with a password known in clear, for any realm: the simulator's.
class SingleUser final : public CredentialStore {
 public:
  explicit SingleUser(Credentials credentials) : credentials_(std::move(credentials)) {}
  std::optional<std::string> ha1(std::string_view user, std::string_view realm) const override;
  bool check_password(std::string_view user, std::string_view password) const override;

 private:
  Credentials credentials_;
};

}  // namespace amtgate::auth
