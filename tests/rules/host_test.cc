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
  std::string says = "line 3 failed\nmore\n";
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
        if (refused) result = {2, "", says};
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

TEST(Host, ExtensionsAreTriedWithoutAChange) {
  FakeMachine machine;
  EXPECT_THAT(refusals(machine.runner(), config::Intercept{}, Ip::V4), testing::IsEmpty());
  ASSERT_EQ(machine.changes.size(), 2U) << "one try for each table";
  for (const std::string& change : machine.changes)
    EXPECT_THAT(change, StartsWith("iptables-restore --test --noflush"));
}

struct RefusalRow {
  const char* refused;  // in the rule
  const char* says;     // iptables' words, seen of 1.8.9
  const char* part;
  const char* sentence;
};
const RefusalRow kRefusals[] = {
    {"-j TPROXY", "iptables-restore v1.8.9 (nf_tables): unknown option \"--on-port\"\n", "TPROXY", "libxt_TPROXY.so"},
    {"-m socket", "iptables-restore v1.8.9 (nf_tables): Couldn't load match `socket':No such file or directory\n",
     "socket", "libxt_socket.so"},
    {"-m connmark", "iptables-restore v1.8.9 (nf_tables): Couldn't load match `connmark':No such file or directory\n",
     "connmark", "libxt_connmark.so"},
    {"-j CONNMARK", "iptables-restore v1.8.9 (nf_tables): unknown option \"--set-xmark\"\n", "CONNMARK",
     "libxt_CONNMARK.so"},
    {"-j TPROXY", "Warning: Extension TPROXY revision 0 not supported, missing kernel module?\nunknown option\n",
     "TPROXY", "the kernel has no TPROXY target"},
    {"-j NFQUEUE", "iptables-restore: line 4 failed: No such file or directory.\n", "NFQUEUE",
     "the kernel has no NFQUEUE target"},
};

TEST(Host, AWarningOfAMissingModuleIsARefusal) {
  const Runner warns = [](const std::vector<std::string>&, std::string_view input) -> Result<sys::RunResult> {
    sys::RunResult result;
    if (input.find("NFQUEUE") != std::string_view::npos)
      result.errors = "Warning: Extension NFQUEUE revision 0 not supported, missing kernel module?\n";
    return result;
  };
  const std::vector<Refusal> got = refusals(warns, config::Intercept{}, Ip::V4);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].part, "NFQUEUE");
}

TEST(Host, EachMissingPartIsNamedOnce) {
  for (const RefusalRow& row : kRefusals) {
    SCOPED_TRACE(row.says);
    FakeMachine machine;
    machine.refuse = row.refused;
    machine.says = row.says;
    const std::vector<Refusal> got = refusals(machine.runner(), config::Intercept{}, Ip::V4);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].part, row.part);
    EXPECT_THAT(got[0].sentence, HasSubstr(row.sentence));
    EXPECT_FALSE(got[0].remedy.empty());
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
