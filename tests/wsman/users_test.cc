#include "amtgate/wsman/users.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "amtgate/base/base64.h"
#include "amtgate/base/hex.h"
#include "tests/support/wsman_machine.h"

namespace amtgate::wsman {
namespace {

using Machine = test::WsmanMachine;

const User* find(const std::vector<User>& users, std::string_view name) {
  const auto at = std::ranges::find(users, name, &User::name);
  return at == users.end() ? nullptr : &*at;
}

NewUser oper(std::string name = "oper") {
  return {std::move(name), "P@ssw0rd", Access::Network, {2, 5}};
}

// The reference's own check value.
TEST(Users, PasswordIsHashedAsAmtWantsIt) {
  const std::string realm = "Digest:0F1E2D3C4B5A69788796A5B4C3D2E1F0";
  EXPECT_EQ(hashed_password("admin", realm, "P@ssw0rd"), "YOKVNyzBdDr5FT/JUuJLqQ==");
  EXPECT_EQ(hashed_password("oper", realm, "P@ssw0rd"), "N9uzAHoNsJQIQQK/3t4ORQ==");
}

TEST(Users, AreListedWithTheAdministratorFirst) {
  Machine m;
  const Result<std::vector<User>> users = list_users(m);
  ASSERT_TRUE(users) << users.error().detail;
  ASSERT_EQ(users->size(), 2U);
  EXPECT_TRUE(users->at(0).administrator());
  EXPECT_EQ(users->at(0).name, "admin");
  EXPECT_TRUE(users->at(1).system());
}

TEST(Users, AreAddedChangedDisabledAndTakenAway) {
  for (const std::string_view profile : sim::profile_names()) {
    Machine m(profile);
    const Result<void> added = add_user(m, oper());
    ASSERT_TRUE(added) << profile << ": " << added.error().detail;
    Result<std::vector<User>> users = list_users(m);
    ASSERT_TRUE(users);
    const User* u = find(*users, "oper");
    ASSERT_NE(u, nullptr);
    EXPECT_EQ(u->realms, (std::vector<std::uint32_t>{2, 5}));
    EXPECT_EQ(u->access, Access::Network);
    EXPECT_EQ(u->enabled, true);

    ASSERT_TRUE(change_user(m, "oper", {"N3w-word", Access::Any, std::nullopt}));
    ASSERT_TRUE(enable_user(m, "oper", false));
    users = list_users(m);
    ASSERT_TRUE(users);
    u = find(*users, "oper");
    ASSERT_NE(u, nullptr);
    EXPECT_EQ(u->realms, (std::vector<std::uint32_t>{2, 5}));
    EXPECT_EQ(u->access, Access::Any);
    EXPECT_EQ(u->enabled, false);
    EXPECT_EQ(m.management.accounts().ha1("oper", sim::ManagementOptions().realm), std::nullopt);
    ASSERT_TRUE(enable_user(m, "oper", true));
    EXPECT_TRUE(m.management.accounts().check_password("oper", "N3w-word"));
    EXPECT_FALSE(m.management.accounts().check_password("oper", "P@ssw0rd"));

    ASSERT_TRUE(delete_user(m, "oper"));
    EXPECT_EQ(delete_user(m, "oper").error().detail, "there is no user oper");
  }
}

TEST(Users, ComeInSeveralPages) {
  Machine m;
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(add_user(m, oper("user" + std::to_string(i))));
  const Result<std::vector<User>> users = list_users(m);
  ASSERT_TRUE(users);
  EXPECT_EQ(users->size(), 14U);
  EXPECT_NE(find(*users, "user11"), nullptr);
  ASSERT_TRUE(delete_user(m, "user3"));
  EXPECT_EQ(list_users(m)->size(), 13U);
}

TEST(Users, AreRefusedInSentences) {
  Machine m;
  ASSERT_TRUE(add_user(m, oper()));
  EXPECT_NE(add_user(m, oper()).error().detail.find("it is there already (status 2058)"), std::string::npos);
  for (int i = 1; i < 15; ++i) ASSERT_TRUE(add_user(m, oper("user" + std::to_string(i))));
  EXPECT_NE(add_user(m, oper("onemore")).error().detail.find("limit reached"), std::string::npos);
  NewUser wrong = oper("wrong");
  wrong.realms = {60};
  EXPECT_NE(add_user(m, wrong).error().detail.find("invalid realm"), std::string::npos);
}

TEST(Users, TheAdministratorKeepsHisRights) {
  Machine m;
  EXPECT_EQ(delete_user(m, "admin").error().detail, "admin is the administrator, who cannot be deleted");
  EXPECT_EQ(enable_user(m, "admin", false).error().detail, "admin is the administrator, who cannot be disabled");
  EXPECT_EQ(change_user(m, "admin", {"N3w-word", std::nullopt, std::vector<std::uint32_t>{2}}).error().code,
            Errc::Refused);
  EXPECT_EQ(delete_user(m, "$$OsAdmin").error().detail, "$$OsAdmin is the firmware's own, who cannot be deleted");
  ASSERT_TRUE(change_user(m, "admin", {"N3w-word", std::nullopt, std::nullopt}));
  EXPECT_TRUE(m.management.accounts().check_password("admin", "N3w-word"));
  EXPECT_FALSE(m.management.accounts().check_password("admin", "P@ssw0rd1!"));
}

TEST(Users, OfKerberosAreShownByTheirSid) {
  const Result<Buffer> sid = from_hex("01 02 000000000005 20000000 20020000");
  ASSERT_TRUE(sid);
  Machine m;
  Instance in("AMT_AuthorizationService");
  in.add("KerberosUserSid", to_base64(*sid)).add("AccessPermission", "2").add("Realms", "3");
  ASSERT_TRUE(invoke(m, "AddUserAclEntryEx", in));
  const Result<std::vector<User>> users = list_users(m);
  ASSERT_TRUE(users);
  const User* u = find(*users, "S-1-5-32-544");
  ASSERT_NE(u, nullptr);
  EXPECT_TRUE(u->kerberos);
  EXPECT_EQ(change_user(m, "S-1-5-32-544", {"N3w-word", std::nullopt, std::nullopt}).error().code, Errc::Unsupported);
  EXPECT_TRUE(delete_user(m, "S-1-5-32-544"));
}

TEST(Users, ASidOfAnotherKindIsRefused) {
  for (const char* hex : {"", "01", "02 01 000000000005 20000000", "01 02 000000000005 20000000",
                          "01 10 000000000005", "01 01 000000000005 20000000 00"}) {
    EXPECT_FALSE(format_sid(*from_hex(hex))) << hex;
  }
}

TEST(Users, NamesAndPasswordsHaveRules) {
  EXPECT_TRUE(check_user_name("oper.1"));
  for (const char* name : {"", "seventeen-letters", "a,b", "a:b", "a b", "$$mine", "a<b", "gr\xc3\xbc"}) {
    EXPECT_FALSE(check_user_name(name)) << name;
  }
  EXPECT_TRUE(check_user_password("P@ssw0rd"));
  for (const char* password : {"", "P@ssw0r", "p@ssw0rd", "P@SSW0RD", "P@ssword", "Passw0rd", "P_ssw0rd",
                               "P@ssw0rdP@ssw0rdP@ssw0rdP@ssw0rd1", "P@ssw0rd\xc3\xbc"}) {
    const Result<void> checked = check_user_password(password);
    ASSERT_FALSE(checked) << password;
    EXPECT_TRUE(*password == '\0' || checked.error().detail.find(password) == std::string::npos);
  }
}

TEST(Users, RealmsHaveNamesAndNumbers) {
  EXPECT_EQ(*parse_realms("redirection,5,GeneralInfo,5"), (std::vector<std::uint32_t>{2, 5, 13}));
  for (const char* text : {"", "nothing", "0", "1", "2,", "99999999999", "2 5"})
    EXPECT_FALSE(parse_realms(text)) << text;
  EXPECT_EQ(realm_name(21), "ACL");
  EXPECT_EQ(realm_name(60), "60");
  EXPECT_EQ(*parse_access("local"), Access::Local);
  EXPECT_FALSE(parse_access("all"));
}

TEST(Users, AFirmwareThatNamesHandlesForEverIsLeft) {
  class Endless final : public Caller {
   public:
    Result<Reply> call(const Request&) override {
      ++asked;
      return parse_reply(
          "<a:Envelope><a:Body><g:X_OUTPUT><g:Username>admin</g:Username><g:TotalCount>4000000000</g:TotalCount>"
          "<g:HandlesCount>1</g:HandlesCount><g:Handles>1</g:Handles><g:ReturnValue>0</g:ReturnValue></g:X_OUTPUT>"
          "</a:Body></a:Envelope>");
    }
    unsigned asked = 0;
  } machine;
  EXPECT_EQ(list_users(machine).error().code, Errc::TooLarge);
  EXPECT_LT(machine.asked, 300U);
}

}  // namespace
}  // namespace amtgate::wsman
