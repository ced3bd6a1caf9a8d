#include "amtgate/gateway/user_roles.h"

namespace amtgate::gateway {
namespace {

class FromUsersFile final : public session::ViewerLogin {
 public:
  FromUsersFile(std::shared_ptr<const auth::UsersFile> users, std::shared_ptr<const config::Target> target)
      : users_(std::move(users)), target_(std::move(target)) {}

  Result<session::Hands> judge(std::string_view user, std::string_view password) const override {
    if (!users_->check_password(user, password)) {
      return Error{Errc::AuthFailed, "the viewer's login failed: wrong user or password"};
    }
    const std::optional<auth::Role> has = users_->role_at(user, target_->name, target_->tags);
    if (!auth::includes(has, auth::Role::View)) {
      return Error{Errc::Refused, auth::why_not(user, "vnc", target_->name, auth::Role::View, has)};
    }
    return auth::includes(has, auth::Role::Console) ? session::Hands::On : session::Hands::Off;
  }

 private:
  std::shared_ptr<const auth::UsersFile> users_;
  std::shared_ptr<const config::Target> target_;
};

}  // namespace

auth::Role needed_for(Service service) {
  switch (service) {
    case Service::Vnc:
    case Service::Sol: return auth::Role::Console;
    case Service::Ider: return auth::Role::Admin;
    case Service::Wsman: return auth::Role::Admin;
    case Service::Rmcp: return auth::Role::View;
  }
  return auth::Role::Admin;
}

std::string why_not(const auth::UsersFile& users, const config::Target& target, std::string_view user,
                    Service service) {
  const std::optional<auth::Role> has = users.role_at(user, target.name, target.tags);
  const auth::Role needed = needed_for(service);
  if (auth::includes(has, needed)) return {};
  return auth::why_not(user, amtgate::name(service), target.name, needed, has);
}

std::string why_not(const auth::UsersFile& users, const config::Target& target, std::string_view user,
                    wsman::RequestClass kind) {
  const std::optional<auth::Role> has = users.role_at(user, target.name, target.tags);
  auth::Role needed = auth::Role::Admin;
  if (kind == wsman::RequestClass::Read) needed = auth::Role::View;
  if (kind == wsman::RequestClass::Power) needed = auth::Role::Power;
  if (auth::includes(has, needed)) return {};
  return auth::why_not(user, "wsman", target.name, needed, has);
}

std::shared_ptr<const session::ViewerLogin> viewer_login(std::shared_ptr<const auth::UsersFile> users,
                                                         std::shared_ptr<const config::Target> target) {
  return std::make_shared<FromUsersFile>(std::move(users), std::move(target));
}

}  // namespace amtgate::gateway
