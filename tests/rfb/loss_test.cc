#include "amtgate/rfb/loss.h"

#include <gtest/gtest.h>

namespace amtgate::rfb {
namespace {

std::vector<Rect> due(Loss& loss) {
  std::vector<Rect> out;
  loss.take({0, 0, 160, 160}, SIZE_MAX, out);
  return out;
}

struct Drawn {
  Drawn() { loss.resize({160, 160}); }
  Loss loss;
};

TEST(Loss, IsDueBehindTheSecondBeat) {
  Drawn d;
  EXPECT_FALSE(d.loss.growing());
  d.loss.add({16, 16, 32, 16});
  EXPECT_TRUE(d.loss.growing());
  d.loss.beat();
  EXPECT_TRUE(d.loss.growing());
  EXPECT_FALSE(d.loss.due());
  d.loss.beat();
  EXPECT_FALSE(d.loss.growing());
  EXPECT_TRUE(d.loss.due());
  EXPECT_EQ(due(d.loss), (std::vector<Rect>{{16, 16, 32, 16}}));
  EXPECT_FALSE(d.loss.due());
}

TEST(Loss, DrawnAgainItIsYoungAgain) {
  Drawn d;
  d.loss.add({0, 0, 32, 16});
  for (int i = 0; i < 10; ++i) {
    d.loss.beat();
    d.loss.add({16, 0, 16, 16});
  }
  EXPECT_EQ(due(d.loss), (std::vector<Rect>{{0, 0, 16, 16}}));
  EXPECT_TRUE(d.loss.growing());
}

TEST(Loss, DrawnAsItIsItIsNone) {
  Drawn d;
  d.loss.add({0, 0, 32, 16});
  d.loss.beat();
  d.loss.remove({0, 0, 16, 16});
  d.loss.beat();
  d.loss.remove({0, 0, 8, 8});
  EXPECT_EQ(due(d.loss), (std::vector<Rect>{{16, 0, 16, 16}}));
}

TEST(Loss, MovesWithThePicture) {
  Drawn d;
  d.loss.add({0, 64, 16, 16});
  d.loss.copy({0, 0, 160, 80}, 40);  // rows 64 to 79 are rows 24 to 39 now, and still below
  d.loss.beat();
  d.loss.beat();
  EXPECT_EQ(due(d.loss), (std::vector<Rect>{{0, 16, 16, 32}}));
}

}  // namespace
}  // namespace amtgate::rfb
