#include <gtest/gtest.h>

#include <algorithm>

#include "amtgate/base/hex.h"
#include "amtgate/ider/client_role.h"
#include "amtgate/ider/host_role.h"
#include "tests/ider/memory_source.h"
#include "tests/support/feed.h"
#include "tests/support/pump.h"

namespace amtgate::ider {
namespace {

using test::hex;

const TimePoint kStart{};

std::string word(const ClientRole::Event& e) {
  if (const auto* o = std::get_if<ClientRole::Opened>(&e)) return "opened:" + std::to_string(o->read_buffer);
  if (const auto* n = std::get_if<ClientRole::Enabled>(&e)) return n->accepted ? "enabled" : "enable-refused";
  if (std::holds_alternative<ClientRole::HostReset>(e)) return "reset";
  if (const auto* d = std::get_if<ClientRole::DeviceReported>(&e)) return "device-error:" + std::to_string(d->code);
  if (const auto* m = std::get_if<ClientRole::MediumFailed>(&e)) return "medium-failed:" + m->error.detail;
  if (const auto* t = std::get_if<ClientRole::Tray>(&e)) return t->out ? "tray-out" : "tray-in";
  return "ended";
}
std::string word(const HostRole::Event& e) {
  if (std::holds_alternative<HostRole::Opened>(e)) return "opened";
  if (const auto* f = std::get_if<HostRole::FeaturesSet>(&e)) {
    return "features:" + std::to_string(f->value) + (f->enabled ? ":enabled" : "");
  }
  if (const auto* d = std::get_if<HostRole::CommandDone>(&e)) {
    const char* status = d->status == HostRole::Status::Good    ? "good"
                         : d->status == HostRole::Status::Check ? "check"
                                                                : "aborted";
    std::string out = "done:" + std::to_string(d->id) + ":" + status;
    if (d->status == HostRole::Status::Check)
      out += ":" + to_hex(std::array{d->sense.key, d->sense.asc, d->sense.ascq});
    return out + ":" + std::to_string(d->data.size());
  }
  if (std::holds_alternative<HostRole::ResetAnswered>(e)) return "reset-answered";
  if (std::holds_alternative<HostRole::PingAnswered>(e)) return "ping-answered";
  if (std::holds_alternative<HostRole::CloseRequested>(e)) return "close-requested";
  return "ended";
}
template <class M>
std::string words(M& m) {
  std::string out;
  for (const auto& e : test::events(m)) out += (out.empty() ? "" : " ") + word(e);
  return out;
}
template <class M>
std::string sent(M& m) {
  std::string out;
  for (const Buffer& b : test::sent_messages(m)) out += (out.empty() ? "" : " ") + to_hex(b);
  return out;
}

Cdb read_10(std::uint32_t lba, std::uint16_t count) {
  return {0x28,
          0,
          static_cast<std::uint8_t>(lba >> 24),
          static_cast<std::uint8_t>(lba >> 16),
          static_cast<std::uint8_t>(lba >> 8),
          static_cast<std::uint8_t>(lba),
          0,
          static_cast<std::uint8_t>(count >> 8),
          static_cast<std::uint8_t>(count),
          0,
          0,
          0};
}

/// An image server joined to a host.
struct Pair {
  explicit Pair(HostRole::Options h = strict(), std::size_t chunk_size = 1U << 20)
      : client({.cd = &iso, .floppy = &floppy}, kStart), host(h, kStart), chunk(chunk_size) {}
  static HostRole::Options strict() {
    HostRole::Options o;
    o.check_sequence = true;
    return o;
  }
  void run() {
    for (const Error& e : test::pump(host, client, kStart, chunk)) errors += e.detail + ";";
  }
  /// Runs one command and returns its result.
  HostRole::CommandDone command(Drive drive, const Cdb& cdb, std::size_t limit, Buffer write = {}) {
    const auto id = host.submit(drive, cdb, limit, kStart, std::move(write));
    EXPECT_TRUE(id);
    run();
    for (auto& e : test::events(host)) {
      if (auto* d = std::get_if<HostRole::CommandDone>(&e)) return std::move(*d);
    }
    ADD_FAILURE() << "no result";
    return {};
  }

