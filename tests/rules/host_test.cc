#include "amtgate/rules/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace amtgate::rules {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& w : words) out += (out.empty() ? "" : " ") + w;
  return out;
}

/// A machine without rules, that refuses what it is told to refuse and keeps a record.
struct FakeMachine {
  std::string refuse;                // part of an input that makes a restore fail
  std::string missing;               // a program that is not there
  std::vector<std::string> changes;  // commands that would have changed something
  std::string version = "iptables v1.8.9 (nf_tables)\n";

  Runner runner() {
    return [this](const std::vector<std::string>& command, std::string_view input) -> Result<sys::RunResult> {
      const std::string line = join(command);
      sys::RunResult result;
      if (!missing.empty() && command[0].starts_with(missing)) return Error{Errc::Unreachable, command[0]};
      if (line.ends_with("--version")) {
        result.output = version;
      } else if (!line.ends_with("-save") && !HasShow(line)) {
        const bool refused = !refuse.empty() && std::string(input).find(refuse) != std::string::npos;
        if (refused) result = {2, "", "line 3 failed\nmore\n"};
        if (!refused) changes.push_back(line + "\n" + std::string(input));
      }
      return result;
    };
  }
  static bool HasShow(const std::string& line) { return line.find(" show") != std::string::npos; }
};

TEST(Host, UpCarriesOutThePlan) {
  FakeMachine machine;
  const Result<Outcome> done = up(machine.runner(), config::Intercept{}, {Ip::V4});
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(done->done.size(), 4U);
  ASSERT_EQ(machine.changes.size(), 4U);
  EXPECT_THAT(machine.changes[0], StartsWith("ip -4 route replace local default"));
  EXPECT_THAT(machine.changes[3], HasSubstr("*raw"));
  EXPECT_THAT(join(done->notes), HasSubstr("IPv6"));
}

TEST(Host, SaysWhatIsNotInstalled) {
  FakeMachine machine;
  machine.missing = "iptables";
  const Result<Outcome> done = up(machine.runner(), config::Intercept{}, {Ip::V4});
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().detail, HasSubstr("apt-get install iptables"));
  machine.missing = "ip";
  const Result<Outcome> no_ip = up(machine.runner(), config::Intercept{}, {Ip::V4});
  ASSERT_FALSE(no_ip);
  EXPECT_TRUE(machine.changes.empty());
}

TEST(Host, SaysWhatTheKernelLacksAndWhatDoesWithout) {
  const std::pair<const char*, const char*> rows[] = {
      {"TPROXY", "mode = redirect"}, {"-m socket", "mode = redirect"}, {"NFQUEUE", "classify = all"},
      {"CONNMARK", "local = no"},    {"-m connmark", "local = no"},    {"multiport", "xt_multiport"},
  };
  for (const auto& [refused, advice] : rows) {
    FakeMachine machine;
    machine.refuse = refused;
    const Result<Outcome> done = up(machine.runner(), config::Intercept{}, {Ip::V4});
    ASSERT_FALSE(done) << refused;
    EXPECT_THAT(done.error().detail, HasSubstr(advice));
    EXPECT_THAT(done.error().detail, HasSubstr("line 3 failed"));
    EXPECT_THAT(machine.changes.back(), testing::Not(HasSubstr("-A AMTGATE_PROBE")));
  }
}

TEST(Host, ClassifyAllWithFailOpenIsNoted) {
  FakeMachine machine;
  config::Intercept intercept;
  intercept.classify = config::Classify::All;
  const Result<Outcome> done = up(machine.runner(), intercept, {Ip::V4, Ip::V6});
  ASSERT_TRUE(done);
  EXPECT_THAT(join(done->notes), HasSubstr("classify = all"));
}

TEST(Host, DownOnACleanMachineChangesNothing) {
  FakeMachine machine;
  const Result<Outcome> done = down(machine.runner());
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_TRUE(done->done.empty());
  EXPECT_TRUE(machine.changes.empty());
}

TEST(Host, OlderIptablesWithoutAFlavourIsLegacy) {
  FakeMachine machine;
  machine.version = "iptables v1.6.1\n";
  const Result<FamilyState> state = read_state(machine.runner(), Ip::V4, 5900);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->backends[0].flavour, Flavour::Legacy);
}

}  // namespace
}  // namespace amtgate::rules
