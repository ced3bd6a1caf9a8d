#include "amtgate/session/absence.h"

#include <gtest/gtest.h>

namespace amtgate::session {
namespace {

const TimePoint kNow{seconds(100)};
using Reason = Absence::Reason;

TEST(Absence, TriesBecomeRarerUntilTheMachineHasShownItself) {
  Absence a;
  TimePoint now = kNow;
  EXPECT_TRUE(a.begin({Errc::Closed, "gone"}, Reason::Plain, now));
  for (const int wait : {1, 2, 4, 8, 8}) {
    EXPECT_FALSE(a.take_retry(now + seconds(wait) - milliseconds(1)));
    now += seconds(wait);
    EXPECT_TRUE(a.take_retry(now));
    EXPECT_FALSE(a.take_retry(now)) << "once";
    EXPECT_FALSE(a.begin({Errc::Timeout, "no answer"}, Reason::Plain, now)) << "it was away before";
  }
  EXPECT_EQ(a.end(now), seconds(23));
  EXPECT_FALSE(a.on());
  EXPECT_FALSE(a.deadline());
  a.begin({Errc::Closed, "gone"}, Reason::Plain, now);
  EXPECT_EQ(a.deadline(), now + Absence::kLastRetry) << "it had not shown itself";
  (void)a.end(now);
  a.steady();
  a.begin({Errc::Closed, "gone"}, Reason::Plain, now);
  EXPECT_EQ(a.deadline(), now + Absence::kFirstRetry);
}

struct Row {
  const char* name;
  Errc code;
  Reason reason;
  const char* caption;  // its first line
  const char* refusal;
  Errc refused;
};
const Row kRows[] = {
    {"closed", Errc::Closed, Reason::Plain, "pc1 is restarting, waiting 1:05",
     "pc1 is restarting; its screen is back when the machine is", Errc::Unreachable},
    {"login", Errc::AuthFailed, Reason::Plain, "pc1 is away, waiting 1:05", "pc1 is away: why", Errc::AuthFailed},
    {"consent", Errc::Refused, Reason::Consent, "pc1 needs the consent of its user, waiting 1:05", "pc1 is away: why",
     Errc::Refused},
    {"dark", Errc::Closed, Reason::Dark, "pc1 is away, waiting 1:05", "pc1 is away: why", Errc::Closed},
};

class AbsenceWords : public testing::TestWithParam<Row> {};

TEST_P(AbsenceWords, SayWhatIsGoingOn) {
  const Row& row = GetParam();
  Absence a;
  a.begin({row.code, "why"}, row.reason, kNow);
  const std::string caption = a.caption("pc1", kNow + seconds(65));
  EXPECT_EQ(caption.substr(0, caption.find('\n')), row.caption);
  EXPECT_TRUE(a.caption_due(kNow + seconds(66))) << "the seconds are counted";
  EXPECT_EQ(a.refusal("pc1").detail, row.refusal);
  EXPECT_EQ(a.refusal("pc1").code, row.refused);
}

INSTANTIATE_TEST_SUITE_P(All, AbsenceWords, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Absence, ARestartThatTurnsOutToBeSomethingElse) {
  Absence a;
  a.begin({Errc::Closed, "gone"}, Reason::Plain, kNow);
  a.begin({Errc::AuthFailed, "wrong password"}, Reason::Plain, kNow);
  EXPECT_EQ(a.caption("pc1", kNow), "pc1 is away, waiting 0:00\nwrong password");
  a.begin({Errc::Timeout, "no answer"}, Reason::Plain, kNow);
  EXPECT_EQ(a.caption("pc1", kNow), "pc1 is away, waiting 0:00\nno answer") << "no restart any more";
}

}  // namespace
}  // namespace amtgate::session