  test::MemorySource iso{2048, 300};
  test::MemorySource floppy{512, 2880};
  ClientRole client;
  HostRole host;
  std::size_t chunk;
  std::string errors;
};

TEST(IderRoles, ServeAWholeImage) {
  for (const std::size_t chunk : {std::size_t{11}, std::size_t{1} << 20}) {
    Pair p(Pair::strict(), chunk);
    p.run();
    EXPECT_EQ(words(p.client), "opened:8192 enabled");
    EXPECT_EQ(words(p.host), "opened features:25:enabled");
    EXPECT_EQ(p.command(Drive::Cd, {0x00}, 0).sense, sense::kMediumChanged);
    EXPECT_EQ(p.command(Drive::Cd, {0x00}, 0).status, HostRole::Status::Good);
    Buffer all;
    for (std::uint32_t lba = 0; lba < 300; lba += 30)
      append(all, p.command(Drive::Cd, read_10(lba, 30), 30 * 2048).data);
    EXPECT_TRUE(all == p.iso.image());
    Buffer disk;
    for (std::uint32_t lba = 0; lba < 2880; lba += 96)
      append(disk, p.command(Drive::Floppy, read_10(lba, 96), 96 * 512).data);
    EXPECT_TRUE(disk == p.floppy.image());
    EXPECT_EQ(p.command(Drive::Cd, read_10(299, 2), 4096).sense, sense::kOutOfRange);
    EXPECT_EQ(p.client.stats().data_bytes, p.iso.image().size() + p.floppy.image().size());
    EXPECT_EQ(p.client.stats().checks, 2u);
    p.client.end(kStart);
    p.run();
    EXPECT_EQ(words(p.client), "ended");
    EXPECT_EQ(words(p.host), "close-requested ended");
    EXPECT_EQ(p.errors, "");
    EXPECT_FALSE(p.client.deadline());
    EXPECT_FALSE(p.host.deadline());
  }
}

TEST(IderRoles, KeepOneBlockInFlight) {
  Pair p;
  p.run();
  ASSERT_TRUE(p.host.submit(Drive::Cd, read_10(0, 300), 300 * 2048, kStart));
  const Buffer command(p.host.output().begin(), p.host.output().end());
  EXPECT_TRUE(p.client.receive(command, kStart));
  EXPECT_EQ(p.iso.reads, 1u);
  EXPECT_EQ(p.client.output().size(), kDataToHostHeader + 8192);
  p.client.sent(100);
  EXPECT_EQ(p.iso.reads, 1u);
  p.client.sent(kDataToHostHeader + 8192 - 100);
  EXPECT_EQ(p.iso.reads, 2u);
}

TEST(IderRoles, HonourTheReadBuffer) {
  HostRole::Options o = Pair::strict();
  o.open.read_buffer = 5000;  // two blocks of a CD, nine of a floppy
  Pair p(o);
  p.run();
  EXPECT_EQ(p.command(Drive::Cd, read_10(0, 5), 5 * 2048).data.size(), 5u * 2048);
  EXPECT_EQ(p.iso.reads, 3u);
  EXPECT_EQ(p.command(Drive::Floppy, read_10(0, 19), 19 * 512).data.size(), 19u * 512);
  EXPECT_EQ(p.floppy.reads, 3u);
  EXPECT_EQ(p.errors, "");
}

TEST(IderRoles, RunCommandsInOrder) {
  Pair p;
  p.run();
  words(p.host);
  for (std::uint16_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(p.host.submit(i % 2 ? Drive::Cd : Drive::Floppy, read_10(i, 1), 2048, kStart));
  }
  EXPECT_EQ(p.host.pending(), 5u);
  p.run();
  EXPECT_EQ(words(p.host), "done:1:good:512 done:2:good:2048 done:3:good:512 done:4:good:2048 done:5:good:512");
  for (std::size_t i = 0; i <= kMaxSubmitted; ++i) EXPECT_TRUE(p.host.submit(Drive::Cd, {0x00}, 0, kStart));
  EXPECT_FALSE(p.host.submit(Drive::Cd, {0x00}, 0, kStart));
}

TEST(IderRoles, EndAReadThatFails) {
  Pair p;
  p.iso.broken_at = 6;
  p.run();
  const auto r = p.command(Drive::Cd, read_10(0, 20), 20 * 2048);
  EXPECT_EQ(r.status, HostRole::Status::Check);
  EXPECT_EQ(r.sense, sense::kReadError);
  EXPECT_EQ(r.data.size(), 8192u);
  const auto s = p.command(Drive::Cd, {0x03, 0, 0, 0, 18}, 18);
  ASSERT_EQ(s.data.size(), 18u);
  EXPECT_EQ(s.data[2], 3);
  EXPECT_EQ(s.data[12], 0x11);
}

TEST(IderRoles, WaitForBlocksThatAreOnTheirWay) {
  Pair p;
  p.run();
  p.iso.late_at = 6;
  ASSERT_TRUE(p.host.submit(Drive::Cd, read_10(0, 12), 12 * 2048, kStart));
  p.run();
  EXPECT_EQ(words(p.host), "opened features:25:enabled") << "the answer is not complete";
  EXPECT_TRUE(p.client.output().empty());
  p.client.resume();
  p.run();
  EXPECT_EQ(p.client.stats().data_bytes, 8192u) << "still not there";
  p.iso.late_at.reset();
  p.client.resume();
  p.run();
  const auto events = test::events(p.host);
  ASSERT_EQ(events.size(), 1u);
  const auto* done = std::get_if<HostRole::CommandDone>(&events[0]);
  ASSERT_TRUE(done);
  EXPECT_TRUE(std::ranges::equal(done->data, Bytes(p.iso.image()).first(12 * 2048)));
  EXPECT_EQ(p.errors, "");
}

TEST(IderRoles, ResetInTheMiddleOfARead) {
  Pair p;
  p.run();
  words(p.host);
  words(p.client);
  EXPECT_TRUE(p.host.submit(Drive::Cd, read_10(0, 300), 300 * 2048, kStart));
  EXPECT_TRUE(p.host.submit(Drive::Cd, {0x25}, 8, kStart));
  // The client is in the middle of a block when the reset comes.
  Buffer command(p.host.output().begin(), p.host.output().end());
  p.host.sent(command.size());
  EXPECT_TRUE(p.client.receive(command, kStart));
  p.host.reset(3, kStart);
  EXPECT_FALSE(p.host.submit(Drive::Cd, {0x00}, 0, kStart) == std::nullopt);
  p.run();
  EXPECT_EQ(p.errors, "");
  EXPECT_EQ(words(p.client), "reset");
  EXPECT_EQ(words(p.host), "done:1:aborted:0 done:2:aborted:0 reset-answered done:3:check:062800:0");
  EXPECT_EQ(p.iso.reads, 1u);
  p.host.ping();
  p.run();
  EXPECT_EQ(words(p.host), "ping-answered");
}

TEST(IderRoles, ChangeTheMedium) {
  Pair p;
  p.run();
  EXPECT_TRUE(p.host.submit(Drive::Cd, read_10(0, 300), 300 * 2048, kStart));
  const Buffer command(p.host.output().begin(), p.host.output().end());
  p.host.sent(command.size());
  EXPECT_TRUE(p.client.receive(command, kStart));
  words(p.host);
  p.client.insert(Drive::Cd, nullptr);
  p.run();
  EXPECT_EQ(words(p.host), "done:1:check:023a00:8192");
  EXPECT_EQ(p.command(Drive::Cd, {0x25}, 8).sense, sense::kNoMedium);
  test::MemorySource other(2048, 5);
  p.client.insert(Drive::Cd, &other);
  EXPECT_EQ(p.command(Drive::Cd, {0x00}, 8).sense, sense::kMediumChanged);
  EXPECT_EQ(to_hex(p.command(Drive::Cd, {0x25}, 8).data), "0000000400000800");
}

// --- the image server against a device's bytes ---------------------------------------------------------------

constexpr const char* kOpenReply = "41000000 00000000 01000f00 00000000 00200020 00000000 00 57010000 00";
constexpr const char* kEnabled = "49000000 01000000 03 01000000";

struct Server {
  Server() : m({.cd = &iso, .floppy = nullptr}, kStart) {}
  test::MemorySource iso{2048, 64};
  ClientRole m;
};

Cdb write_10(std::uint32_t lba, std::uint16_t count, std::uint8_t op = 0x2a) {
  Cdb cdb = read_10(lba, count);
  cdb[0] = op;
  return cdb;
}

Buffer pattern(std::size_t n, unsigned seed) {
  Buffer out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>(i * 31 + i / 509 + seed);
  return out;
}

TEST(IderRoles, WriteAFloppy) {
  for (const std::size_t chunk : {std::size_t{13}, std::size_t{1} << 20}) {
    for (const std::uint16_t buffer : {std::uint16_t{0}, std::uint16_t{700}, std::uint16_t{8192}}) {
      HostRole::Options o = Pair::strict();
      o.open.write_buffer = buffer;
      if (buffer == 0) o.open.write_buffer = 100;  // less than a block: it comes in pieces
      Pair p(o, chunk);
      p.floppy.can_write = true;
      p.run();
      const Buffer many = pattern(64 * 512, 1), few = pattern(3 * 512, 2);
      EXPECT_EQ(p.command(Drive::Floppy, write_10(100, 64), 0, many).status, HostRole::Status::Good);
      EXPECT_EQ(p.command(Drive::Floppy, write_10(2877, 3, 0x2e), 0, few).status, HostRole::Status::Good);
      EXPECT_TRUE(p.command(Drive::Floppy, read_10(100, 64), 64 * 512).data == many);
      EXPECT_TRUE(p.command(Drive::Floppy, read_10(2877, 3), 3 * 512).data == few);
      EXPECT_EQ(p.client.stats().written_bytes, many.size() + few.size());
      EXPECT_EQ(p.command(Drive::Floppy, write_10(2879, 2), 0, few).sense, sense::kOutOfRange);
      EXPECT_EQ(p.errors, "");
      EXPECT_FALSE(p.client.output().size());
    }
  }
}

TEST(IderRoles, AWriteThatFailsEndsWithSense) {
  Pair p;
  p.run();
  (void)words(p.client);
  EXPECT_EQ(p.command(Drive::Floppy, write_10(0, 1), 0, pattern(512, 0)).sense, sense::kWriteProtected);
  p.floppy.can_write = true;
  p.floppy.broken_at = 10;
  EXPECT_EQ(p.command(Drive::Floppy, write_10(0, 40), 0, pattern(40 * 512, 0)).sense, sense::kWriteError);
  EXPECT_EQ(p.command(Drive::Floppy, write_10(0, 40), 0, pattern(40 * 512, 0)).sense, sense::kWriteError);
  EXPECT_EQ(words(p.client), "medium-failed:broken") << "once";
  p.floppy.broken_at.reset();
  p.floppy.forgetful = true;
  EXPECT_EQ(p.command(Drive::Floppy, write_10(0, 2, 0x2e), 0, pattern(1024, 0)).sense, sense::kMiscompare);
  // A host that has less than it said.
  p.floppy.forgetful = false;
  (void)words(p.host);
  ASSERT_TRUE(p.host.submit(Drive::Floppy, write_10(0, 2), 0, kStart, pattern(512, 0)));
  p.run();
  EXPECT_EQ(words(p.host), "");
  EXPECT_TRUE(p.client.tick(kStart + milliseconds(10001)));
  p.run();
  EXPECT_EQ(words(p.host), "done:5:check:0b4b00:0");
  EXPECT_EQ(p.errors, "");
}

TEST(IderRoles, ResetInTheMiddleOfAWrite) {
  Pair p;
  p.floppy.can_write = true;
  p.run();
  (void)words(p.client);
  (void)words(p.host);
  ASSERT_TRUE(p.host.submit(Drive::Floppy, write_10(0, 64), 0, kStart, pattern(64 * 512, 3)));
  // The command, its question, the first block of its data; then the machine resets its bus.
  const auto step = [](auto& from, auto& to) {
    const Buffer b(from.output().begin(), from.output().end());
    from.sent(b.size());
    EXPECT_TRUE(to.receive(b, kStart));
  };
  step(p.host, p.client);
  step(p.client, p.host);
  step(p.host, p.client);
  EXPECT_EQ(p.client.stats().written_bytes, 8192u);
  p.host.reset(1, kStart);
  p.run();
  EXPECT_EQ(words(p.client), "reset");
  EXPECT_EQ(words(p.host), "done:1:aborted:0 reset-answered");
  EXPECT_EQ(p.command(Drive::Floppy, write_10(0, 64), 0, pattern(64 * 512, 4)).status, HostRole::Status::Good);
  EXPECT_TRUE(p.command(Drive::Floppy, read_10(0, 64), 64 * 512).data == pattern(64 * 512, 4));
  EXPECT_EQ(p.errors, "");
}

TEST(IderRoles, GatherAWholeRead) {
  test::MemorySource iso(2048, 300);
  ClientRole client({.cd = &iso, .gather = true}, kStart);
  HostRole host(Pair::strict(), kStart);
  EXPECT_TRUE(test::pump(host, client, kStart).empty());
  ASSERT_TRUE(host.submit(Drive::Cd, read_10(0, 32), 65536, kStart));
  const Buffer command(host.output().begin(), host.output().end());
  host.sent(command.size());
  EXPECT_TRUE(client.receive(command, kStart));
  EXPECT_EQ(client.output().size(), 8 * (8192U + kDataToHostHeader));
  EXPECT_TRUE(test::pump(host, client, kStart, 1000).empty());
  Buffer got;
  for (auto& e : test::events(host)) {
    if (auto* d = std::get_if<HostRole::CommandDone>(&e)) got = std::move(d->data);
  }
  EXPECT_TRUE(std::equal(got.begin(), got.end(), iso.image().begin(), iso.image().begin() + 65536));
  // A longer one does not come all at once.
  ASSERT_TRUE(host.submit(Drive::Cd, read_10(0, 300), 300 * 2048, kStart));
  const Buffer longer(host.output().begin(), host.output().end());
  host.sent(longer.size());
  EXPECT_TRUE(client.receive(longer, kStart));
  EXPECT_LE(client.output().size(), kAhead + 8192 + kDataToHostHeader);
  EXPECT_TRUE(test::pump(host, client, kStart, 70000).empty());
  EXPECT_EQ(client.stats().data_bytes, 65536U + 300 * 2048);
}

TEST(IderRoles, GatheredReadsFailWhereTheImageDoes) {
  test::MemorySource iso(2048, 300);
  iso.broken_at = 18;
  ClientRole client({.cd = &iso, .gather = true}, kStart);
  HostRole host(Pair::strict(), kStart);
  EXPECT_TRUE(test::pump(host, client, kStart).empty());
  (void)words(host);
  ASSERT_TRUE(host.submit(Drive::Cd, read_10(0, 32), 65536, kStart));
  EXPECT_TRUE(test::pump(host, client, kStart).empty());
  EXPECT_EQ(words(host), "done:1:check:031100:32768") << "four messages of four blocks came before";
  // The same with blocks that are on their way.
  iso.broken_at.reset();
  iso.late_at = 18;
  ASSERT_TRUE(host.submit(Drive::Cd, read_10(0, 32), 65536, kStart));
  EXPECT_TRUE(test::pump(host, client, kStart).empty());
  EXPECT_EQ(client.stats().data_bytes, 2 * 32768u);
  iso.late_at.reset();
  client.resume();
  EXPECT_TRUE(test::pump(host, client, kStart).empty());
  EXPECT_EQ(words(host), "done:2:good:65536");
}

/// A server that reads ahead, joined to a host.
struct AheadPair {
  explicit AheadPair(std::uint32_t blocks = 300) : iso(2048, blocks) {
    iso.can_peek = floppy.can_peek = floppy.can_write = true;
    EXPECT_TRUE(test::pump(host, client, kStart).empty());
    (void)words(host);
  }
  /// One command at a time, as real machines send them, and time for the server to read ahead behind it.
  Buffer command(const Cdb& cdb, std::size_t limit, Drive drive = Drive::Cd, Buffer write = {}) {
    EXPECT_TRUE(host.submit(drive, cdb, limit, kStart, std::move(write)));
    EXPECT_TRUE(test::pump(host, client, now).empty());
    client.prepare(now);
    for (auto& e : test::events(host)) {
      if (auto* d = std::get_if<HostRole::CommandDone>(&e)) {
        EXPECT_EQ(d->status, HostRole::Status::Good);
        return std::move(d->data);
      }
    }
    ADD_FAILURE() << "no result";
    return {};
  }
  Buffer read(std::uint32_t lba, std::uint16_t count, Drive drive = Drive::Cd) {
    return command(read_10(lba, count), std::size_t{count} * 2048, drive);
  }
  Buffer of_iso(std::uint32_t lba, std::uint32_t count) const {
    return Buffer(iso.image().begin() + lba * 2048, iso.image().begin() + (lba + count) * 2048);
  }

