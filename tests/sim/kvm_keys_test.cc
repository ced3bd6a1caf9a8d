#include "amtgate/sim/kvm_keys.h"

#include <gtest/gtest.h>

namespace amtgate::sim {
namespace {

TEST(KvmKeys, UsKeyboard) {
  struct Row {
    std::uint32_t keysym;
    int usage;  // -1: no such key
    const char* name;
  };
  const Row rows[] = {
      {'a', 0x04, "a"},
      {'Z', 0x1d, "z"},
      {'1', 0x1e, "1"},
      {'!', 0x1e, "1"},
      {'0', 0x27, "0"},
      {')', 0x27, "0"},
      {' ', 0x2c, "Space"},
      {'~', 0x35, "`"},
      {'"', 0x34, "'"},
      {'|', 0x31, "\\"},
      {0xff0d, 0x28, "Enter"},
      {0xff1b, 0x29, "Escape"},
      {0xffbe, 0x3a, "F1"},
      {0xffc9, 0x45, "F12"},
      {0xffff, 0x4c, "Delete"},
      {0xffe1, 0xe1, "Left Shift"},
      {0xffe3, 0xe0, "Left Ctrl"},
      {0xffea, 0xe6, "Right Alt"},
      {0xffe7, 0xe3, "Left GUI"},
      {0xffb0, 0x62, "Keypad 0"},
      {0xffb5, 0x5d, "Keypad 5"},
      {0xff9d, 0x5d, "Keypad 5"},
      {0xffaf, 0x54, "Keypad /"},
      {0xff13, 0x48, "Pause"},
      {0xff67, 0x65, "Menu"},
      {0x17170056, 0x64, "102nd"},
      {0x17170070, 0x88, "International 2"},
      {0x17170073, 0x87, "International 1"},
      {0x17170079, 0x8a, "International 4"},
      {0x1717007b, 0x8b, "International 5"},
      {0x1717007d, 0x89, "International 3"},
      {0x20ac, -1, ""},  // the euro sign
      {0xf6, -1, ""},    // o with diaeresis: no US key
      {0xfe51, -1, ""},  // dead acute
      {0xfe03, -1, ""},  // AltGr
      {0, -1, ""},
      {0xffffffff, -1, ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.keysym);
    const auto usage = hid_usage({row.keysym});
    ASSERT_EQ(usage ? *usage : -1, row.usage);
    if (usage) {
      EXPECT_EQ(key_name(*usage), row.name);
    }
  }
}

TEST(KvmKeys, EveryKeyHasAName) {
  unsigned keys = 0;
  for (std::uint32_t k = 0; k <= 0xffff; ++k) {
    if (const auto usage = hid_usage({k})) {
      ++keys;
      EXPECT_NE(key_name(*usage), "?") << k;
    }
  }
  EXPECT_GT(keys, 150u);
  EXPECT_EQ(key_name(0), "?");
}

}  // namespace
}  // namespace amtgate::sim
