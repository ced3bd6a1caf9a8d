#include "amtgate/sim/connection.h"

#include <gtest/gtest.h>

#include "amtgate/sim/console.h"
#include "tests/sim/wire.h"
#include "tests/support/feed.h"

namespace amtgate::sim {
namespace {

using amtgate::test::hex;
using test::client_of;
using test::FixedRandom;
using test::open_session;
using test::Opening;
using test::options_of;
using test::Wire;

struct ConnectionTest : testing::Test {
  FixedRandom random;
  TimePoint now{};
};

TEST_F(ConnectionTest, EveryProfileOpensEveryKindOrSaysWhyNot) {
  for (const std::string_view profile : profile_names()) {
    for (const Service service : {Service::Sol, Service::Ider, Service::Vnc}) {
      MachineState machine({.profile = *find_profile(profile)}, random, now);
      Wire wire(machine, Door::Tls, now);
      const Opening o = open_session(wire, client_of(machine, service), random);
      if (profile == "ism" && service == Service::Vnc) {
        ASSERT_TRUE(o.failed);
        EXPECT_EQ(o.failed->code, Errc::Unsupported);
        EXPECT_EQ(o.failed->status, 3);
        EXPECT_TRUE(wire.close);
      } else {
        EXPECT_TRUE(o.open) << profile << " " << name(service) << (o.failed ? o.failed->sentence : "");
        EXPECT_TRUE(wire.logged(R"("event":"auth","ok":true,"user":"admin","method":4)"));
        EXPECT_FALSE(wire.close);
      }
      if (service == Service::Vnc && o.open) {
        const std::string greeting(as_text(o.rest).substr(0, 12));
        const bool old = machine.options().profile.greeting == RfbGreeting::V4_0;
        EXPECT_EQ(greeting, old ? "RFB 004.000\n" : "RFB 003.008\n") << profile;
      }
    }
  }
}

TEST_F(ConnectionTest, AnswersAQueryWithItsProfilesMethods) {
  for (const std::string_view profile : profile_names()) {
    MachineState machine({.profile = *find_profile(profile)}, random, now);
    Wire wire(machine, Door::Plain, now);
    wire.send(hex("10 00 00 00 53 4f 4c 20"));
    EXPECT_EQ(to_hex(wire.take()), "11000000000000000000000000");
    wire.send(hex("13 00 00 00 00 00 00 00 00"));
    const std::vector<std::uint8_t>& methods = machine.options().profile.methods;
    Buffer want = hex("14 00 00 00 00");
    want.insert(want.end(), {static_cast<std::uint8_t>(methods.size()), 0, 0, 0});
    want.insert(want.end(), methods.begin(), methods.end());
    EXPECT_EQ(to_hex(wire.take()), to_hex(want));
  }
}

TEST_F(ConnectionTest, RefusesWhoIsNotTheRightUser) {
  MachineState machine(options_of("15"), random, now);
  for (const auto& [user, password] : {std::pair{"admin", "wrong"}, {"root", "P@ssw0rd1!"}, {"", ""}}) {
    Wire wire(machine, Door::Plain, now);
    redir::ClientRole::Options o = client_of(machine, Service::Sol);
    o.credentials = {user, password};
    const Opening opening = open_session(wire, o, random);
    ASSERT_TRUE(opening.failed) << user;
    EXPECT_EQ(opening.failed->code, Errc::AuthFailed) << opening.failed->sentence;
    ASSERT_TRUE(wire.close);
    EXPECT_FALSE(wire.close->reset);
    EXPECT_TRUE(wire.logged(R"("event":"auth","ok":false)"));
    EXPECT_FALSE(wire.logged("wrong\"")) << "no password in the log";
  }
  EXPECT_EQ(machine.counters().failed_logins, 3U);
  EXPECT_EQ(machine.in_use(Slot::Sol), 0U) << "a failed login frees the session";
}

TEST_F(ConnectionTest, OneSessionOfAKindTheSecondIsBusy) {
  Options o = options_of("15");
  MachineState machine(o, random, now);
  Wire first(machine, Door::Plain, now);
  ASSERT_TRUE(open_session(first, client_of(machine, Service::Sol), random).open);
  {
    Wire second(machine, Door::Tls, now);
    const Opening opening = open_session(second, client_of(machine, Service::Sol), random);
    ASSERT_TRUE(opening.failed);
    EXPECT_EQ(opening.failed->status, 2);
    EXPECT_EQ(opening.failed->code, Errc::Busy);
    Wire other(machine, Door::Plain, now);
    EXPECT_TRUE(open_session(other, client_of(machine, Service::Vnc), random).open) << "kinds run beside each other";
    Wire rfb(machine, Door::Rfb, now);
    rfb.send(as_bytes("RFB 003.008\n"));
    EXPECT_NE(as_text(rfb.received).find("in use"), std::string_view::npos) << "KVM is one for all ports";
  }
  first.connection.closed(now);
  Wire third(machine, Door::Plain, now);
  EXPECT_TRUE(open_session(third, client_of(machine, Service::Sol), random).open);
  EXPECT_EQ(machine.counters().busy, 2U);

  o.sessions = 0;
  MachineState crowd(o, random, now);
  std::vector<std::unique_ptr<Wire>> wires;
  for (int i = 0; i < 20; ++i) {
    wires.push_back(std::make_unique<Wire>(crowd, Door::Plain, now));
    EXPECT_TRUE(open_session(*wires.back(), client_of(crowd, Service::Vnc), random).open);
  }
}

TEST_F(ConnectionTest, RefusesInTheStatusByte) {
  Options o = options_of("15");
  o.consent_missing = true;
  MachineState machine(o, random, now);
  Wire consent(machine, Door::Plain, now);
  const Opening opening = open_session(consent, client_of(machine, Service::Ider), random);
  ASSERT_TRUE(opening.failed);
  EXPECT_EQ(opening.failed->status, 5);
  Wire sol(machine, Door::Plain, now);
  EXPECT_TRUE(open_session(sol, client_of(machine, Service::Sol), random).open);
  o.off[static_cast<std::size_t>(Slot::Sol)] = true;
  MachineState switched_off(o, random, now);
  Wire off(switched_off, Door::Plain, now);
  const Opening none = open_session(off, client_of(switched_off, Service::Sol), random);
  ASSERT_TRUE(none.failed);
  EXPECT_EQ(none.failed->status, 3);
  Wire unknown(machine, Door::Plain, now);
  unknown.send(hex("10 00 00 00 41 42 43 44"));
  EXPECT_EQ(to_hex(unknown.take()), "11010000000000000000000000");
  EXPECT_TRUE(unknown.close);
  Wire junk(machine, Door::Plain, now);
  junk.send(as_bytes("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(junk.close);
}

TEST_F(ConnectionTest, ASilentClientIsEnded) {
  MachineState machine(options_of("15"), random, now);
  Wire wire(machine, Door::Plain, now);
  wire.collect(seconds(20));
  ASSERT_TRUE(wire.close);
  EXPECT_EQ(machine.counters().connections, 1U);
}

TEST_F(ConnectionTest, KvmStreamSendsItsBytesInsteadOfRfb) {
  Options o = options_of("15");
  o.kvm_stream = 3 * 1024 * 1024;
  MachineState machine(o, random, now);
  Wire wire(machine, Door::Plain, now);
  wire.enough = 100'000;  // a client's role keeps little
  Opening opening = open_session(wire, client_of(machine, Service::Vnc), random);
  ASSERT_TRUE(opening.open);
  wire.enough = 64 * 1024 * 1024;
  wire.collect();
  append(opening.rest, wire.take());
  ASSERT_EQ(opening.rest.size(), *o.kvm_stream);
  Buffer block(1024 * 1024);
  fill_stream(block, 0, true);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(std::ranges::equal(Bytes(opening.rest).subspan(i * block.size(), block.size()), block)) << i;
  }
  wire.send(Buffer(1000));
  EXPECT_FALSE(wire.close);
}

TEST_F(ConnectionTest, AMessageIsAUnitUnlessTheyAreGlued) {
  MachineState machine(options_of("15"), random, now);
  Wire wire(machine, Door::Plain, now);
  ASSERT_TRUE(open_session(wire, client_of(machine, Service::Vnc), random).open);
  ASSERT_EQ(wire.units.size(), 5U);
  EXPECT_EQ(wire.units[0].size(), 13U);  // 0x11
  EXPECT_EQ(wire.units[1].size(), 10U);  // methods
  EXPECT_EQ(wire.units[2].size(), 87U);  // challenge
  EXPECT_EQ(wire.units[3].size(), 9U);   // success
  EXPECT_EQ(wire.units[4].size(), 20U);  // 0x41 and the greeting behind it, as seen on hardware

  Options o = options_of("15");
  o.shape = UnitQueue::Shape::OneByte;
  MachineState slow(o, random, now);
  Wire bytes(slow, Door::Plain, now);
  ASSERT_TRUE(open_session(bytes, client_of(slow, Service::Vnc), random).open);
  for (const Buffer& unit : bytes.units) EXPECT_EQ(unit.size(), 1U);
}

struct FaultRow {
  const char* fault;
  Service service;
  Errc code;   // how the client role ends
  bool close;  // the machine ends the connection
};
const FaultRow kFaults[] = {
    {"start:close", Service::Sol, Errc::Closed, true},        {"start:reset", Service::Sol, Errc::Closed, true},
    {"start:stall", Service::Sol, Errc::Timeout, false},      {"start:close:5", Service::Sol, Errc::Closed, true},
    {"auth:close", Service::Sol, Errc::Closed, true},         {"auth:stall:30", Service::Sol, Errc::Timeout, false},
    {"auth:reset:100", Service::Vnc, Errc::AuthFailed, true},  // behind our response a close means refused
    {"open:close", Service::Vnc, Errc::Closed, true},         {"open:stall:4", Service::Vnc, Errc::Timeout, false},
};

TEST_F(ConnectionTest, FaultsStrikeAtTheirStage) {
  for (const FaultRow& row : kFaults) {
    Options o = options_of("15");
    o.faults = {*parse_fault(row.fault)};
    MachineState machine(o, random, now);
    Wire wire(machine, Door::Plain, now);
    const Opening opening = open_session(wire, client_of(machine, row.service), random);
    ASSERT_TRUE(opening.failed) << row.fault;
    EXPECT_EQ(opening.failed->code, row.code) << row.fault << ": " << opening.failed->sentence;
    EXPECT_EQ(wire.close.has_value(), row.close) << row.fault;
    if (wire.close) {
      EXPECT_EQ(wire.close->reset, std::string_view(row.fault).find("reset") != std::string_view::npos) << row.fault;
    }
    EXPECT_TRUE(wire.logged(R"("event":"fault")")) << row.fault;
  }
}

TEST_F(ConnectionTest, GarbageEndsTheOpening) {
  for (const char* fault : {"start:garbage", "auth:garbage", "open:garbage"}) {
    Options o = options_of("15");
    o.faults = {*parse_fault(fault)};
    MachineState machine(o, random, now);
    Wire wire(machine, Door::Plain, now);
    EXPECT_TRUE(open_session(wire, client_of(machine, Service::Vnc), random).failed) << fault;
    EXPECT_FALSE(wire.connection.wants_input());
  }
}

TEST_F(ConnectionTest, AFaultLimitedToOneConnectionLeavesTheNextAlone) {
  Options o = options_of("15");
  o.faults = {*parse_fault("auth:close:0:1")};
  MachineState machine(o, random, now);
  Wire first(machine, Door::Plain, now);
  EXPECT_TRUE(open_session(first, client_of(machine, Service::Sol), random).failed);
  Wire second(machine, Door::Plain, now);
  EXPECT_TRUE(open_session(second, client_of(machine, Service::Sol), random).open);
}

TEST_F(ConnectionTest, AFaultAfterBytesOfTheStreamSendsExactlySoMany) {
  Options o = options_of("15");
  o.kvm_stream = 0;
  o.faults = {*parse_fault("stream:close:100000")};
  MachineState machine(o, random, now);
  Wire wire(machine, Door::Tls, now);
  Opening opening = open_session(wire, client_of(machine, Service::Vnc), random);
  ASSERT_TRUE(opening.open);
  wire.collect();
  append(opening.rest, wire.take());
  EXPECT_EQ(opening.rest.size(), 65536U + 100000U) << "the first block is glued to 0x41 and opens the session";
  ASSERT_TRUE(wire.close);
  EXPECT_FALSE(wire.close->reset);
}

TEST_F(ConnectionTest, ARebootEndsEverySession) {
  MachineState machine(options_of("15"), random, now);
  Wire kvm(machine, Door::Plain, now);
  ASSERT_TRUE(open_session(kvm, client_of(machine, Service::Vnc), random).open);
  Wire early(machine, Door::Plain, now);
  Wire sol(machine, Door::Plain, now);
  ASSERT_TRUE(open_session(sol, client_of(machine, Service::Sol), random).open);
  machine.reboot(now);
  for (Wire* w : {&kvm, &early, &sol}) {
    EXPECT_TRUE(w->connection.tick(now));
    w->collect();
    ASSERT_TRUE(w->close);
    EXPECT_EQ(w->close->reason, "reboot");
  }
  EXPECT_TRUE(machine.booting(now));
  EXPECT_FALSE(machine.booting(now + machine.options().profile.boot_time));
  EXPECT_EQ(machine.in_use(Slot::Kvm), 0U);
  Wire again(machine, Door::Plain, now);
  EXPECT_TRUE(open_session(again, client_of(machine, Service::Vnc), random).open);
}

TEST_F(ConnectionTest, QopListAndFailuresAreAsAsked) {
  Options o = options_of("16.1");
  o.profile.qop = "auth-int, auth";
  MachineState machine(o, random, now);
  Wire wire(machine, Door::Tls, now);
  EXPECT_TRUE(open_session(wire, client_of(machine, Service::Sol), random).open);

  o.login_failure = redir::ServerRole::FailureStyle::FreshChallenge;
  o.login_tries = 3;
  MachineState patient(o, random, now);
  Wire again(patient, Door::Tls, now);
  redir::ClientRole::Options wrong = client_of(patient, Service::Sol);
  wrong.credentials.password = "wrong";
  const Opening opening = open_session(again, wrong, random);
  ASSERT_TRUE(opening.failed);
  EXPECT_EQ(opening.failed->code, Errc::AuthFailed);
  EXPECT_FALSE(again.close) << "it would take another try";

  o.login_failure = redir::ServerRole::FailureStyle::Silent;
  o.login_tries = 1;
  MachineState curt(o, random, now);
  Wire closed(curt, Door::Tls, now);
  EXPECT_EQ(open_session(closed, wrong, random).failed->code, Errc::AuthFailed);
  EXPECT_TRUE(closed.close);
}

TEST_F(ConnectionTest, AScreenThatChangesItsModeTellsTheViewer) {
  Options o = options_of("15");
  o.screen = {64, 64};
  MachineState machine(o, random, now);
  Wire wire(machine, Door::Plain, now);
  ASSERT_TRUE(open_session(wire, client_of(machine, Service::Vnc), random).open);
  wire.send(as_bytes("RFB 003.008\n"));
  wire.send(hex("01"));
  wire.send(hex("01"));
  wire.send(hex("02 00 0002 00000000 ffffff21"));
  wire.send(hex("03 01 0000 0000 0040 0040"));
  EXPECT_TRUE(wire.logged(R"("event":"update")"));
  machine.screen().set_mode({128, 64});
  EXPECT_TRUE(wire.connection.tick(now));
  wire.send(hex("03 01 0000 0000 0040 0040"));
  EXPECT_TRUE(wire.logged(R"("event":"resized","width":128,"height":64,"told":true)"));
  EXPECT_FALSE(wire.close);
}

TEST_F(ConnectionTest, LogsWhatItsOperatingSystemMakesOfKeys) {
  Options o = options_of("15");
  o.keyboard = *OsKeyboard::load("de");
  MachineState machine(o, random, now);
  Wire wire(machine, Door::Plain, now);
  ASSERT_TRUE(open_session(wire, client_of(machine, Service::Vnc), random).open);
  wire.send(as_bytes("RFB 003.008\n"));
  wire.send(hex("01"));
  wire.send(hex("01"));
  wire.send(hex("04 01 0000 0000003b 04 00 0000 0000003b"));
  EXPECT_TRUE(wire.logged(R"("event":"text","text":"\u00f6")"));
  wire.send(hex("04 01 0000 17170056 04 00 0000 17170056"));
  EXPECT_TRUE(wire.logged(R"("event":"text","text":"<")"));
  wire.send(hex("04 01 0000 0000ffe3 04 01 0000 00000079"));
  EXPECT_TRUE(wire.logged(R"("event":"shortcut","keys":"Control+z")"));
  EXPECT_FALSE(wire.logged("keys_left"));
  wire.connection.closed(now);
  wire.collect();
  EXPECT_TRUE(wire.logged(R"("event":"keys_left","keys":2)"));
  EXPECT_EQ(o.keyboard->keys_down(), 0U);
}

TEST_F(ConnectionTest, Port5900AnswersAsItsProfileSays) {
  Options o = options_of("8");
  MachineState old(o, random, now);
  {
    Wire wire(old, Door::Rfb, now);
    EXPECT_EQ(as_text(wire.take()), "RFB 004.000\n");
    wire.send(as_bytes("RFB 003.008\n"));
    EXPECT_EQ(to_hex(wire.take()), "0102") << "VNC authentication alone";
  }
  o.profile.port5900 = Port5900::NoPassword;
  MachineState newer(o, random, now);
  Wire refused(newer, Door::Rfb, now);
  refused.send(as_bytes("RFB 003.008\n"));
  EXPECT_NE(as_text(refused.received).find("No password configured for VNC Auth"), std::string_view::npos);
  EXPECT_TRUE(refused.close);
  o.profile.port5900 = Port5900::Dead;
  MachineState dead(o, random, now);
  Wire silent(dead, Door::Rfb, now);
  silent.send(as_bytes("RFB 003.008\n"));
  EXPECT_TRUE(silent.received.empty());
  EXPECT_FALSE(silent.close);
}

}  // namespace
}  // namespace amtgate::sim