  test::MemorySource iso;
  test::MemorySource floppy{512, 2880};
  ClientRole client{{.cd = &iso, .floppy = &floppy, .gather = true}, kStart};
  HostRole host{Pair::strict(), kStart};
  TimePoint now = kStart;
};

TEST(IderReadAhead, BeginsWithTheSecondReadOfASequence) {
  AheadPair p;
  EXPECT_EQ(p.read(0, 32), p.of_iso(0, 32));
  EXPECT_EQ(p.iso.peeks, 0u);
  EXPECT_EQ(p.read(32, 32), p.of_iso(32, 32));
  EXPECT_EQ(p.iso.peeks, 1u);
  const unsigned reads = p.iso.reads;
  for (std::uint32_t lba = 64; lba + 32 <= 300; lba += 32) EXPECT_EQ(p.read(lba, 32), p.of_iso(lba, 32)) << lba;
  EXPECT_EQ(p.iso.reads, reads) << "all of it had been read ahead";
  EXPECT_EQ(p.iso.confirms, 7u);
  EXPECT_EQ(p.iso.peeks, 7u) << "nothing is ahead of the last 12 blocks";
  EXPECT_EQ(p.client.stats().data_bytes, 9u * 65536);
}

TEST(IderReadAhead, LeavesRandomReadsAlone) {
  AheadPair p;
  for (const std::uint32_t lba : {7u, 150u, 3u, 90u, 4u, 5u, 200u}) EXPECT_EQ(p.read(lba, 1), p.of_iso(lba, 1));
  EXPECT_EQ(p.iso.peeks, 1u) << "behind 4 and 5, which were one after the other";
  EXPECT_EQ(p.iso.confirms, 0u) << "200 was not it";
  // A sequence of other lengths is none, nor is one on the other drive.
  p.iso.peeks = 0;
  p.read(0, 4);
  p.read(4, 8);
  p.read(12, 16);
  p.command(read_10(28, 4), 2048, Drive::Floppy);
  EXPECT_EQ(p.iso.peeks + p.floppy.peeks, 0u);
}

TEST(IderReadAhead, KeepsNoMoreThanWhatWaitsToBeSent) {
  AheadPair p(3000);
  for (const std::uint32_t lba : {0u, 200u, 400u, 600u}) EXPECT_EQ(p.read(lba, 200), p.of_iso(lba, 200));
  EXPECT_EQ(p.iso.confirms, 2u) << "the beginning of each";
  EXPECT_TRUE(p.client.output().empty()) << "what is read ahead is not sent";
}

TEST(IderReadAhead, WhatHasChangedIsReadAgain) {
  AheadPair p;
  p.read(0, 32);
  p.read(32, 32);
  p.iso.change();
  EXPECT_EQ(p.read(64, 32), p.of_iso(64, 32));
  p.iso.broken_at = 100;
  ASSERT_TRUE(p.host.submit(Drive::Cd, read_10(96, 32), 65536, kStart));
  EXPECT_TRUE(test::pump(p.host, p.client, kStart).empty());
  EXPECT_EQ(words(p.host), "done:4:check:031100:8192");
}

TEST(IderReadAhead, IsForgottenAfterAPauseAndByWhatComesBetween) {
  const auto ahead = [](AheadPair& p) {
    p.read(0, 32);
    p.read(32, 32);
    EXPECT_EQ(p.iso.peeks, 1u);
  };
  {
    AheadPair p;
    ahead(p);
    p.now += kPreparedFor + milliseconds(1);
    p.iso.change();
    p.iso.stale = false;  // a source that does not notice
    EXPECT_EQ(p.read(64, 32), p.of_iso(64, 32));
    EXPECT_EQ(p.iso.confirms, 0u);
  }
  {
    AheadPair p;  // another medium of the same size
    ahead(p);
    test::MemorySource other(2048, 300);
    other.change();
    p.client.insert(Drive::Cd, &other);
    ASSERT_TRUE(p.host.submit(Drive::Cd, {}, 0, kStart));
    EXPECT_TRUE(test::pump(p.host, p.client, kStart).empty());
    (void)words(p.host);
    EXPECT_EQ(p.read(64, 32), Buffer(other.image().begin() + 64 * 2048, other.image().begin() + 96 * 2048));
    EXPECT_EQ(p.iso.confirms, 0u);
    p.client.insert(Drive::Cd, nullptr);
  }
  {
    AheadPair p;  // our own heartbeat lies where the blocks were
    ahead(p);
    ASSERT_TRUE(p.client.tick(kStart + seconds(15)));
    EXPECT_TRUE(test::pump(p.host, p.client, kStart).empty());
    EXPECT_EQ(p.read(64, 32), p.of_iso(64, 32));
    EXPECT_EQ(p.iso.confirms, 0u);
  }
  {
    AheadPair p;  // a command between
    ahead(p);
    ASSERT_EQ(p.command({0x25}, 8).size(), 8u);
    EXPECT_EQ(p.read(64, 32), p.of_iso(64, 32));
    EXPECT_EQ(p.read(96, 32), p.of_iso(96, 32));
  }
}

TEST(IderReadAhead, SeesWhatTheMachineHasWritten) {
  AheadPair p;
  const auto floppy = [&](std::uint32_t lba) { return p.command(read_10(lba, 4), 2048, Drive::Floppy); };
  floppy(0);
  floppy(4);
  EXPECT_EQ(p.floppy.peeks, 1u);
  Cdb write = read_10(8, 4);
  write[0] = 0x2a;
  const Buffer bytes(2048, 0xa5);
  p.command(write, 0, Drive::Floppy, bytes);
  EXPECT_EQ(p.floppy.writes, 1u);
  EXPECT_EQ(floppy(8), bytes);
}

TEST(BatchOutbox, GivesRunsOfEqualMessages) {
  BatchOutbox out;
  for (const std::size_t n : {5U, 5U, 3U, 5U, 7U}) out.push(Buffer(n, static_cast<std::uint8_t>(n)));
  std::size_t length = 0;
  EXPECT_EQ(out.run(length).size(), 13u);
  EXPECT_EQ(length, 5u);
  EXPECT_EQ(out.first().size(), 5u);
  out.sent(2);  // an edge that could write a part of one goes on with the rest of it
  EXPECT_EQ(out.run(length).size(), 3u);
  EXPECT_EQ(length, 3u);
  out.sent(8);
  EXPECT_EQ(out.run(length).size(), 3u);
  out.sent(3);
  EXPECT_EQ(out.run(length).size(), 5u);
  EXPECT_EQ(out.all().size(), 12u);
  // Room is made from what was sent.
  out.push(Buffer(100, 9));
  EXPECT_EQ(out.size(), 112u);
  EXPECT_EQ(out.all()[12], 9);
  out.sent(112);
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(out.run(length).empty());
}

TEST(IderRoles, TellOfTraysAndOfLongTables) {
  Pair p;
  p.run();
  (void)words(p.client);
  EXPECT_EQ(p.command(Drive::Cd, {0x1b, 0, 0, 0, 2}, 0).status, HostRole::Status::Good);
  EXPECT_EQ(p.command(Drive::Cd, read_10(0, 1), 2048).sense, sense::kNoMedium);
  EXPECT_EQ(p.command(Drive::Cd, {0x1b, 0, 0, 0, 3}, 0).status, HostRole::Status::Good);
  EXPECT_EQ(words(p.client), "tray-out tray-in");
}

TEST(IderClientRole, SendsWhatMeshSends) {
  Server s;
  EXPECT_EQ(sent(s.m), to_hex(hex("40000000 00000000 3075 0000 204e 01000000")));
  EXPECT_TRUE(s.m.receive(hex(kOpenReply), kStart));
  EXPECT_EQ(sent(s.m), to_hex(hex("48000000 01000000 03 19000000")));
  EXPECT_TRUE(s.m.receive(hex(kEnabled), kStart));
  // READ CAPACITY of a CD with 64 blocks. Device B0 instead of Mesh's raw 10, otherwise its bytes.
  EXPECT_TRUE(s.m.receive(hex("50000000 02000000 0000 0000 0080 10a0 250000000000000000000000"), kStart));
  EXPECT_EQ(sent(s.m), to_hex(hex("54000002 02000000 00080000 b50002000800b058 850003000000b050 000000000000"
                                  "0000003f00000800")));
  // An unknown command, and one for the drive that is not there.
  EXPECT_TRUE(s.m.receive(hex("50000000 03000000 0001 0000 0000 10a0 be0000000000000000000000"), kStart));
  EXPECT_EQ(sent(s.m), to_hex(hex("51000002 03000000 000000000000000000000000 87500300 0000b051 052000")));
  EXPECT_TRUE(s.m.receive(hex("50000000 04000000 0001 0000 0000 00a0 000000000000000000000000"), kStart));
  EXPECT_EQ(sent(s.m), to_hex(hex("51000002 04000000 000000000000000000000000 87200300 0000a051 023a00")));
  EXPECT_TRUE(s.m.receive(hex("50000000 05000000 0001 0000 0000 10a0 1e0000000100000000000000"), kStart));
  EXPECT_EQ(sent(s.m), to_hex(hex("51000002 05000000 000000000000000000000000 c5000300 0000b050 000000")));
  EXPECT_TRUE(s.m.receive(hex("44000000 06000000 4b000000 07000000 4a000000 08000000 260000"), kStart));
  EXPECT_EQ(sent(s.m), "4500000006000000");
  EXPECT_TRUE(s.m.receive(hex("46000000 09000000 03"), kStart));
  EXPECT_EQ(sent(s.m), "4700000007000000");
  EXPECT_EQ(*s.m.deadline(), kStart + seconds(15));
  EXPECT_TRUE(s.m.tick(kStart + seconds(15)));
  EXPECT_EQ(sent(s.m), "4b00000008000000");
  EXPECT_EQ(words(s.m), "opened:8192 enabled device-error:38 reset");
  EXPECT_TRUE(s.m.receive(hex("43000000 0a000000"), kStart));
  EXPECT_EQ(words(s.m), "ended");
}

TEST(IderClientRole, QueuesReadsBounded) {
  Server s;
  sent(s.m);
  EXPECT_TRUE(s.m.receive(hex(kOpenReply), kStart));
  EXPECT_TRUE(s.m.receive(hex(kEnabled), kStart));
  Result<void> r;
  unsigned taken = 0;
  for (unsigned i = 2; i < 100; ++i) {
    Buffer c = hex("50000000 00000000 0001 0000 0080 10a0 280000000000000001000000");
    c[4] = static_cast<std::uint8_t>(i);
    r = s.m.receive(c, kStart);
    if (!r) break;
    ++taken;
  }
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::TooLarge);
  EXPECT_EQ(taken, kMaxQueued);
}

TEST(IderClientRole, UnderstandsDevices) {
  struct Row {
    const char* name;
    std::string device;
    const char* want;
  };
  const std::string open = to_hex(hex(kOpenReply)), enabled = to_hex(hex(kEnabled));
  const Row rows[] = {
      {"good", open + enabled, "opened:8192 enabled"},
      {"oem_data", open.substr(0, 58) + "02aabb" + enabled, "opened:8192 enabled"},
      {"enable_refused", open + "49000000010000000300000000", "opened:8192 enable-refused"},
      {"refused", "4105" + open.substr(4), "error:refused"},
      {"protocol_1", to_hex(hex("41000000 00000000 01000f00 00000000 00200020 00010000 00 57010000 00")),
       "error:unsupported"},
      {"no_read_buffer", to_hex(hex("41000000 00000000 01000f00 00000000 00000020 00000000 00 57010000 00")),
       "error:unsupported"},
      {"sequence", open + "4b00000002000000", "opened:8192 error:bad_value"},
      {"second_open", open + "4100000001" + open.substr(10), "opened:8192 error:bad_value"},
      {"command_first", to_hex(hex("50000000 00000000 0001 0000 0000 10a0 be0000000000000000000000")),
       "error:bad_value"},
      {"unknown", open + "ff", "opened:8192 error:unsupported"},
      {"data_from_host", open + "53000000010000000003000000000102 03", "opened:8192"},
      {"device_ends", open + "4300000001000000", "opened:8192 ended"},
  };
  for (const Row& row : rows) {
    test::feed_all_ways(hex(row.device), [&](const std::vector<Bytes>& chunks) {
      Server s;
      std::string error;
      for (const Bytes chunk : chunks) {
        if (const auto r = s.m.receive(chunk, kStart); !r) error = " error:" + std::string(name(r.error().code));
      }
      std::string got = words(s.m) + error;
      if (got.starts_with(' ')) got.erase(0, 1);
      EXPECT_EQ(got, row.want) << row.name;
      return got + sent(s.m);
    });
  }
}

TEST(IderClientRole, GivesUpInTime) {
  Server opening;
  EXPECT_EQ(opening.m.tick(kStart + seconds(10)).error().code, Errc::Timeout);
  Server enabling;
  EXPECT_TRUE(enabling.m.receive(hex(kOpenReply), kStart + seconds(1)));
  EXPECT_EQ(enabling.m.tick(kStart + seconds(11)).error().code, Errc::Timeout);
  Server silent;
  EXPECT_TRUE(silent.m.receive(hex(kOpenReply), kStart));
  EXPECT_TRUE(silent.m.receive(hex(kEnabled), kStart));
  EXPECT_EQ(silent.m.tick(kStart + seconds(60)).error().code, Errc::Timeout);
  Server ending;
  EXPECT_TRUE(ending.m.receive(hex(kOpenReply), kStart));
  ending.m.end(kStart);
  sent(ending.m);
  EXPECT_TRUE(ending.m.tick(kStart + seconds(2)));
  EXPECT_EQ(sent(ending.m), "12000000");
  EXPECT_EQ(words(ending.m), "opened:8192 ended");
}

TEST(IderClientRole, BoundsPings) {
  Server s;
  EXPECT_TRUE(s.m.receive(hex(kOpenReply), kStart));
  Result<void> r;
  for (std::uint32_t i = 1; i < 100000 && r; ++i) {
    Buffer ping;
    encode(ping, DeviceMessage{Ping{i}});
    r = s.m.receive(ping, kStart);
  }
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::TooLarge);
}

