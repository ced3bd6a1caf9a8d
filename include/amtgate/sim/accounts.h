// Accounts: who may log in to a machine, and to what: the access control list behind AMT_AuthorizationService.
//
// Source: Intel's class reference; which realm which class wants is a guess beyond what that says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/auth/credentials.h"
#include "amtgate/wsman/request.h"

namespace amtgate::sim {

namespace realm {
inline constexpr std::uint32_t kRedirection = 2, kAdministration = 3, kHardwareAsset = 4, kRemoteControl = 5,
                               kEventManager = 7, kNetworkTime = 12, kGeneralInfo = 13, kEventLogReader = 19,
                               kAuditLog = 20, kAcl = 21;
}

/// As a store it knows who may log in over the network. Every login is by a hash for this machine's realm.
class Accounts final : public auth::CredentialStore {
 public:
  Accounts(std::string realm, const auth::Credentials& administrator);

  std::optional<std::string> ha1(std::string_view user, std::string_view realm) const override;
  bool check_password(std::string_view user, std::string_view password) const override;

  /// Realm 3 stands for all but the audit log; the administrator has them all.
  bool has_realm(std::string_view user, std::uint32_t realm) const;
  /// Whether `user` may send that; any of some realms is enough.
  bool allows(std::string_view user, const wsman::Request& request) const;
  const std::string& administrator() const { return admin_name_; }

  /// A method of the class: its ReturnValue, a PT_STATUS, with the output in `output`. Empty: there is no such
  /// method.
  std::optional<std::uint64_t> invoke(const wsman::Request& request, wsman::Instance& output);

 private:
  struct Entry {
    std::uint32_t handle = 0;
    std::string name;  // digest; else the SID
    std::string sid;   // base64
    std::string hash;  // HA1
    std::uint64_t access = 2;
    std::vector<std::uint32_t> realms;
    bool enabled = true;
  };

  std::uint64_t list(const wsman::Instance& in, wsman::Instance& out) const;
  std::uint64_t show(const Entry& entry, wsman::Instance& out) const;
  std::uint64_t add(const wsman::Instance& in, wsman::Instance& out);
  std::uint64_t update(Entry& entry, const wsman::Instance& in);
  std::uint64_t set_administrator(const wsman::Instance& in);
  /// Reads name, hash, access and realms. Gives a PT_STATUS.
  std::uint64_t define(Entry& entry, const wsman::Instance& in) const;
  Entry* find(const wsman::Instance& in);
  const Entry* find_name(std::string_view name) const;

  const std::string realm_;
  std::string admin_name_, admin_hash_;
  std::vector<Entry> entries_;
};

/// Accounts of some realm only.
class AccountsOfRealm final : public auth::CredentialStore {
 public:
  /// `all` must outlive this.
  AccountsOfRealm(const Accounts& all, std::uint32_t realm) : all_(all), realm_(realm) {}
  std::optional<std::string> ha1(std::string_view user, std::string_view realm) const override;
  bool check_password(std::string_view user, std::string_view password) const override;

 private:
  const Accounts& all_;
  const std::uint32_t realm_;
};

}  // namespace amtgate::sim
