#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "amtgate/sys/clock.h"
#include "amtgate/sys/limits.h"
#include "amtgate/sys/privileges.h"
#include "amtgate/sys/spawn.h"

namespace amtgate::sys {
namespace {

TEST(Spawn, GivesStatusAndOutput) {
  const auto r = run({"sh", "-c", "echo out; echo err >&2; exit 3"});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 3);
  EXPECT_EQ(r->output, "out\n");
  EXPECT_EQ(r->errors, "err\n");
}

TEST(Spawn, PassesInputAndKeepsArgumentsWhole) {
  const std::string big(300000, 'x');
  const auto r = run({"cat"}, {.input = big});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->output, big);
  EXPECT_EQ(run({"printf", "%s", "a b;$(c)"})->output, "a b;$(c)");
}

TEST(Spawn, ReaderThatDoesNotReadIsNoError) {
  const auto r = run({"true"}, {.input = std::string_view("x")});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 0);
}

TEST(Spawn, BoundsOutputAndTime) {
  const auto r = run({"head", "-c", "100000", "/dev/zero"}, {.output_limit = 1000});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->output.size(), 1000U);
  const TimePoint start = now();
  const auto slow = run({"sleep", "20"}, {.deadline = milliseconds(100)});
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().code, Errc::Timeout);
  EXPECT_LT(now() - start, seconds(5));
}

TEST(Spawn, NoSuchProgram) {
  const auto r = run({"no-such-program-here"});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::Unreachable);
  EXPECT_EQ(run({"sh", "-c", "kill -9 $$"})->status, 137);
}

TEST(Limits, RaisingNeverLowers) {
  const std::uint64_t before = raise_open_files(0);
  EXPECT_GE(raise_open_files(64), before);
}

TEST(Privileges, FindsAccounts) {
  const auto root = find_account("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->uid, 0U);
  const auto none = find_account("no-such-account");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::Unreachable);
}

/// In a child, since there is no way back. The exit status says which step was wrong.
TEST(Privileges, DropsToAnAccountKeepingOnlyWhatIsAsked) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  if (!has_effective(Capability::NetAdmin)) GTEST_SKIP() << "needs cap_net_admin";
  const pid_t pid = ::fork();
  if (pid == 0) {
    const auto nobody = find_account("nobody");
    if (!nobody) ::_exit(1);
    const Capability keep[] = {Capability::NetAdmin};
    if (!drop_privileges(*nobody, keep)) ::_exit(2);
    if (::geteuid() != nobody->uid || ::getuid() != nobody->uid || ::getegid() != nobody->gid) ::_exit(3);
    if (effective_capabilities() != std::vector<std::string>{"cap_net_admin"}) ::_exit(4);
    if (!no_new_privileges() || !disable_core_dumps()) ::_exit(5);
    if (!drop_privileges(*nobody, {}) || !effective_capabilities().empty()) ::_exit(6);
    if (drop_privileges(*nobody, keep)) ::_exit(7);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace amtgate::sys