// --- the host against a client's bytes -------------------------------------------------------------------------

TEST(IderHostRole, TakesAmtider) {
  HostRole m({}, kStart);
  EXPECT_TRUE(m.receive(hex("40640010 27881301 0000 0000 0000 00000000"), kStart));
  EXPECT_EQ(sent(m), to_hex(hex("41000000 00000000 01000000 00000000 00200020 00000000 00 57010000 00")));
  EXPECT_FALSE(m.deadline());  // its time-outs read as zero
  EXPECT_TRUE(m.receive(hex("48000000 05000000 03 09000000"), kStart));
  EXPECT_EQ(sent(m), to_hex(hex(kEnabled)));
  m.ping();
  EXPECT_EQ(sent(m), "4400000002000000");
  EXPECT_TRUE(m.receive(hex("44000000 02000000"), kStart));  // the echo
  EXPECT_EQ(words(m), "opened features:9:enabled ping-answered");
  EXPECT_TRUE(m.receive(hex("44000000 06000000"), kStart));  // one of the client's own
  EXPECT_EQ(sent(m), "4500000003000000");
  ASSERT_TRUE(m.submit(Drive::Cd, read_10(16, 4), 8192, kStart));
  EXPECT_EQ(sent(m), to_hex(hex("50000000 04000000 0001 0000 0020 10a0 280000000010000004000000")));
  // PIO registers with DMA's count, attributes without bit 0.
  EXPECT_TRUE(m.receive(hex("54000002 06000000 00020000 b40002000200b058 850003000000b050 000000000000 abcd"),
                        kStart + seconds(1)));
  const auto all = test::events(m);
  ASSERT_EQ(all.size(), 1u);
  const auto& done = std::get<HostRole::CommandDone>(all[0]);
  EXPECT_EQ(to_hex(done.data), "abcd");
  EXPECT_EQ(done.took, seconds(1));
}

