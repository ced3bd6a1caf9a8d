// The console of one machine and its users, with a simulated device behind it and a clock moved by hand.
#include "amtgate/session/shared_serial.h"

#include <gtest/gtest.h>

#include "amtgate/base/earliest.h"
#include "amtgate/session/telnet_user.h"
#include "amtgate/sol/server_role.h"

namespace amtgate::session {
namespace {

constexpr UserId kAnn{1}, kBob{2}, kEve{3};

struct Room {
  explicit Room(SerialOptions o = {.name = "pc1", .keep = 1024}) : options(std::move(o)), serial(options) {}

  void join(UserId id, const std::string& who) {
    serial.add_user(id, std::make_unique<RawUser>(), who, now);
    run();
  }
  void leave(UserId id) {
    serial.remove_user(id, now);
    run();
  }
  void type(UserId id, std::string_view text) {
    serial.receive_user(id, as_bytes(text), now);
    run();
  }
  void say(std::string_view text) {
    ASSERT_TRUE(device);
    EXPECT_EQ(device->send(as_bytes(text), now), text.size());
    run();
  }
  /// What a user has been sent since.
  std::string got(UserId id) {
    std::string out;
    while (true) {
      const Bytes part = serial.user_output(id);
      if (part.empty()) return out;
      out += as_text(part);
      serial.user_sent(id, part.size(), now);
    }
  }
  void lose() {
    device.reset();
    serial.device_closed({Errc::Closed, "pc1 closed the connection"}, now);
    run();
  }
  /// What was asked for while `slow`.
  void open() {
    device.emplace(sol::ServerRole::Options{.pause = milliseconds(0)}, now);
    serial.device_opened({}, now);
    run();
  }
  void wait(Duration d) {
    const TimePoint until = now + d;
    while (true) {
      std::optional<TimePoint> next = serial.deadline();
      if (device) next = earliest({next, device->deadline()});
      if (!next || *next > until) break;
      now = std::max(now, *next);
      if (device) (void)device->tick(now);
      serial.tick(now);
      run();
    }
    now = until;
  }

  void run() {
    for (bool any = true; any;) {
      any = false;
      while (auto e = serial.next_event()) {
        any = true;
        if (std::holds_alternative<SharedSerial::NeedDevice>(*e)) {
          ++asked;
          if (slow) {
            // open() comes later
          } else if (reachable) {
            device.emplace(sol::ServerRole::Options{.pause = milliseconds(0)}, now);
            serial.device_opened({}, now);
          } else {
            serial.device_failed({{Errc::Unreachable, "pc1 does not answer"}, 0}, now);
          }
        } else if (std::holds_alternative<SharedSerial::DropDevice>(*e)) {
          ++dropped;
          device.reset();
        } else if (const auto* ended = std::get_if<SharedSerial::UserEnded>(&*e)) {
          events += "ended " + std::to_string(ended->id.value) + "; ";
        } else if (const auto* writer = std::get_if<SharedSerial::WriterChanged>(&*e)) {
          events += "writer " + std::to_string(writer->id.value) + "; ";
        } else if (std::holds_alternative<SharedSerial::Ready>(*e)) {
          events += "ready; ";
        } else if (std::holds_alternative<SharedSerial::NotReady>(*e)) {
          events += "not ready; ";
        } else if (std::holds_alternative<SharedSerial::DeviceLost>(*e)) {
          events += "lost; ";
        } else {
          events += "back; ";
        }
      }
      while (device && device_reads && !serial.device_output().empty()) {
        any = true;
        const Bytes out = serial.device_output();
        EXPECT_TRUE(device->receive(out, now));
        serial.device_sent(out.size(), now);
        while (auto e = device->next_event()) {
          if (const auto* r = std::get_if<sol::ServerRole::Received>(&*e)) typed += as_text(r->bytes);
        }
        if (!device) break;
      }
      while (device && !device->output().empty() && serial.takes_device()) {
        any = true;
        const Bytes out = device->output();
        const Buffer copy(out.begin(), out.end());
        device->sent(copy.size());
        serial.receive_device(copy, now);
      }
    }
  }

