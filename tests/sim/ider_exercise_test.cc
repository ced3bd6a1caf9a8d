#include "amtgate/sim/ider_exercise.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "amtgate/sim/console.h"

namespace amtgate::sim {
namespace {

/// A drive as an image server shows it; answers one command.
struct FakeDrive {
  Buffer image;
  std::uint32_t block = 2048;
  unsigned not_ready = 1;  // so many TEST UNIT READY answer unit attention first
  std::optional<std::uint32_t> bad_lba{};
  std::uint32_t lie_at = 0xffff'ffff;  // this LBA reads differently the second time
  unsigned lie_reads = 0;
  bool protect = false, forgetful = false;
  Buffer write{};  // what comes with the command

  struct Answer {
    Buffer data;
    Sense sense;
  };
  Answer answer(const std::array<std::uint8_t, 12>& cdb) {
    if (image.empty()) return {{}, {2, 0x3a, 0}};
    if (cdb[0] == 0x00 && not_ready > 0) {
      --not_ready;
      return {{}, {6, 0x28, 0}};
    }
    if (cdb[0] == 0x25) {
      const auto last = static_cast<std::uint32_t>(image.size() / block - 1);
      return {{std::uint8_t(last >> 24), std::uint8_t(last >> 16), std::uint8_t(last >> 8), std::uint8_t(last), 0, 0,
               std::uint8_t(block >> 8), std::uint8_t(block)},
              {}};
    }
    if (cdb[0] == 0x28) {
      const std::uint32_t lba =
          std::uint32_t(cdb[2]) << 24 | std::uint32_t(cdb[3]) << 16 | std::uint32_t(cdb[4]) << 8 | cdb[5];
      const std::uint32_t count = std::uint32_t(cdb[7]) << 8 | cdb[8];
      if ((lba + count) * std::uint64_t(block) > image.size()) return {{}, {5, 0x21, 0}};
      if (bad_lba && *bad_lba >= lba && *bad_lba < lba + count) return {{}, {3, 0x11, 0}};
      const auto at = image.begin() + std::ptrdiff_t(lba) * block;
      Buffer data(at, at + std::ptrdiff_t(count) * block);
      if (lba <= lie_at && lie_at < lba + count && lie_reads++ > 0) data[(lie_at - lba) * block] ^= 1;
      return {data, {}};
    }
    if (cdb[0] == 0xa8) {
      const std::size_t at = (std::size_t{cdb[3]} << 16 | std::size_t{cdb[4]} << 8 | cdb[5]) * block;
      return {Buffer(image.begin() + std::ptrdiff_t(at), image.begin() + std::ptrdiff_t(at + block)), {}};
    }
    if (cdb[0] == 0x1a) return {{0, 0, std::uint8_t(protect ? 0x80 : 0), 0}, {}};
    if (cdb[0] == 0x2a || cdb[0] == 0x2e || cdb[0] == 0xaa) {
      if (protect) return {{}, {7, 0x27, 0}};
      const std::size_t at = (std::size_t{cdb[3]} << 16 | std::size_t{cdb[4]} << 8 | cdb[5]) * block;
      std::copy(write.begin(), write.end(), image.begin() + std::ptrdiff_t(at));
      if (forgetful) image[at] ^= 1;
      return {{}, {}};
    }
    if (cdb[0] == 0x00 || cdb[0] == 0x12 || cdb[0] == 0x1e || cdb[0] == 0x35) return {{}, {}};
    return {{}, {5, 0x20, 0}};
  }
};

struct Outcome {
  std::vector<IderExercise::Report> reports;
  std::vector<std::string> commands;
};

Outcome run(IderExercise& exercise, FakeDrive& cd, FakeDrive& floppy, unsigned resets = 0) {
  Outcome out;
  TimePoint now{};
  for (unsigned guard = 0; guard < 100'000 && !exercise.done(); ++guard) {
    const std::optional<IderExercise::Command> c = exercise.next(now);
    if (!c) {
      if (exercise.deadline()) now = *exercise.deadline();
      continue;
    }
    out.commands.push_back(std::string(name(c->drive)) + " " + c->what);
    EXPECT_FALSE(exercise.next(now)) << "one at a time";
    if (resets > 0) {
      --resets;
      exercise.reset();
      continue;
    }
    FakeDrive& drive = c->drive == Drive::Cd ? cd : floppy;
    drive.write = c->write;
    FakeDrive::Answer a = drive.answer(c->cdb);
    if (a.data.size() > c->expect) a.data.resize(c->expect);
    now += milliseconds(1);
    for (Bytes rest = a.data; !rest.empty();) {
      const Bytes part = rest.first(std::min<std::size_t>(rest.size(), 8192));
      exercise.data(part);
      rest = rest.subspan(part.size());
    }
    exercise.finished(a.sense, now);
  }
  EXPECT_TRUE(exercise.done());
  while (const auto r = exercise.next_report()) out.reports.push_back(*r);
  return out;
}

Buffer image(std::size_t size) {
  Buffer out(size);
  fill_stream(out, 0, true);
  return out;
}

TEST(IderExercise, ReadsAWholeCdAndFloppyAndComparesThem) {
  FakeDrive cd{.image = image(1'000 * 2048)};
  FakeDrive floppy{.image = image(1'474'560), .block = 512};
  IderPlan plan;
  plan.sha256 = sha256_hex(cd.image);
  plan.sha256_floppy = sha256_hex(cd.image);  // wrong on purpose
  IderExercise exercise(plan);
  const Outcome r = run(exercise, cd, floppy);
  ASSERT_EQ(r.reports.size(), 2U);
  EXPECT_EQ(r.reports[0].drive, Drive::Cd);
  EXPECT_TRUE(r.reports[0].ready);
  EXPECT_EQ(r.reports[0].blocks, 1000U);
  EXPECT_EQ(r.reports[0].bytes, cd.image.size());
  EXPECT_EQ(r.reports[0].sha256, sha256_hex(cd.image));
  EXPECT_EQ(r.reports[0].match, true);
  EXPECT_EQ(r.reports[0].random_reads, 64U);
  EXPECT_EQ(r.reports[0].random_wrong, 0U);
  EXPECT_EQ(r.reports[0].errors, 0U);
  EXPECT_EQ(r.reports[0].p50_us, 1000U);
  EXPECT_EQ(r.reports[0].max_us, 1000U);
  EXPECT_GT(r.reports[0].mb_per_s, 1);
  EXPECT_EQ(r.reports[1].drive, Drive::Floppy);
  EXPECT_EQ(r.reports[1].block_size, 512U);
  EXPECT_EQ(r.reports[1].sha256, sha256_hex(floppy.image));
  EXPECT_EQ(r.reports[1].match, false);
  EXPECT_EQ(r.reports[1].random_wrong, 0U);
  // What a BIOS and Linux ask.
  for (const char* what :
       {"cd test unit ready", "cd inquiry", "cd read capacity", "cd read toc", "cd get configuration",
        "cd mode sense 10, capabilities", "floppy read capacity 16", "floppy mode sense 6, all pages"}) {
    EXPECT_NE(std::ranges::find(r.commands, what), r.commands.end()) << what;
  }
}

TEST(IderExercise, SaysWhenNoMediumIsThere) {
  FakeDrive cd, floppy;
  IderExercise exercise(IderPlan{});
  const Outcome r = run(exercise, cd, floppy);
  ASSERT_EQ(r.reports.size(), 2U);
  EXPECT_FALSE(r.reports[0].ready);
  EXPECT_EQ(r.reports[0].errors, 0U);
  EXPECT_EQ(r.commands.size(), 6U) << "three tries each";
}

TEST(IderExercise, AnEmptyDriveThatCallsItselfReadyIsNoError) {
  IderExercise e(IderPlan{.drives = {Drive::Floppy}});
  ASSERT_TRUE(e.next(TimePoint{}));
  e.finished({}, TimePoint{});
  ASSERT_EQ(e.next(TimePoint{})->cdb[0], 0x25);
  e.finished({2, 0x3a, 0}, TimePoint{});
  ASSERT_TRUE(e.done());
  const std::optional<IderExercise::Report> r = e.next_report();
  EXPECT_FALSE(r->ready);
  EXPECT_EQ(r->errors, 0U);
}

TEST(IderExercise, CountsWhatIsWrong) {
  FakeDrive cd{.image = image(100 * 2048)};
  FakeDrive none;
  cd.bad_lba = 50;
  IderExercise bad(IderPlan{.drives = {Drive::Cd}, .probe = false});
  const Outcome r = run(bad, cd, none);
  ASSERT_EQ(r.reports.size(), 1U);
  EXPECT_EQ(r.reports[0].errors, 1U);
  EXPECT_EQ(r.reports[0].sha256, "");
  EXPECT_EQ(r.reports[0].bytes, 32 * 2048U);

  FakeDrive liar{.image = image(4 * 2048)};
  liar.lie_at = 2;
  IderExercise compare(IderPlan{.drives = {Drive::Cd}, .probe = false, .random = 50});
  const Outcome l = run(compare, liar, none);
  EXPECT_GT(l.reports[0].random_wrong, 0U);
  EXPECT_LT(l.reports[0].random_wrong, 50U);
}

TEST(IderExercise, SendsACommandAgainAfterAReset) {
  FakeDrive cd{.image = image(100 * 2048)}, none;
  IderPlan plan{.drives = {Drive::Cd}, .random = 0, .sha256 = sha256_hex(cd.image)};
  IderExercise exercise(plan);
  const Outcome r = run(exercise, cd, none, 3);
  EXPECT_EQ(r.reports.at(0).match, true);
}

TEST(IderExercise, WritesAndReadsAgain) {
  FakeDrive cd, floppy{.image = image(1'474'560), .block = 512};
  const IderPlan plan{.drives = {Drive::Floppy}, .probe = false, .sequential = false, .random = 0, .writes = 20};
  const Buffer before = floppy.image;
  IderExercise exercise(plan);
  Outcome r = run(exercise, cd, floppy);
  EXPECT_EQ(r.reports.at(0).protected_, false);
  EXPECT_EQ(r.reports[0].writes, 20U);
  EXPECT_EQ(r.reports[0].write_wrong, 0U);
  EXPECT_EQ(r.reports[0].errors, 0U);
  EXPECT_FALSE(floppy.image == before);
  floppy.forgetful = true;
  IderExercise wrong(plan);
  EXPECT_EQ(run(wrong, cd, floppy).reports.at(0).write_wrong, 20U);
  floppy.protect = true;
  IderExercise closed(plan);
  r = run(closed, cd, floppy);
  EXPECT_EQ(r.reports.at(0).protected_, true);
  EXPECT_EQ(r.reports[0].writes, 0U);
  EXPECT_EQ(r.reports[0].errors, 0U);
}

TEST(IderExercise, SamplesFromTheFirstBlockToTheLast) {
  FakeDrive cd{.image = image(1001 * 2048)}, none;
  IderExercise exercise(
      IderPlan{.drives = {Drive::Cd}, .probe = false, .sequential = false, .random = 0, .sample = 11});
  const Outcome r = run(exercise, cd, none);
  Buffer want;
  for (std::ptrdiff_t i = 0; i <= 1000; i += 100)
    want.insert(want.end(), cd.image.begin() + i * 2048, cd.image.begin() + (i + 1) * 2048);
  EXPECT_EQ(r.reports.at(0).sample_sha256, sha256_hex(want));
}

TEST(IderExercise, ProbesAsChosen) {
  FakeDrive cd{.image = image(300 * 2048)}, none;
  IderExercise windows(IderPlan{.drives = {Drive::Cd}, .probes = {Probe::Windows}, .sequential = false, .random = 0});
  const Outcome r = run(windows, cd, none);
  EXPECT_NE(std::ranges::find(r.commands, "cd read dvd structure"), r.commands.end());
  EXPECT_EQ(std::ranges::find(r.commands, "cd read boot record"), r.commands.end());
  unsigned answers = 0, refused = 0;
  while (const auto a = windows.next_answer()) {
    ++answers;
    refused += a->sense.good() ? 0U : 1U;
  }
  EXPECT_EQ(answers + 3, r.commands.size()) << "all but the two of readiness and the capacity";
  EXPECT_GT(refused, 0U);
}

TEST(IderExercise, DoesWhatThePlanSays) {
  FakeDrive cd{.image = image(64 * 2048)}, none;
  IderExercise twice(IderPlan{.drives = {Drive::Cd}, .probe = false, .sequential = false, .random = 5, .repeat = 2});
  const Outcome r = run(twice, cd, none);
  ASSERT_EQ(r.reports.size(), 2U);
  EXPECT_EQ(r.reports[0].random_reads, 5U);
  EXPECT_EQ(r.reports[0].bytes, 0U);
  EXPECT_FALSE(r.reports[0].match);
  IderExercise nothing(IderPlan{.drives = {}});
  EXPECT_TRUE(nothing.done());
  EXPECT_FALSE(nothing.next(TimePoint{}));
}

TEST(IderExercise, RefusesCapacitiesThatMakeNoSense) {
  for (const std::uint32_t block : {0U, 1U, 65535U}) {
    IderExercise e(IderPlan{.drives = {Drive::Cd}});
    ASSERT_TRUE(e.next(TimePoint{}));
    e.finished({}, TimePoint{});
    ASSERT_EQ(e.next(TimePoint{})->cdb[0], 0x25);
    const Buffer data = {0, 0, 0, 9, 0, 0, std::uint8_t(block >> 8), std::uint8_t(block)};
    e.data(data);
    e.data(data);  // more than was asked for
    e.finished({}, TimePoint{});
    EXPECT_TRUE(e.done());
    EXPECT_EQ(e.next_report()->errors, 1U);
  }
}

}  // namespace
}  // namespace amtgate::sim