TEST(IderHostRole, RefusesWhatNoClientMaySend) {
  struct Row {
    const char* name;
    const char* client;
    Errc code;
    bool with_command;
  };
  const Row rows[] = {
      {"features_first", "48000000 05000000 03 09000000", Errc::BadValue, false},
      {"unknown", "ff", Errc::Unsupported, false},
      {"end_without_command", "51000002 05000000 000000000000000000000000 c5000300 0000b050 000000", Errc::BadValue,
       false},
      {"data_without_command", "54000002 06000000 00020000 b40002000200b058 850003000000b050 000000000000 abcd",
       Errc::BadValue, false},
      {"too_much_data", "54000000 06000000 00050000 b40002000200b058 850003000000b050 000000000000 0102030405",
       Errc::TooLarge, true},
      {"block_over_read_buffer",
       "54000000 06000000 00090000 b40002000200b058 850003000000b050 000000000000 010203040506070809", Errc::TooLarge,
       true},
      {"reset_reply", "47000000 06000000", Errc::BadValue, false},
      {"features_type", "48000000 05000000 09 09000000", Errc::Unsupported, true},
      {"second_open", "40000000 00000000 3075 0000 204e 01000000", Errc::BadValue, true},
  };
  for (const Row& row : rows) {
    HostRole::Options o;
    o.open.read_buffer = 8;
    HostRole m(o, kStart);
    const bool first = std::string_view(row.name) == "features_first";
    if (!first) {
      EXPECT_TRUE(m.receive(hex("40000000 00000000 3075 0000 204e 01000000 48000000 01000000 03 19000000"), kStart));
    }
    if (row.with_command) {
      EXPECT_TRUE(m.submit(Drive::Cd, {0x25}, 4, kStart));
    }
    const auto r = m.receive(hex(row.client), kStart);
    ASSERT_FALSE(r) << row.name;
    EXPECT_EQ(r.error().code, row.code) << row.name << ": " << r.error().detail;
    const std::string w = words(m);
    EXPECT_EQ(w.find("aborted") != std::string::npos, row.with_command) << row.name;
    EXPECT_FALSE(m.submit(Drive::Cd, {0x25}, 4, kStart));
  }
}

