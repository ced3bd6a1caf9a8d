#include "amtgate/sim/accounts.h"

#include <gtest/gtest.h>

#include "amtgate/wsman/users.h"
#include "tests/support/wsman_machine.h"

namespace amtgate::sim {
namespace {

using Machine = test::WsmanMachine;

void add(Machine& m, const char* name, wsman::Access access, std::vector<std::uint32_t> realms) {
  const Result<void> added = wsman::add_user(m, {name, "P@ssw0rd", access, std::move(realms)});
  ASSERT_TRUE(added) << added.error().detail;
}

TEST(Accounts, MayDoWhatTheirRealmSays) {
  Machine m;
  add(m, "reader", wsman::Access::Any, {realm::kGeneralInfo});
  add(m, "power", wsman::Access::Any, {realm::kRemoteControl});
  add(m, "all", wsman::Access::Any, {realm::kAdministration});
  const auto may = [&](const char* user, Result<wsman::Instance> (*ask)(Machine&)) {
    m.around.user = user;
    const Result<wsman::Instance> done = ask(m);
    EXPECT_TRUE(done || m.last.fault == "e:AccessDenied") << done.error().detail;
    return static_cast<bool>(done);
  };
  const auto general = [](Machine& x) { return get(x, "AMT_GeneralSettings"); };
  const auto change = [](Machine& x) {
    wsman::Instance general_settings("AMT_GeneralSettings");
    general_settings.add("PingResponseEnabled", "false");
    return put(x, general_settings);
  };
  const auto power = [](Machine& x) { return get(x, "CIM_AssociatedPowerManagementService"); };
  const auto reset = [](Machine& x) {
    wsman::Instance in("CIM_PowerManagementService");
    in.add("PowerState", "10").add("ManagedElement", wsman::Reference{"CIM_ComputerSystem", {}});
    return invoke(x, "RequestPowerStateChange", in);
  };
  const auto users = [](Machine& x) {
    return invoke(x, "GetAdminAclEntry", wsman::Instance("AMT_AuthorizationService"));
  };
  EXPECT_TRUE(may("reader", general));
  EXPECT_FALSE(may("reader", change));
  EXPECT_TRUE(may("reader", power));
  EXPECT_FALSE(may("reader", reset));
  EXPECT_FALSE(may("reader", users));
  EXPECT_FALSE(may("power", general));
  EXPECT_TRUE(may("power", power));
  EXPECT_TRUE(may("power", reset));
  EXPECT_TRUE(may("all", change));
  EXPECT_TRUE(may("all", users));
  EXPECT_TRUE(may("admin", reset));
  EXPECT_FALSE(may("nobody", general));
}

TEST(Accounts, TheAuditLogIsAnAuditorsAlone) {
  Machine m;
  add(m, "all", wsman::Access::Any, {realm::kAdministration});
  add(m, "auditor", wsman::Access::Any, {realm::kAuditLog});
  EXPECT_FALSE(m.management.accounts().has_realm("all", realm::kAuditLog));
  EXPECT_TRUE(m.management.accounts().has_realm("auditor", realm::kAuditLog));
  EXPECT_FALSE(m.management.accounts().has_realm("auditor", realm::kAcl));
}

TEST(Accounts, OfTheMachineAloneDoNotComeInByTheNetwork) {
  Machine m;
  add(m, "local", wsman::Access::Local, {realm::kAdministration});
  EXPECT_FALSE(m.management.accounts().check_password("local", "P@ssw0rd"));
  EXPECT_FALSE(m.management.accounts().check_password("$$OsAdmin", ""));
}

TEST(Accounts, RedirectionHasARealmOfItsOwn) {
  Machine m;
  add(m, "viewer", wsman::Access::Any, {realm::kRedirection});
  add(m, "reader", wsman::Access::Any, {realm::kGeneralInfo});
  const AccountsOfRealm redirection(m.management.accounts(), realm::kRedirection);
  EXPECT_TRUE(redirection.check_password("viewer", "P@ssw0rd"));
  EXPECT_TRUE(redirection.check_password("admin", "P@ssw0rd1!"));
  EXPECT_FALSE(redirection.check_password("reader", "P@ssw0rd"));
  EXPECT_FALSE(redirection.ha1("reader", ManagementOptions().realm));
  EXPECT_TRUE(m.management.accounts().ha1("reader", ManagementOptions().realm));
  EXPECT_FALSE(m.management.accounts().ha1("reader", "another realm"));
}

TEST(Accounts, TakeTheHashInBothSpellings) {
  Machine m;
  const std::string realm = ManagementOptions().realm;
  wsman::Instance in("AMT_AuthorizationService");
  in.add("DigestUsername", "hex").add("DigestPassword", "60e295372cc1743af9153fc952e24ba9");
  in.add("AccessPermission", "2").add("Realms", "2");
  ASSERT_TRUE(invoke(m, "AddUserAclEntryEx", in));
  EXPECT_EQ(m.management.accounts().ha1("hex", realm), "60e295372cc1743af9153fc952e24ba9");
  in.set("DigestUsername", "short").set("DigestPassword", "YOKVNyzBdDr5");
  const Result<wsman::Instance> refused = invoke(m, "AddUserAclEntryEx", in);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("invalid password"), std::string::npos);
}

TEST(Accounts, AHandleIsUsedAgain) {
  Machine m;
  add(m, "one", wsman::Access::Any, {2});
  add(m, "two", wsman::Access::Any, {2});
  ASSERT_TRUE(wsman::delete_user(m, "one"));
  add(m, "three", wsman::Access::Any, {2});
  const auto users = wsman::list_users(m);
  ASSERT_TRUE(users);
  EXPECT_EQ(users->back().handle, 2U);
  wsman::Instance in("AMT_AuthorizationService");
  in.add("Handle", "77");
  EXPECT_NE(invoke(m, "GetUserAclEntryEx", in).error().detail.find("invalid handle"), std::string::npos);
}

}  // namespace
}  // namespace amtgate::sim
