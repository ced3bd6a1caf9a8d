#include "amtgate/base/machine.h"

#include <gtest/gtest.h>

namespace amtgate {
namespace {

TEST(Outbox, GivesWhatWasPutIn) {
  Outbox out;
  EXPECT_TRUE(out.view().empty());
  append(out.buffer(), "abcdef");
  out.sent(2);
  EXPECT_EQ(as_text(out.view()), "cdef");
  append(out.buffer(), "gh");
  EXPECT_EQ(as_text(out.view()), "cdefgh");
  out.sent(5);
  append(out.buffer(), "i");
  EXPECT_EQ(as_text(out.view()), "hi");
  out.sent(2);
  EXPECT_TRUE(out.view().empty());
  append(out.buffer(), "j");
  EXPECT_EQ(as_text(out.view()), "j");
}

TEST(Outbox, AReaderThatNeverCatchesUpCostsNoMemory) {
  Outbox out;
  std::uint8_t wrote = 0, read = 0;
  for (int i = 0; i < 1000; ++i) {
    for (int n = 0; n < 100; ++n) out.buffer().push_back(wrote++);
    // Ten bytes are always left.
    while (out.view().size() > 10) {
      ASSERT_EQ(out.view()[0], read++);
      out.sent(1);
    }
    ASSERT_LE(out.buffer().size(), 220U);
  }
}

}  // namespace
}  // namespace amtgate
