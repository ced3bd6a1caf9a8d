#include "amtgate/rfb/viewer_encodings.h"

#include <gtest/gtest.h>

#include <vector>

namespace amtgate::rfb {
namespace {

ViewerEncodings sorted(std::vector<std::int32_t> list) {
  return sort_encodings(list);
}

TEST(ViewerEncodings, RawIsAlwaysAllowed) {
  EXPECT_EQ(sorted({}), ViewerEncodings{});
  EXPECT_EQ(sorted({}).pixels, kRaw);
  EXPECT_EQ(sorted({kCopyRect, 0x574d5664, 50, -223}).pixels, kRaw);
}

TEST(ViewerEncodings, PseudoEncodings) {
  const ViewerEncodings e = sorted({-254, -24, -223, -308, -307, -224, -239, -258, -312, -313, 1, 0});
  EXPECT_EQ(e.compress_level, 2u);
  EXPECT_EQ(e.quality_level, 8u);
  EXPECT_TRUE(e.copy_rect && e.desktop_size && e.extended_desktop_size && e.desktop_name && e.last_rect && e.cursor &&
              e.qemu_key && e.fence && e.continuous_updates);
}

TEST(ViewerEncodings, LevelsAtTheirEnds) {
  EXPECT_EQ(sorted({-256}).compress_level, 0u);
  EXPECT_EQ(sorted({-247}).compress_level, 9u);
  EXPECT_EQ(sorted({-257}).compress_level, std::nullopt);
  EXPECT_EQ(sorted({-246}).compress_level, std::nullopt);
  EXPECT_EQ(sorted({-32}).quality_level, 0u);
  EXPECT_EQ(sorted({-23}).quality_level, 9u);
  EXPECT_EQ(sorted({-33}).quality_level, std::nullopt);
  EXPECT_EQ(sorted({-22}).quality_level, std::nullopt);
  EXPECT_EQ(sorted({-250, -251}).compress_level, 6u) << "the first counts";
}

}  // namespace
}  // namespace amtgate::rfb
