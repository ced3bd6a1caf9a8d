#include "amtgate/wsman/event_log.h"

#include <gtest/gtest.h>

#include "amtgate/base/hex.h"
#include "tests/support/wsman_machine.h"

namespace amtgate::wsman {
namespace {

using Machine = test::WsmanMachine;

std::string sentence(const char* hex) {
  const Result<Buffer> bytes = from_hex(hex);
  const Result<Event> e = bytes ? parse_event(*bytes) : bytes.error();
  return e ? e->sentence() : e.error().detail;
}

TEST(EventLog, RecordsAreSentences) {
  const std::pair<const char*, const char*> rows[] = {
      {"00000000 ff 05 6f 00 68 10 ff 17 00 0000000000000000", "the case was opened"},
      {"00000000 ff 06 6f 00 68 10 ff 26 00 aa 03 00 0000000000",
       "authentication failed 3 times; the system may be under attack"},
      {"00000000 ff 0f 6f 00 68 08 ff 22 00 40 01 000000000000", "BIOS error: no memory is installed"},
      {"00000000 ff 0f 6f 02 68 02 ff 22 00 40 13 000000000000", "BIOS: the operating system is started"},
      {"00000000 ff 0f 6f 02 68 02 ff 22 00 40 77 000000000000", "BIOS: progress 119"},
      {"00000000 ff 0f 6f 02 68 02 ff 22 00 eb 00 000000000000", "the BIOS reported data that is not valid"},
      {"00000000 ff 0f 6f 05 68 02 ff 22 00 aa 40 07 0000000000", "BIOS progress: platform erase 7"},
      {"00000000 ff 1e 6f 00 68 10 ff 22 00 0000000000000000", "no bootable media"},
      {"00000000 ff 23 6f 00 68 10 ff 22 00 40 00000000000000", "the BIOS did not get through its self-test"},
      {"00000000 ff 24 6f 00 68 02 ff 26 00 00 00 00 01 02 000000", "packet filter 258 matched"},
      {"00000000 ff c0 6f 00 68 02 ff 26 00 aa 30 03 0000000000", "a session with redirected drives was closed"},
      {"00000000 ff c1 6f 00 68 02 ff 26 00 aa 30 00 0000000000", "the user asked for a remote connection"},
      {"00000000 ff 63 01 02 68 02 ff 26 00 0102030405060708", "sensor type 99, event 1/2, data 0102030405060708"},
      {"00000000 ff 05", "an event record of 6 bytes"},
      {"00000000 ff 05 6f 00 68 10 ff 17 00 0000000000000000 00", "an event record of 22 bytes"},
  };
  for (const auto& [hex, want] : rows) EXPECT_EQ(sentence(hex), want) << hex;
}

TEST(EventLog, TimeAndSeverityAreRead) {
  const Result<Event> e = parse_event(*from_hex("00 f1 53 65 ff 25 6f 00 68 10 ff 26 00 0000000000000000"));
  ASSERT_TRUE(e);
  EXPECT_EQ(e->time, 1'700'000'000);
  EXPECT_EQ(e->severity_name(), "critical");
  EXPECT_EQ(e->entity_name(), "AMT");
  EXPECT_EQ(parse_event(*from_hex("ffffffff ff 25 6f 00 68 10 ff 26 00 0000000000000000"))->time, 0);
}

TEST(EventLog, IsReadInSeveralPagesAndCleared) {
  for (const std::string_view profile : sim::profile_names()) {
    sim::ManagementOptions o;
    o.epoch = 1'700'000'000;
    Machine m(profile, o);
    for (int i = 0; i < 40; ++i) m.management.login_failed("nobody", m.now);
    const Result<EventLog> log = read_event_log(m);
    ASSERT_TRUE(log) << log.error().detail;
    EXPECT_EQ(log->unreadable, 0U);
    ASSERT_GE(log->events.size(), 41U);
    EXPECT_EQ(log->events.front().sentence(), "authentication failed 40 times; the system may be under attack");
    EXPECT_EQ(log->events.back().sentence(), "the firmware started");
    EXPECT_EQ(log->events.back().time, 1'700'000'000);
    ASSERT_TRUE(clear_event_log(m));
    const Result<EventLog> empty = read_event_log(m);
    ASSERT_TRUE(empty) << empty.error().detail;
    EXPECT_TRUE(empty->events.empty());
  }
}

TEST(EventLog, AFirmwareWithoutAnEndIsLeft) {
  class Endless final : public Caller {
   public:
    Result<Reply> call(const Request&) override {
      ++asked;
      return parse_reply(
          "<a:Envelope><a:Body><g:X_OUTPUT><g:IterationIdentifier>1</g:IterationIdentifier><g:NoMoreRecords>false"
          "</g:NoMoreRecords><g:RecordArray>AAAA</g:RecordArray><g:ReturnValue>0</g:ReturnValue></g:X_OUTPUT>"
          "</a:Body></a:Envelope>");
    }
    unsigned asked = 0;
  } machine;
  EXPECT_EQ(read_event_log(machine).error().code, Errc::TooLarge);
  EXPECT_LT(machine.asked, 2100U);
}

}  // namespace
}  // namespace amtgate::wsman