TEST(IderHostRole, ChecksTheSequenceWhereTold) {
  HostRole::Options o;
  o.check_sequence = true;
  HostRole m(o, kStart);
  EXPECT_FALSE(m.receive(hex("40640010 27881301 0000 0000 0000 00000000"), kStart));
  HostRole good(o, kStart);
  EXPECT_TRUE(
      good.receive(hex("40000000 00000000 3075 0000 204e 01000000 48000000 01000000 03 19000000 12000000"), kStart));
  EXPECT_EQ(words(good), "opened features:25:enabled ended");
}

TEST(IderHostRole, GivesDataToAWrite) {
  HostRole m({}, kStart);
  EXPECT_TRUE(m.receive(hex("40000000 00000000 3075 0000 204e 01000000 48000000 01000000 03 19000000"), kStart));
  sent(m);
  words(m);
  EXPECT_TRUE(m.submit(Drive::Floppy, {0x2a, 0, 0, 0, 0, 0, 0, 0, 1}, 0, kStart, {1, 2, 3}));
  sent(m);
  EXPECT_TRUE(m.receive(hex("52000000 02000000 00 0002 00 b5000000 0002a058 0000000000000000000000"), kStart));
  EXPECT_EQ(sent(m),
            "53000000030000000003000000000102"
            "03");
  EXPECT_TRUE(m.receive(hex("51000002 05000000 000000000000000000000000 87700300 0000a051 072700"), kStart));
  EXPECT_EQ(words(m), "done:1:check:072700:0");
}

