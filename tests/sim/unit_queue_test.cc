#include "amtgate/sim/unit_queue.h"

#include <gtest/gtest.h>

namespace amtgate::sim {
namespace {

constexpr TimePoint kStart{};

std::string text(const UnitQueue& q) {
  return std::string(as_text(q.output()));
}

TEST(UnitQueue, ShowsOneMessageAtATime) {
  UnitQueue q;
  q.push(as_bytes("first"));
  q.push(as_bytes("second"));
  q.push({});
  EXPECT_EQ(q.size(), 11U);
  EXPECT_EQ(text(q), "first");
  q.sent(2);
  EXPECT_EQ(text(q), "rst");
  q.sent(3);
  EXPECT_EQ(text(q), "second");
  q.sent(6);
  EXPECT_EQ(text(q), "");
  EXPECT_TRUE(q.empty());
  EXPECT_EQ(q.total_sent(), 11U);
  EXPECT_FALSE(q.deadline());
}

TEST(UnitQueue, RestsBehindAMessageThatAsksForIt) {
  UnitQueue q;
  q.push(as_bytes("a"), milliseconds(50));
  q.push(as_bytes("b"));
  q.sent(1);
  EXPECT_EQ(text(q), "") << "the gap has not even begun";
  ASSERT_TRUE(q.deadline());
  q.tick(kStart);
  EXPECT_EQ(q.deadline(), kStart + milliseconds(50));
  q.tick(kStart + milliseconds(49));
  EXPECT_EQ(text(q), "");
  q.tick(kStart + milliseconds(50));
  EXPECT_EQ(text(q), "b");
  EXPECT_FALSE(q.deadline());
}

TEST(UnitQueue, OneByteAtATime) {
  UnitQueue q(UnitQueue::Shape::OneByte);
  q.push(as_bytes("ab"));
  EXPECT_EQ(text(q), "a");
  q.sent(1);
  EXPECT_EQ(text(q), "b");
}

TEST(UnitQueue, GluedKnowsNeitherEndsNorGaps) {
  UnitQueue q(UnitQueue::Shape::Glued);
  q.push(as_bytes("ab"), milliseconds(50));
  q.push(as_bytes("cd"));
  EXPECT_EQ(text(q), "abcd");
  q.sent(3);
  EXPECT_EQ(text(q), "d");
  EXPECT_FALSE(q.deadline());
}

TEST(UnitQueue, DropsWholeMessagesOnly) {
  UnitQueue q;
  q.push(as_bytes("abc"));
  q.push(as_bytes("def"));
  q.sent(1);
  q.drop_unsent_messages();
  EXPECT_EQ(text(q), "bc");
  q.sent(2);
  EXPECT_TRUE(q.empty());
  q.push(as_bytes("xyz"));
  q.drop_unsent_messages();
  EXPECT_TRUE(q.empty());
  EXPECT_EQ(text(q), "");
}

TEST(UnitQueue, ManyMegabytesKeepTheirEnds) {
  UnitQueue q;
  std::uint64_t in = 0;
  std::uint64_t out = 0;
  for (int i = 0; i < 5000; ++i) {
    q.push(Buffer(1000, static_cast<std::uint8_t>(i)));
    in += 1000;
    while (q.size() > 100'000) {
      ASSERT_EQ(q.output()[0], static_cast<std::uint8_t>(out / 1000));
      ASSERT_EQ(q.output().size(), 1000 - out % 1000);
      const std::size_t n = std::min<std::size_t>(q.output().size(), 700);
      q.sent(n);
      out += n;
    }
  }
  EXPECT_EQ(q.size(), in - out);
}

}  // namespace
}  // namespace amtgate::sim
