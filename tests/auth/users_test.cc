#include "amtgate/auth/users.h"

#include <gtest/gtest.h>

#include "tests/support/counting_random.h"

namespace amtgate::auth {
namespace {

constexpr std::string_view kRealm = "Digest:A3F0C9D1E2B4567890ABCDEF12345678";
// PBKDF2-HMAC-SHA256, 1000 rounds, salt 00..0f, "P@ssw0rd1!", from Python's hashlib.
constexpr std::string_view kLine =
    "user admin pbkdf2-sha256 1000 000102030405060708090a0b0c0d0e0f "
    "4f6286073e08f83c2fab39e3595a6c24ba3a90dac86c47c0b3ad783e85ae1b7d a8af8f58a3fbee8354e32957001d8dab "
    "view,console@pc1\n";

std::vector<Grant> grants(std::string_view text) {
  std::vector<Grant> out;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    out.push_back(*parse_grant(text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

std::string file(std::string_view users) {
  return "realm " + std::string(kRealm) + "\n" + std::string(users);
}

TEST(UsersFile, WritesWhatItReads) {
  test::CountingRandom random;
  UsersFile users = *UsersFile::create(std::string(kRealm));
  ASSERT_TRUE(users.set("admin", "P@ssw0rd1!", grants("view,console@pc1"), random, 1000));
  ASSERT_TRUE(users.set("guest", "x", {}, random, 1000));
  EXPECT_NE(users.format().find(kLine), std::string::npos) << users.format();
  const Result<UsersFile> again = UsersFile::parse(users.format(), "users");
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(again->format(), users.format());
  EXPECT_EQ(again->realm(), kRealm);
  EXPECT_EQ(again->role_at("admin", "pc1", {}), Role::Console);
  EXPECT_EQ(again->role_at("admin", "pc2", {}), Role::View);
  EXPECT_EQ(again->role_at("guest", "pc1", {}), std::nullopt);
  EXPECT_EQ(again->role_at("nobody", "pc1", {}), std::nullopt);
  EXPECT_TRUE(again->check_password("admin", "P@ssw0rd1!"));
  EXPECT_FALSE(again->check_password("admin", "P@ssw0rd1"));
  EXPECT_FALSE(again->check_password("admin", std::string(10000, 'a')));
  EXPECT_FALSE(again->check_password("nobody", "P@ssw0rd1!"));
  EXPECT_EQ(again->ha1("admin", kRealm), "a8af8f58a3fbee8354e32957001d8dab");
  EXPECT_FALSE(again->ha1("admin", "another realm"));
  EXPECT_FALSE(again->ha1("nobody", kRealm));
}

TEST(UsersFile, OtherRolesLeaveThePassword) {
  test::CountingRandom random;
  UsersFile users = *UsersFile::create("r");
  ASSERT_TRUE(users.set("a", "one", {}, random, 1000));
  EXPECT_TRUE(users.set_grants("a", grants("power")));
  EXPECT_TRUE(users.check_password("a", "one"));
  EXPECT_EQ(users.role_at("a", "pc1", {}), Role::Power);
  EXPECT_FALSE(users.set_grants("b", grants("power")));
  EXPECT_FALSE(users.set_grants("a", grants("power,power")));
}

TEST(UsersFile, ChangesAndRemoves) {
  test::CountingRandom random;
  UsersFile users = *UsersFile::create("r");
  ASSERT_TRUE(users.set("a", "one", {}, random, 1000));
  ASSERT_TRUE(users.set("a", "two", grants("admin"), random, 1000));
  EXPECT_EQ(users.users().size(), 1u);
  EXPECT_FALSE(users.check_password("a", "one"));
  EXPECT_TRUE(users.check_password("a", "two"));
  EXPECT_TRUE(users.remove("a"));
  EXPECT_FALSE(users.remove("a"));
}

TEST(UsersFile, RefusesWhatClientsCouldNotSend) {
  test::CountingRandom random;
  EXPECT_FALSE(UsersFile::create(""));
  EXPECT_FALSE(UsersFile::create("two words"));
  EXPECT_FALSE(UsersFile::create(std::string(65, 'r')));
  UsersFile users = *UsersFile::create("r");
  for (const char* name : {"", "a b", "a:b", "#a", "a\"", "\xc3\xa4", "0123456789012345678901234567890123"}) {
    EXPECT_FALSE(users.set(name, "x", {}, random, 1000)) << name;
  }
  EXPECT_FALSE(users.set("a", "", {}, random, 1000));
  EXPECT_FALSE(users.set("a", std::string(33, 'x'), {}, random, 1000));
  EXPECT_FALSE(users.set("a", "x", grants("view,view"), random, 1000));
  EXPECT_FALSE(users.set("a", "x", std::vector<Grant>(17), random, 1000));
  EXPECT_FALSE(users.set("a", "x", {}, random, 999));
  EXPECT_FALSE(users.set("a", "x", {}, random, 1000001));
  EXPECT_TRUE(users.users().empty());
}

struct Row {
  const char* name;
  std::string text;
  const char* error;  // "" = valid
};

TEST(UsersFile, NamesTheLineThatIsWrong) {
  const std::string line(kLine);
  const auto with = [&](const char* from, const char* to) {
    std::string l = line;
    l.replace(l.find(from), std::string_view(from).size(), to);
    return file(l);
  };
  const Row rows[] = {
      {"valid", file(line), ""},
      {"comments_and_blanks", "\n# c\n  # d\n\t\r\n" + file(line + "\n#x"), ""},
      {"no_newline_at_end", file(line.substr(0, line.size() - 1)), ""},
      {"crlf", file(line.substr(0, line.size() - 1) + "\r\n"), ""},
      {"no_roles", with("view,console@pc1", "-"), ""},
      {"empty", "", "u:0: there is no realm line"},
      {"no_realm", "# only this\n", "u:1: there is no realm line"},
      {"user_first", line, "u:1: a user before the realm line"},
      {"second_realm", file(file("")), "u:2: a second realm line"},
      {"realm_two_words", "realm a b\n", "u:1: a realm line is: realm REALM"},
      {"junk", file("hello\n"), "u:2: a line begins with"},
      {"twice", file(line + line), "u:3: user 'admin' is there twice"},
      {"short", file("user admin\n"), "u:2: a user line is:"},
      {"scheme", with("pbkdf2-sha256", "md5"), "u:2: the only password hash"},
      {"iterations_zero", with(" 1000 ", " 0 "), "u:2: the iterations"},
      {"iterations_huge", with(" 1000 ", " 99999999999999999999 "), "u:2: the iterations"},
      {"iterations_junk", with(" 1000 ", " 1000x "), "u:2: the iterations"},
      {"salt", with("0001020304", "00010203"), "u:2: the salt"},
      {"salt_upper", with("0a0b", "0A0B"), "u:2: the salt"},
      {"hash", with(" 4f", " zz"), "u:2: the hash"},
      {"ha1", with(" a8af", " 8af"), "u:2: the HA1"},
      {"role", with("view,console@pc1", "view,,power"), "u:2: '' is no role: write view, console"},
      {"role_twice", with("view,console@pc1", "view,view"), "u:2: the role view is named twice"},
      {"role_of_old", with("view,console@pc1", "vnc,sol"), "u:2: 'vnc' is no role: write view, console"},
      {"role_nowhere", with("view,console@pc1", "view@"), "u:2: 'view@': behind the @"},
      {"name", with("admin", "ad:in"), "u:2: a user name is"},
      {"long_line", file(std::string(2049, 'x')), "u:2: the line is over 2048 bytes"},
      {"long_file", std::string(kMaxUsersFile + 1, '\n'), "u:0: the file is over 1 MiB"},
  };
  for (const Row& row : rows) {
    const Result<UsersFile> r = UsersFile::parse(row.text, "u");
    if (*row.error == '\0') {
      EXPECT_TRUE(r) << row.name << ": " << (r ? "" : r.error().detail);
      continue;
    }
    ASSERT_FALSE(r) << row.name;
    EXPECT_EQ(r.error().detail.find(row.error), 0u) << row.name << ": " << r.error().detail;
    EXPECT_EQ(r.error().detail.find("a8af8f"), std::string::npos) << row.name;
  }
}

}  // namespace
}  // namespace amtgate::auth