TEST(IderHostRole, KeepsItsTimes) {
  HostRole silent({}, kStart);
  EXPECT_EQ(silent.tick(kStart + seconds(15)).error().code, Errc::Timeout);
  HostRole m({}, kStart);
  EXPECT_TRUE(m.receive(hex("40000000 00000000 3075 0000 204e 01000000 48000000 01000000 03 19000000"), kStart));
  sent(m);
  EXPECT_EQ(*m.deadline(), kStart + seconds(20));
  EXPECT_TRUE(m.tick(kStart + seconds(20)));
  EXPECT_EQ(sent(m), "4b00000002000000");
  EXPECT_EQ(m.tick(kStart + seconds(30)).error().code, Errc::Timeout);
  HostRole slow({.rx_timeout = milliseconds(0)}, kStart);
  EXPECT_TRUE(slow.receive(hex("40000000 00000000 3075 0000 204e 01000000 48000000 01000000 03 19000000"), kStart));
  EXPECT_TRUE(slow.submit(Drive::Cd, {0x00}, 0, kStart));
  EXPECT_EQ(slow.tick(kStart + seconds(30)).error().code, Errc::Timeout);
  EXPECT_EQ(words(slow), "opened features:25:enabled done:1:aborted:0");
}

}  // namespace
}  // namespace amtgate::ider
