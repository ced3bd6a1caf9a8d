#include "amtgate/gateway/served_image.h"

#include <gtest/gtest.h>

#include "tests/net/loop_fixture.h"

namespace amtgate::gateway {
namespace {

class Medium final : public image::Medium {
 public:
  State state() const override { return State::Ready; }
  std::string problem() const override { return ""; }
  std::uint64_t size() const override { return 1'000'000; }
  std::uint32_t block_size() const override { return 2048; }
  ider::SectorCount blocks() const override { return {489}; }
  Result<ider::Fetch> read(ider::Lba, MutableBytes) override { return next; }
  Result<ider::Fetch> next = ider::Fetch::Done;
};

class ServedImageTest : public net::test::LoopTest {
 protected:
  Medium medium;
  DriveTotals totals;
  std::uint64_t command = 1;
  ServedImage image{*loop, medium, "pc1", totals, [this] { return command; }, [] {}};
  Buffer out = Buffer(4096);
};

TEST_F(ServedImageTest, CountsCommandsNotPieces) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(image.read({0}, out));  // one command in three pieces, the first there is
  EXPECT_EQ(image.reads(), 1u);
  command = 2;
  ASSERT_TRUE(image.read({0}, out));
  command = 4;  // the one between has read nothing
  ASSERT_TRUE(image.read({0}, out));
  EXPECT_EQ(image.reads(), 3u);
  EXPECT_EQ(image.served(), 5u * 4096);
  EXPECT_EQ(totals.bytes, 5u * 4096);
  EXPECT_EQ(totals.reads, 3u);
}

TEST_F(ServedImageTest, WhatComesLaterOrNotIsNotServed) {
  medium.next = ider::Fetch::Later;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(*image.read({0}, out), ider::Fetch::Later);
  EXPECT_EQ(image.reads() + image.served() + image.errors(), 0u);
  medium.next = Error{Errc::System, "bad"};
  EXPECT_FALSE(image.read({0}, out));
  EXPECT_EQ(image.errors(), 1u);
  EXPECT_EQ(totals.errors, 1u);
  EXPECT_EQ(image.served(), 0u);
}

TEST_F(ServedImageTest, TotalsGoOnWithTheNextImage) {
  ASSERT_TRUE(image.read({0}, out));
  ServedImage next{*loop, medium, "pc1", totals, [] { return 0; }, [] {}};
  ASSERT_TRUE(next.read({0}, out));
  EXPECT_EQ(next.served(), 4096u);
  EXPECT_EQ(totals.bytes, 2u * 4096);
  EXPECT_EQ(totals.reads, 2u);
}

}  // namespace
}  // namespace amtgate::gateway
