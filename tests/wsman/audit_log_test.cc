#include "amtgate/wsman/audit_log.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "amtgate/base/hex.h"
#include "amtgate/wsman/clock.h"
#include "amtgate/wsman/power.h"
#include "amtgate/wsman/users.h"
#include "tests/support/wsman_machine.h"

namespace amtgate::wsman {
namespace {

using Machine = test::WsmanMachine;

std::string line(const char* hex) {
  const Result<Buffer> bytes = from_hex(hex);
  const Result<AuditRecord> r = bytes ? parse_audit_record(*bytes) : bytes.error();
  return r ? r->who + "@" + r->place + " " + r->application_name() + ": " + r->sentence() : r.error().detail;
}

TEST(AuditLog, RecordsAreSentences) {
  const std::pair<const char*, const char*> rows[] = {
      {"0010 0002 00 05 61646d696e 6553f100 02 00 04 6f706572", "admin@ Security: a user was added: oper"},
      {"0012 0004 00 04 6f706572 6553f100 00 09 3139322e302e322e35 00",
       "oper@192.0.2.5 Redirection: the serial console was opened"},
      {"0011 0003 01 000001f4 10 0102000000000005 20000000 20020000 6553f100 02 00 00", "S-1-5-32-544@ Power: reset"},
      {"0011 0003 01 000001f4 02 0102 6553f100 02 00 00", "SID 0102@ Power: reset"},
      {"001d 0003 03 6553f100 02 00 00", "(KVM)@ KVM: the user consented to KVM"},
      {"0063 0063 02 6553f100 02 00 02 0102", "(local)@ application 99: event 99, data 0102"},
      {"0010 0002 09 6553f100 02 00 00", "an audit record of somebody of an unknown kind"},
      {"0010 0002 00 05 61646d", "an audit record of 9 bytes"},
      {"0010 0002 02 6553f100 02 00 00 00", "an audit record of 13 bytes"},
  };
  for (const auto& [hex, want] : rows) EXPECT_EQ(line(hex), want) << hex;
}

TEST(AuditLog, SaysWhoDidWhat) {
  for (const std::string_view profile : sim::profile_names()) {
    sim::ManagementOptions o;
    o.epoch = 1'700'000'000;
    Machine m(profile, o);
    ASSERT_TRUE(add_user(m, {"oper", "P@ssw0rd", Access::Any, {5}}));
    m.around.user = "oper";
    m.now += seconds(60);
    ASSERT_TRUE(request_power(m, PowerAction::Reset, *power_status(m)));
    m.around.user = "";
    ASSERT_TRUE(set_clock(m, [] { return std::int64_t{1'700'000'060}; }));
    const Result<AuditLog> log = read_audit_log(m);
    ASSERT_TRUE(log) << log.error().detail;
    EXPECT_EQ(log->unreadable, 0U);
    std::vector<std::string> lines;
    for (const AuditRecord& r : log->records) lines.push_back(r.who + ": " + r.sentence());
    EXPECT_EQ(lines, (std::vector<std::string>{"(local): set-up was completed", "admin: a user was added: oper",
                                               "oper: reset", "admin: the clock was set"}));
    EXPECT_EQ(log->records[2].time, 1'700'000'060);
  }
}

TEST(AuditLog, IsReadInSeveralPages) {
  Machine m;
  for (int i = 0; i < 35; ++i) m.management.login_failed("nobody", m.now);
  const Result<AuditLog> log = read_audit_log(m);
  ASSERT_TRUE(log) << log.error().detail;
  EXPECT_EQ(log->records.size(), 36U);
  EXPECT_EQ(log->records.back().sentence(), "a login with wrong credentials: nobody");
}

TEST(AuditLog, WantsItsRealm) {
  Machine m;
  ASSERT_TRUE(add_user(m, {"boss", "P@ssw0rd", Access::Any, {3}}));
  m.around.user = "boss";
  const Result<AuditLog> refused = read_audit_log(m);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Refused);
}

}  // namespace
}  // namespace amtgate::wsman
