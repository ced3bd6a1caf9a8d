#include "amtgate/image/read_ahead.h"

#include <gtest/gtest.h>

namespace amtgate::image {
namespace {

constexpr std::uint64_t kRead = 64 * 1024;

TEST(ReadAhead, ASingleReadIsNoSequence) {
  ReadAhead ahead;
  EXPECT_EQ(ahead.read(0, 2048), 2048U);
  EXPECT_EQ(ahead.read(1 << 20U, 2048), (1U << 20U) + 2048);
}

TEST(ReadAhead, GrowsWithTheSequenceToItsMost) {
  ReadAhead ahead;
  std::uint64_t at = 0, before = 0;
  for (int i = 0; i < 1000; ++i, at += kRead) {
    const std::uint64_t window = ahead.read(at, kRead) - (at + kRead);
    EXPECT_GE(window, before);
    EXPECT_LE(window, ReadAhead::kMost);
    before = window;
  }
  EXPECT_EQ(before, ReadAhead::kMost);
}

TEST(ReadAhead, FollowsSeveralAtOnce) {
  ReadAhead ahead;
  const std::uint64_t files[] = {0, std::uint64_t{1} << 30U, std::uint64_t{2} << 30U};
  for (int i = 0; i < 50; ++i) {
    for (const std::uint64_t file : files) ahead.read(file + static_cast<std::uint64_t>(i) * kRead, kRead);
  }
  for (const std::uint64_t file : files) EXPECT_GT(ahead.read(file + 50 * kRead, kRead), file + 60 * kRead);
}

TEST(ReadAhead, AReadThatIsRepeatedIsNoNews) {
  ReadAhead ahead;
  for (int i = 0; i < 8; ++i) ahead.read(static_cast<std::uint64_t>(i) * kRead, kRead);
  const std::uint64_t to = ahead.read(8 * kRead, kRead);
  EXPECT_EQ(ahead.read(8 * kRead, kRead), to);
  EXPECT_GT(ahead.read(9 * kRead, kRead), to);
}

}  // namespace
}  // namespace amtgate::image
