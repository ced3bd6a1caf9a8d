#include "amtgate/setupbin/fat_image.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "amtgate/base/reader.h"

namespace amtgate::setupbin {
namespace {

Buffer some(std::size_t n) {
  Buffer out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>(i % 251);
  return out;
}

std::uint32_t le(Bytes b, std::size_t at, std::size_t n) {
  std::uint32_t v = 0;
  for (std::size_t i = n; i-- > 0;) v = v << 8 | b[at + i];
  return v;
}

/// What a reader that trusts the boot sector finds as the root's first file.
Buffer first_file(Bytes v, unsigned& bits) {
  const std::uint32_t reserved = le(v, 14, 2), fats = v[16], roots = le(v, 17, 2), cluster = v[13];
  const std::uint32_t sectors = le(v, 19, 2) ? le(v, 19, 2) : le(v, 32, 4);
  const std::uint32_t fat = le(v, 22, 2) ? le(v, 22, 2) : le(v, 36, 4);
  const std::uint32_t data = reserved + fats * fat + roots / 16;
  const std::uint32_t clusters = (sectors - data) / cluster;
  bits = clusters < 4085 ? 12 : clusters < 65525 ? 16 : 32;
  EXPECT_EQ(v.size(), std::size_t{sectors} * 512);
  const std::size_t root = std::size_t{reserved + fats * fat} * 512;
  EXPECT_EQ(as_text(v.subspan(root, 11)), "SETUP   BIN");
  std::uint32_t at = le(v, root + 26, 2) | le(v, root + 20, 2) << 16;
  const std::uint32_t size = le(v, root + 28, 4);
  Buffer out;
  while (out.size() < size && at >= 2 && at < clusters + 2) {
    append(out, v.subspan((std::size_t{data} + std::size_t{at - 2} * cluster) * 512, std::size_t{cluster} * 512));
    const std::size_t f = std::size_t{reserved} * 512;
    at = bits == 32   ? le(v, f + at * 4, 4)
         : bits == 16 ? le(v, f + at * 2, 2)
         : at % 2     ? le(v, f + at * 3 / 2, 2) >> 4
                      : le(v, f + at * 3 / 2, 2) & 0xfff;
  }
  out.resize(std::min<std::size_t>(out.size(), size));
  return out;
}

TEST(FatImage, IsReadAsWhatItIs) {
  for (const unsigned want : {12U, 16U, 32U}) {
    for (const std::size_t n : {0U, 512U, 1024U, 100001U}) {
      const Result<Buffer> image = fat_image(some(n), {.bits = want, .partition_table = false, .serial = 1});
      ASSERT_TRUE(image);
      unsigned bits = 0;
      EXPECT_EQ(first_file(*image, bits), some(n)) << want << " " << n;
      EXPECT_EQ(bits, want);
    }
  }
}

TEST(FatImage, LiesBehindAPartitionTable) {
  const Result<Buffer> image = fat_image(some(1024), {.bits = 16, .partition_table = true, .serial = 1});
  ASSERT_TRUE(image);
  EXPECT_EQ(le(*image, 510, 2), 0xaa55U);
  EXPECT_EQ(le(*image, 446 + 8, 4), 2048U);
  unsigned bits = 0;
  EXPECT_EQ(first_file(Bytes(*image).subspan(2048 * 512), bits), some(1024));
}

TEST(FatImage, RefusesWhatDoesNotFit) {
  EXPECT_TRUE(fat_image(some(2'000'000), {.bits = 12, .partition_table = false, .serial = 0}));
  EXPECT_EQ(fat_image(some(2'100'000), {.bits = 12, .partition_table = false, .serial = 0}).error().code,
            Errc::TooLarge);
  EXPECT_EQ(fat_image({}, {.bits = 8, .partition_table = false, .serial = 0}).error().code, Errc::BadValue);
}

}  // namespace
}  // namespace amtgate::setupbin
