#include "amtgate/auth/role.h"

#include <gtest/gtest.h>

namespace amtgate::auth {
namespace {

std::vector<Grant> grants(std::initializer_list<const char*> words) {
  std::vector<Grant> out;
  for (const char* word : words) out.push_back(*parse_grant(word));
  return out;
}

TEST(Role, EachIncludesThoseBeforeIt) {
  EXPECT_TRUE(includes(Role::View, Role::View));
  EXPECT_FALSE(includes(Role::View, Role::Console));
  EXPECT_TRUE(includes(Role::Power, Role::Console));
  EXPECT_FALSE(includes(Role::Power, Role::Admin));
  EXPECT_TRUE(includes(Role::Admin, Role::Power));
  EXPECT_FALSE(includes(std::nullopt, Role::View));
}

struct Row {
  const char* text;
  const char* error;  // "" = valid
};

TEST(Grant, ComesBackAsItWasWritten) {
  const Row rows[] = {
      {"view", ""},
      {"console@pc1", ""},
      {"power@tag:lab", ""},
      {"admin@PC_1.example-net", ""},
      {"view@tag", ""},  // a target of that name
      {"", "'' is no role"},
      {"View", "'View' is no role"},
      {"viewer", "'viewer' is no role"},
      {"view ", "'view ' is no role"},
      {"@pc1", "'@pc1' is no role"},
      {"view@", "'view@': behind the @"},
      {"view@tag:", "'view@tag:': behind the @"},
      {"view@a@b", "'view@a@b': behind the @"},
      {"view@tag:tag:x", "'view@tag:tag:x': behind the @"},
      {"view@pc 1", "'view@pc 1': behind the @"},
      {"view@\x1b[2J", "'view@?[2J': behind the @"},
      {"view@aaaaaaaaaabbbbbbbbbbccccccccccddddddddddx", "'view@aaaaaaaaaabbbbbbbbbbccccccccccddddddddddx': behind"},
  };
  for (const Row& row : rows) {
    const Result<Grant> grant = parse_grant(row.text);
    if (*row.error == '\0') {
      ASSERT_TRUE(grant) << row.text;
      EXPECT_EQ(to_string(*grant), row.text);
    } else {
      ASSERT_FALSE(grant) << row.text;
      EXPECT_TRUE(grant.error().detail.starts_with(row.error)) << grant.error().detail;
    }
  }
}

TEST(Grant, TheHighestThatHoldsCounts) {
  const std::vector<Grant> some = grants({"view", "power@pc1", "console@pc1", "admin@tag:lab"});
  const std::vector<std::string> lab = {"office", "lab"}, none;
  EXPECT_EQ(role_at(some, "pc2", none), Role::View);
  EXPECT_EQ(role_at(some, "pc1", none), Role::Power);
  EXPECT_EQ(role_at(some, "pc1", lab), Role::Admin);
  EXPECT_EQ(role_at(grants({"view@pc1", "view@tag:pc2"}), "pc2", none), std::nullopt);
  EXPECT_EQ(role_at({}, "pc1", lab), std::nullopt);
  EXPECT_EQ(role_everywhere(some), Role::View);
  EXPECT_EQ(role_everywhere(grants({"admin@pc1"})), std::nullopt);
}

TEST(Role, ARefusalSaysWhatIsMissing) {
  EXPECT_EQ(why_not("alice", "sol", "pc1", Role::Console, Role::View),
            "alice may not use sol at pc1: that takes the role console, and alice has view there");
  EXPECT_EQ(why_not("a\nb", "ider", "pc1", Role::Admin, std::nullopt),
            "a?b may not use ider at pc1: that takes the role admin, and a?b has none there");
}

}  // namespace
}  // namespace amtgate::auth
