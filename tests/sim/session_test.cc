// Whole sessions in memory: the project's own clients of SOL and IDE-R against the simulated machine.
#include <gtest/gtest.h>

#include <algorithm>

#include "amtgate/ider/client_role.h"
#include "amtgate/sim/console.h"
#include "amtgate/sol/client_role.h"
#include "tests/sim/wire.h"

namespace amtgate::sim {
namespace {

using test::client_of;
using test::FixedRandom;
using test::open_session;
using test::Opening;
using test::options_of;
using test::Wire;

class MemoryImage final : public ider::BlockSource {
 public:
  MemoryImage(Bytes bytes, std::uint32_t block) : bytes_(bytes), block_(block) {}
  std::uint32_t block_size() const override { return block_; }
  ider::SectorCount blocks() const override { return {static_cast<std::uint32_t>(bytes_.size() / block_)}; }
  Result<ider::Fetch> read(ider::Lba first, MutableBytes out) override {
    const Bytes from = bytes_.subspan(std::size_t{first.value} * block_, out.size());
    std::ranges::copy(from, out.begin());
    return ider::Fetch::Done;
  }

 private:
  Bytes bytes_;
  std::uint32_t block_;
};

struct SessionTest : testing::Test {
  /// Moves bytes both ways until `done` or `patience` is over; `event` sees what the client role reports.
  template <class Role, class OnEvent, class Done>
  void pump(Wire& wire, Role& role, OnEvent event, Done done, Duration patience = seconds(60)) {
    const TimePoint end = wire.now + patience;
    while (wire.now <= end && !done()) {
      bool moved = false;
      while (!role.output().empty() && !wire.close) {
        const Buffer copy(role.output().begin(), role.output().end());
        role.sent(copy.size());
        EXPECT_TRUE(wire.connection.receive(copy, wire.now));
        wire.collect(Duration{});
        moved = true;
      }
      wire.collect(Duration{});
      if (!wire.received.empty()) {
        const Result<void> r = role.receive(wire.take(), wire.now);
        EXPECT_TRUE(r) << r.error().detail;
        if (!r) return;
        moved = true;
      }
      while (auto e = role.next_event()) event(*e);
      if (moved) continue;
      if (wire.close) return;
      std::optional<TimePoint> next = wire.connection.deadline();
      if (const auto d = role.deadline(); d && (!next || *d < *next)) next = d;
      if (!next) return;
      wire.now = std::max(wire.now, *next);
      EXPECT_TRUE(wire.connection.tick(wire.now));
      EXPECT_TRUE(role.tick(wire.now));
    }
  }

  /// A SOL client that has typed `keys` and waits for `wanted` in what is printed.
  std::string console(Wire& wire, sol::ClientRole& role, std::string_view keys, std::string_view wanted) {
    std::string text;
    std::size_t typed = 0;
    bool started = false;
    pump(
        wire, role,
        [&](const sol::ClientRole::Event& e) {
          if (std::holds_alternative<sol::ClientRole::Started>(e)) started = true;
          if (const auto* r = std::get_if<sol::ClientRole::Received>(&e)) text += as_text(r->bytes);
          if (std::holds_alternative<sol::ClientRole::Host>(e)) ++host_messages;
        },
        [&] {
          if (started || opened) {
            opened = true;
            typed += role.send(as_bytes(keys).subspan(typed));
          }
          return typed == keys.size() && text.find(wanted) != std::string::npos;
        });
    return text;
  }