  SerialOptions options;
  TimePoint now{seconds(1000)};
  SharedSerial serial;
  std::optional<sol::ServerRole> device;
  bool reachable = true, slow = false, device_reads = true;
  std::string typed, events;
  int asked = 0, dropped = 0;
};

TEST(SharedSerial, OpensForTheFirstUserAndClosesBehindTheLast) {
  Room r;
  EXPECT_EQ(r.asked, 0);
  r.join(kAnn, "ann");
  EXPECT_EQ(r.asked, 1);
  EXPECT_TRUE(r.serial.live());
  r.type(kAnn, "ls\r");
  EXPECT_EQ(r.typed, "ls\r");
  r.say("file\r\n");
  EXPECT_EQ(r.got(kAnn), "file\r\n");
  r.leave(kAnn);
  r.wait(seconds(3));
  EXPECT_EQ(r.dropped, 1);
  EXPECT_STREQ(r.serial.state(), "idle");
}

TEST(SharedSerial, IsHeldWithoutAUserWhereThatIsAskedFor) {
  Room r({.name = "pc1", .always = true, .keep = 1024});
  r.serial.configure(r.options, r.now);
  r.run();
  EXPECT_TRUE(r.serial.live());
  r.say("panic: no root\r\n");
  r.wait(seconds(60));
  EXPECT_TRUE(r.serial.live());
  r.join(kAnn, "ann");
  EXPECT_EQ(r.got(kAnn), "panic: no root\r\n") << "what came before one looked";
  r.leave(kAnn);
  EXPECT_TRUE(r.serial.live());
}

TEST(SharedSerial, ShowsNewUsersTheLastBytesAlone) {
  Room r({.name = "pc1", .always = true, .keep = 8});
  r.serial.configure(r.options, r.now);
  r.run();
  r.say("0123456789abcdef");
  r.join(kAnn, "ann");
  EXPECT_EQ(r.got(kAnn), "89abcdef");
}

TEST(SharedSerial, OneTypesAndTheOthersLookOn) {
  Room r;
  r.join(kAnn, "ann");
  r.join(kBob, "bob");
  r.join(kEve, "eve");
  EXPECT_EQ(r.got(kBob), "\r\n[amtgate: you look on; ann types]\r\n");
  r.type(kBob, "rm -rf /\r");
  r.type(kBob, "again\r");
  EXPECT_EQ(r.typed, "");
  EXPECT_EQ(r.got(kBob), "\r\n[amtgate: you only look on: ann types; what you type is dropped]\r\n") << "once";
  r.say("all see this");
  for (const UserId id : {kAnn, kBob}) EXPECT_EQ(r.got(id), "all see this");
  r.leave(kAnn);
  EXPECT_EQ(r.got(kBob), "\r\n[amtgate: you type now]\r\n");
  r.type(kBob, "ls\r");
  EXPECT_EQ(r.typed, "ls\r");
  (void)r.got(kEve);
  ASSERT_TRUE(r.serial.give(kEve, r.now));
  EXPECT_EQ(r.got(kEve), "\r\n[amtgate: you type now]\r\n");
  EXPECT_EQ(r.got(kBob), "\r\n[amtgate: eve types now]\r\n");
  r.type(kEve, "x");
  EXPECT_EQ(r.typed, "ls\rx");
  EXPECT_EQ(r.events, "writer 1; ready; writer 2; writer 3; ");
}

TEST(SharedSerial, KeepsItsUsersThroughAReset) {
  Room r;
  r.join(kAnn, "ann");
  r.say("before");
  (void)r.got(kAnn);
  r.reachable = false;
  r.lose();
  EXPECT_EQ(r.got(kAnn), "\r\n[amtgate: pc1 went away: pc1 closed the connection; it is tried again]\r\n");
  r.type(kAnn, "typed at nobody");
  r.wait(seconds(10));
  EXPECT_EQ(r.asked, 4) << "after 1, 2 and 4 s";
  EXPECT_EQ(r.got(kAnn), "") << "said once";
  r.reachable = true;
  r.wait(seconds(10));
  EXPECT_EQ(r.got(kAnn), "\r\n[amtgate: pc1 is back after 0:15]\r\n");
  r.say("after");
  r.type(kAnn, "now");
  EXPECT_EQ(r.got(kAnn), "after");
  EXPECT_EQ(r.typed, "now") << "what is typed at nobody is dropped";
  EXPECT_EQ(r.events, "writer 1; ready; lost; ready; ready; ready; ready; ready; back; ");
}

TEST(SharedSerial, EndsItsUsersWithoutReconnect) {
  Room r({.name = "pc1", .reconnect = false});
  r.join(kAnn, "ann");
  r.lose();
  EXPECT_EQ(r.events, "writer 1; ready; lost; ended 1; not ready; ");
  EXPECT_EQ(r.got(kAnn), "\r\n[amtgate: pc1 closed the connection]\r\n");
}

TEST(SharedSerial, WhoHadItOpenedMissesNothing) {
  Room r({.name = "pc1"});
  r.serial.reserve(kAnn);
  r.run();
  r.say("banner");
  r.join(kAnn, "ann");
  EXPECT_EQ(r.got(kAnn), "banner");
}

TEST(SharedSerial, TellsThoseWhoWaitWhetherTheyMayJoin) {
  Room r;
  r.serial.reserve(kAnn);
  r.run();
  EXPECT_TRUE(r.serial.ready());
  EXPECT_EQ(r.events, "ready; ");
  r.serial.release(kAnn, r.now);
  r.wait(seconds(3));
  EXPECT_EQ(r.dropped, 1) << "it went away again";

  Room away;
  away.reachable = false;
  away.serial.reserve(kAnn);
  away.run();
  EXPECT_EQ(away.events, "not ready; ");
  EXPECT_FALSE(away.serial.ready());

  Room held({.name = "pc1", .always = true, .keep = 64});
  held.reachable = false;
  held.serial.configure(held.options, held.now);
  held.run();
  EXPECT_TRUE(held.serial.ready()) << "let in to the absence, which a line tells of";
  held.join(kAnn, "ann");
  EXPECT_EQ(held.got(kAnn), "\r\n[amtgate: pc1 does not answer; it is tried again]\r\n");
}

TEST(SharedSerial, LosesNothingThatIsTypedWhileAMTIsSlow) {
  Room r;
  r.join(kAnn, "ann");
  r.device_reads = false;
  std::string sent;
  for (int i = 0; r.serial.takes(kAnn) && i < 1000; ++i) {
    const std::string part(1000, static_cast<char>('a' + i % 26));
    sent += part;
    r.type(kAnn, part);
  }
  EXPECT_LT(sent.size(), 200'000u) << "it is not read from any more";
  r.device_reads = true;
  r.run();
  EXPECT_EQ(r.typed, sent);
  EXPECT_TRUE(r.serial.takes(kAnn));
}

TEST(SharedSerial, WhatIsTypedLastStillArrives) {
  Room r;
  r.join(kAnn, "ann");
  r.device_reads = false;
  std::string sent;
  while (r.serial.takes(kAnn)) {
    const std::string part(10000, static_cast<char>('a' + sent.size() / 10000 % 26));
    sent += part;
    r.type(kAnn, part);
  }
  r.leave(kAnn);
  r.wait(seconds(1));
  EXPECT_EQ(r.dropped, 0);
  r.device_reads = true;
  r.run();
  r.wait(seconds(3));
  EXPECT_EQ(r.typed, sent);
  EXPECT_EQ(r.dropped, 1);

  Room stuck;
  stuck.join(kAnn, "ann");
  stuck.device_reads = false;
  while (stuck.serial.takes(kAnn)) stuck.type(kAnn, std::string(10000, 'x'));
  stuck.leave(kAnn);
  stuck.wait(3 * SharedSerial::kLeave);
  EXPECT_EQ(stuck.dropped, 1) << "not for ever";
}

TEST(SharedSerial, WhatAScriptTypesBeforeTheSessionStandsArrives) {
  for (const bool connected : {false, true}) {
    Room r;
    (connected ? r.device_reads : r.slow) = connected ? false : true;
    r.join(kAnn, "ann");
    r.type(kAnn, "reboot\r");
    r.leave(kAnn);
    r.wait(seconds(2));
    EXPECT_EQ(r.dropped, 0);
    r.device_reads = true;
    connected ? r.run() : r.open();
    r.wait(seconds(3));
    EXPECT_EQ(r.typed, "reboot\r");
    EXPECT_EQ(r.dropped, 1);
    EXPECT_STREQ(r.serial.state(), "idle");
  }
}

TEST(SharedSerial, WhatAScriptTypedIsNotKeptForTheNextOne) {
  Room r;
  r.slow = true;
  r.join(kAnn, "ann");
  r.type(kAnn, "reboot\r");
  r.leave(kAnn);
  r.wait(SharedSerial::kLeave + seconds(1));
  EXPECT_EQ(r.dropped, 1) << "not waited for for ever";
  r.slow = false;
  r.join(kBob, "bob");
  r.type(kBob, "ls\r");
  EXPECT_EQ(r.typed, "ls\r");

  Room idle;
  idle.slow = true;
  idle.join(kAnn, "ann");
  idle.leave(kAnn);
  EXPECT_EQ(idle.dropped, 1) << "nothing was typed: nothing is waited for";
}

TEST(SharedSerial, WhoComesWhileAScriptsTypingWaitsKeepsTheSession) {
  Room r;
  r.slow = true;
  r.join(kAnn, "ann");
  r.type(kAnn, "echo a\r");
  r.leave(kAnn);
  r.wait(seconds(5));
  r.join(kBob, "bob");
  r.wait(3 * SharedSerial::kLeave);
  EXPECT_EQ(r.dropped, 0);
  r.open();
  r.type(kBob, "ls\r");
  r.wait(3 * SharedSerial::kLeave);
  EXPECT_EQ(r.typed, "echo a\rls\r");
  EXPECT_TRUE(r.serial.live());
  EXPECT_EQ(r.asked, 1);
}

TEST(SharedSerial, WhoComesWhileTheSessionEndsGetsANewOne) {
  Room r({.name = "pc1"});
  r.join(kAnn, "ann");
  r.device_reads = false;  // its end is not answered yet
  r.leave(kAnn);
  r.join(kBob, "bob");
  r.type(kBob, "ls\r");
  r.device_reads = true;
  r.run();
  r.wait(seconds(3));
  EXPECT_EQ(r.asked, 2);
  EXPECT_EQ(r.typed, "ls\r");
  EXPECT_TRUE(r.serial.live());
}

TEST(SharedSerial, WaitsForTheOnlyReader) {
  Room r;
  r.join(kAnn, "ann");
  std::string said;
  for (int i = 0; i < 400; ++i) {
    std::string part(4000, static_cast<char>('a' + i % 26));
    part.resize(r.device->send(as_bytes(part), r.now));
    said += part;
    r.run();
  }
  EXPECT_FALSE(r.serial.takes_device());
  r.wait(seconds(120));
  EXPECT_TRUE(r.serial.live()) << "silence is no death while nobody listens";
  std::string got;
  for (std::string part = r.got(kAnn); !part.empty(); part = r.got(kAnn)) {
    got += part;
    r.run();
  }
  EXPECT_EQ(got, said);
  EXPECT_EQ(r.serial.lost_bytes(), 0u);
}

TEST(SharedSerial, SlowReadersLoseAndAreTold) {
  Room r;
  r.join(kAnn, "ann");
  r.join(kBob, "bob");
  (void)r.got(kBob);
  std::string said;
  for (int i = 0; i < 200; ++i) {
    const std::string part(4000, static_cast<char>('a' + i % 26));
    said += part;
    r.say(part);
    EXPECT_EQ(r.got(kAnn), part) << "nobody else is stalled";
  }
  const std::string bobs = r.got(kBob);
  EXPECT_LT(bobs.size(), said.size());
  EXPECT_NE(bobs.find(" bytes of output are missing here: this connection was too slow]"), std::string::npos);
  EXPECT_EQ(bobs.substr(bobs.size() - 4000), said.substr(said.size() - 4000)) << "it has caught up";
  EXPECT_GT(r.serial.lost_bytes(), 0u);
}

TEST(SharedSerial, TheWriterStallsOthersForAWhileOnly) {
  Room r;
  r.join(kAnn, "ann");
  r.join(kBob, "bob");
  const auto more = [&r] {
    for (int i = 0; i < 200; ++i) {
      const std::string part(4000, 'x');
      (void)r.device->send(as_bytes(part), r.now);
      r.run();
      (void)r.got(kBob);
    }
  };
  more();
  EXPECT_FALSE(r.serial.takes_device());
  r.wait(SharedSerial::kStall);
  EXPECT_TRUE(r.serial.takes_device());
  more();
  EXPECT_TRUE(r.serial.takes_device());
  EXPECT_NE(r.got(kAnn).find("are missing here"), std::string::npos);
}

TEST(SharedSerial, LetsGoOfTheMachineWhileItIsParked) {
  Room r({.name = "pc1", .always = true, .keep = 1024});
  r.serial.configure(r.options, r.now);
  r.run();
  r.join(kAnn, "ann");
  r.serial.park("is being switched off", r.now + seconds(60), r.now);
  r.run();
  r.wait(seconds(5));
  EXPECT_EQ(r.dropped, 1);
  EXPECT_EQ(r.asked, 1) << "not tried again";
  EXPECT_EQ(r.got(kAnn), "\r\n[amtgate: pc1 is being switched off]\r\n");
  r.serial.unpark(r.now);
  r.wait(milliseconds(1));
  EXPECT_EQ(r.asked, 2);
  EXPECT_TRUE(r.serial.live());
  EXPECT_EQ(r.got(kAnn), "\r\n[amtgate: pc1 is back after 0:05]\r\n");
}

TEST(SharedSerial, AMachineThatSaysNothingIsGone) {
  Room r;
  r.join(kAnn, "ann");
  r.wait(seconds(60));
  EXPECT_EQ(r.asked, 1) << "its heartbeats count";
  r.device_reads = false;
  r.device.emplace(sol::ServerRole::Options{}, r.now);  // one that is mute
  r.wait(SharedSerial::kPatience + milliseconds(1));
  EXPECT_EQ(r.got(kAnn), "\r\n[amtgate: pc1 went away: pc1 has said nothing for 20 s; it is tried again]\r\n");
}

TEST(SharedSerial, AStockClientHasASessionOfItsOwn) {
  Room r;
  r.serial.reserve(kAnn);
  r.run();
  r.serial.add_user(kAnn, std::make_unique<SolUser>(milliseconds(0), r.now), "ann", r.now);
  sol::ClientRole client({}, r.now);
  std::string heard;
  const auto exchange = [&] {
    for (bool any = true; any;) {
      any = false;
      while (!client.output().empty()) {
        any = true;
        const Buffer out(client.output().begin(), client.output().end());
        client.sent(out.size());
        r.serial.receive_user(kAnn, out, r.now);
        r.run();
      }
      while (!r.serial.user_output(kAnn).empty()) {
        any = true;
        const Buffer out(r.serial.user_output(kAnn).begin(), r.serial.user_output(kAnn).end());
        r.serial.user_sent(kAnn, out.size(), r.now);
        EXPECT_TRUE(client.receive(out, r.now));
      }
      while (auto e = client.next_event()) {
        if (const auto* got = std::get_if<sol::ClientRole::Received>(&*e)) heard += as_text(got->bytes);
      }
    }
  };
  exchange();
  EXPECT_EQ(client.send(as_bytes("ls\r")), 3u);
  exchange();
  EXPECT_EQ(r.typed, "ls\r");
  r.say("file\r\n");
  exchange();
  r.lose();
  r.wait(seconds(2));
  exchange();
  r.say("again");
  exchange();
  EXPECT_EQ(heard,
            "file\r\n\r\n[amtgate: pc1 went away: pc1 closed the connection; it is tried again]\r\n"
            "\r\n[amtgate: pc1 is back after 0:01]\r\nagain");
}

TEST(SharedSerial, TelnetUsersShareItToo) {
  Room r;
  r.serial.add_user(kAnn, std::make_unique<TelnetUser>("amtgate"), "ann", r.now);
  r.run();
  (void)r.got(kAnn);
  r.type(kAnn, std::string_view("ls\r\0", 4));
  EXPECT_EQ(r.typed, "ls\r");
  r.say("\xff");
  EXPECT_EQ(r.got(kAnn), "\xff\xff");
}

TEST(SharedSerial, GivesTheLogWhatComesAndWhatIsSaidAboutIt) {
  Room r({.name = "pc1", .always = true, .logs = true});
  r.serial.configure(r.options, r.now);
  r.run();
  r.say("boot\r\n");
  EXPECT_EQ(as_text(r.serial.take_log()), "boot\r\n");
  r.lose();
  EXPECT_NE(as_text(r.serial.take_log()).find("went away"), std::string_view::npos);
}

TEST(OutputRing, KeepsTheLastBytesAcrossItsEndAndAResize) {
  OutputRing ring(10);
  const auto all = [&ring] {
    std::string out;
    for (std::uint64_t at = ring.begin(); at < ring.end();) {
      const Bytes part = ring.view(at);
      out += as_text(part);
      at += part.size();
    }
    return out;
  };
  for (const char* part : {"abc", "defg", "hijkl", "mn"}) ring.append(as_bytes(part));
  EXPECT_EQ(all(), "efghijklmn");
  EXPECT_EQ(ring.end(), 14u);
  ring.resize(6);
  EXPECT_EQ(all(), "ijklmn");
  ring.append(as_bytes("op"));
  EXPECT_EQ(all(), "klmnop");
  ring.resize(20);
  ring.append(as_bytes("qrstuvwxyz"));
  EXPECT_EQ(all(), "klmnopqrstuvwxyz");
  ring.trim(3);
  EXPECT_EQ(all(), "xyz");
  ring.trim(0);
  EXPECT_EQ(all(), "");
  ring.append(as_bytes("0123456789012345678901234"));
  EXPECT_EQ(all(), "56789012345678901234");
  EXPECT_EQ(ring.end(), 26u + 25u);
}

}  // namespace
}  // namespace amtgate::session
