#include "amtgate/rfb/fence_window.h"

#include <gtest/gtest.h>

namespace amtgate::rfb {
namespace {

TEST(FenceWindow, LargeUpdatesGoOutInPairs) {
  FenceWindow w;
  EXPECT_TRUE(w.open());
  const auto first = w.sent(1 << 20), second = w.sent(1 << 20);
  EXPECT_FALSE(w.open());
  w.answered(*first);
  EXPECT_TRUE(w.open());
  const auto third = w.sent(1 << 20);
  EXPECT_FALSE(w.open());
  w.answered(*third);  // and with it the second
  w.sent(1 << 20);
  EXPECT_TRUE(w.open());
  w.answered(*second);
  w.answered(12345);
  w.sent(1);
  EXPECT_FALSE(w.open()) << "those answer nothing";
}

TEST(FenceWindow, SmallOnesUpToTheBytes) {
  FenceWindow w;
  std::optional<std::uint32_t> last;
  std::size_t n = 0;
  for (; w.open(); ++n) last = w.sent(FenceWindow::kBytes / 16);
  EXPECT_EQ(n, 16U);
  w.answered(*last - 15);
  EXPECT_TRUE(w.open());
}

TEST(FenceWindow, ManyTinyOnesHaveABound) {
  FenceWindow w;
  for (std::size_t i = 0; i < FenceWindow::kMaxUpdates; ++i) EXPECT_TRUE(w.sent(1));
  EXPECT_FALSE(w.open());
  EXPECT_FALSE(w.sent(1)) << "asked for explicitly: goes without a fence";
}

}  // namespace
}  // namespace amtgate::rfb