  FixedRandom random;
  TimePoint now{};
  bool opened = false;
  unsigned host_messages = 0;
};

TEST_F(SessionTest, SolStreamsAndSinksWithTheRightDigest) {
  for (const UnitQueue::Shape shape : {UnitQueue::Shape::PerMessage, UnitQueue::Shape::Glued}) {
    opened = false;
    Options o = options_of("15");
    o.shape = shape;
    MachineState machine(o, random, now);
    Wire wire(machine, Door::Plain, now);
    Opening opening = open_session(wire, client_of(machine, Service::Sol), random);
    ASSERT_TRUE(opening.open);
    sol::ClientRole role({}, now);
    const std::string streamed = console(wire, role, "stream 2 raw\r", "-- stream ends");
    EXPECT_NE(streamed.find("bytes begins --"), std::string::npos);
    const std::string digest = stream_sha256(2, true);
    EXPECT_NE((streamed + console(wire, role, "", "amt> ")).find(digest), std::string::npos);
    EXPECT_EQ(host_messages, 2U) << "0x29 twice, as seen on hardware";
    host_messages = 0;

    Buffer data(1024 * 1024);
    fill_stream(data, 0, true);
    console(wire, role, "sink 1\r", "bytes now --\r\n");
    const std::string sunk = console(wire, role, as_text(data), "amt> ");
    EXPECT_NE(sunk.find("took 1048576 bytes, sha256 " + sha256_hex(data)), std::string::npos);
  }
}

TEST_F(SessionTest, SolRestsBehindMessagesAfterWhichAmttermLosesData) {
  MachineState machine(options_of("15"), random, now);
  Wire wire(machine, Door::Plain, now);
  ASSERT_TRUE(open_session(wire, client_of(machine, Service::Sol), random).open);
  sol::ClientRole role({}, now);
  const TimePoint before = now;
  console(wire, role, "", "amt> ");
  EXPECT_GE(now - before, 3 * milliseconds(50)) << "0x21, 0x29, 0x29";
  for (const Buffer& unit : wire.units) {
    if (unit[0] == 0x21) {
      EXPECT_EQ(unit.size(), 23U);
    }
    if (unit[0] == 0x29) {
      EXPECT_EQ(unit.size(), 10U);
    }
  }

  Wire tls(machine, Door::Tls, now);
  wire.connection.closed(now);
  Wire second(machine, Door::Tls, now);
  ASSERT_TRUE(open_session(second, client_of(machine, Service::Sol), random).open);
  sol::ClientRole again({}, now);
  opened = false;
  const TimePoint start = now;
  console(second, again, "", "amt> ");
  EXPECT_LT(now - start, milliseconds(50)) << "a TLS record keeps a message apart";
}

TEST_F(SessionTest, TypingRebootEndsTheSessionAndSaysSo) {
  MachineState machine(options_of("15"), random, now);
  Wire wire(machine, Door::Plain, now);
  ASSERT_TRUE(open_session(wire, client_of(machine, Service::Sol), random).open);
  sol::ClientRole role({}, now);
  console(wire, role, "reboot\r", "never printed");
  EXPECT_TRUE(wire.rebooted);
  ASSERT_TRUE(wire.close);
  EXPECT_EQ(wire.close->reason, "reboot");
  EXPECT_TRUE(machine.booting(now));
}

TEST_F(SessionTest, UnsolicitedHeartbeatsAndUnknownMessagesComeAsAsked) {
  Options o = options_of("15");
  o.heartbeat = milliseconds(100);
  o.faults = {*parse_fault("stream:unknown=29")};
  MachineState machine(o, random, now);
  Wire wire(machine, Door::Plain, now);
  ASSERT_TRUE(open_session(wire, client_of(machine, Service::Sol), random).open);
  sol::ClientRole::Options options;
  options.settings.heartbeat = 0;
  options.echo = false;
  sol::ClientRole role(options, now);
  console(wire, role, "", "amt> ");
  wire.collect(seconds(2));
  unsigned heartbeats = 0;
  for (const Buffer& unit : wire.units) heartbeats += unit[0] == 0x2b ? 1 : 0;
  EXPECT_GE(heartbeats, 15U);
  EXPECT_EQ(host_messages, 3U) << "one 0x29 more than usual";
}

TEST_F(SessionTest, ASilentSolClientIsEndedAfterTheTimeItAskedFor) {
  MachineState machine(options_of("15"), random, now);
  Wire wire(machine, Door::Plain, now);
  ASSERT_TRUE(open_session(wire, client_of(machine, Service::Sol), random).open);
  sol::ClientRole role({}, now);
  console(wire, role, "", "amt> ");
  const TimePoint before = now;
  wire.collect(seconds(20));
  EXPECT_TRUE(wire.close);
  EXPECT_GE(now - before, seconds(9));
  EXPECT_LE(now - before, seconds(11));
  EXPECT_EQ(machine.in_use(Slot::Sol), 0U);
}

TEST_F(SessionTest, IderReadsTheClientsImagesWhole) {
  Buffer cd(300 * 2048);
  Buffer floppy(1'474'560);
  fill_stream(cd, 0, true);
  fill_stream(floppy, 5, true);
  Options o = options_of("15");
  o.ider.sha256 = sha256_hex(cd);
  o.ider.sha256_floppy = sha256_hex(floppy);
  MachineState machine(o, random, now);
  Wire wire(machine, Door::Tls, now);
  ASSERT_TRUE(open_session(wire, client_of(machine, Service::Ider), random).open);
  MemoryImage cd_image(cd, 2048);
  MemoryImage floppy_image(floppy, 512);
  ider::ClientRole::Options options;
  options.cd = &cd_image;
  options.floppy = &floppy_image;
  ider::ClientRole role(options, now);
  const auto results = [&] {
    std::vector<std::string> out;
    for (const std::string& l : wire.logs) {
      if (l.find("ider.result") != std::string::npos) out.push_back(l);
    }
    return out;
  };
  pump(
      wire, role, [](const auto&) {}, [&] { return results().size() == 2; });
  ASSERT_EQ(results().size(), 2U);
  for (const std::string& r : results()) {
    EXPECT_NE(r.find(R"("match":true)"), std::string::npos) << r;
    EXPECT_NE(r.find(R"("random_reads":64,"random_wrong":0)"), std::string::npos) << r;
    EXPECT_NE(r.find(R"("errors":0)"), std::string::npos) << r;
  }
  EXPECT_NE(results()[0].find(R"("drive":"cd","ready":true,"blocks":300,"block_size":2048)"), std::string::npos);
}

}  // namespace
}  // namespace amtgate::sim
