#include "amtgate/sim/os_keyboard.h"

#include <gtest/gtest.h>

#include "amtgate/sim/json_line.h"

namespace amtgate::sim {
namespace {

constexpr std::uint8_t kCtrl = 0xe0, kShift = 0xe1, kAlt = 0xe2, kAltGr = 0xe6;

std::shared_ptr<OsKeyboard> keyboard(const char* layout) {
  auto k = OsKeyboard::load(layout);
  EXPECT_TRUE(k) << (k ? "" : k.error().detail);
  return *k;
}

/// What comes of these usages, pressed one after the other with `held` down.
std::u32string text(OsKeyboard& k, std::initializer_list<std::uint8_t> held,
                    std::initializer_list<std::uint8_t> keys) {
  std::u32string all;
  for (const std::uint8_t h : held) (void)k.key(h, true);
  for (const std::uint8_t u : keys) {
    all += k.key(u, true).text;
    (void)k.key(u, false);
  }
  for (const std::uint8_t h : held) (void)k.key(h, false);
  return all;
}

TEST(OsKeyboard, GivesPlacesTheMeaningOfItsLayout) {
  const auto us = keyboard("us"), de = keyboard("de"), fr = keyboard("fr");
  EXPECT_EQ(text(*us, {}, {0x1d, 0x1c, 0x2f}), U"zy[");
  EXPECT_EQ(text(*de, {}, {0x1d, 0x1c, 0x2f}), U"yzü");
  EXPECT_EQ(text(*de, {kShift}, {0x1d, 0x1f}), U"Y\"");
  EXPECT_EQ(text(*de, {kAltGr}, {0x14, 0x08}), U"@€");
  EXPECT_EQ(text(*fr, {}, {0x04, 0x1f}), U"qé");
}

TEST(OsKeyboard, The102ndKeyAndTheExtraKeysOfBrazilAndJapan) {
  EXPECT_EQ(text(*keyboard("de"), {}, {0x64}), U"<");
  EXPECT_EQ(text(*keyboard("de"), {kAltGr}, {0x64}), U"|");
  EXPECT_EQ(text(*keyboard("br"), {kShift}, {0x87}), U"?");
  EXPECT_EQ(text(*keyboard("jp"), {kShift}, {0x87}), U"_");
  EXPECT_EQ(text(*keyboard("jp"), {kShift}, {0x89}), U"|");
}

TEST(OsKeyboard, DeadKeysWaitForTheirLetter) {
  const auto de = keyboard("de");
  EXPECT_EQ(text(*de, {}, {0x2e}), U"");
  EXPECT_EQ(text(*de, {}, {0x08}), U"é");
  EXPECT_EQ(text(*de, {}, {0x35, 0x2c}), U"^");
  EXPECT_EQ(text(*keyboard("de(nodeadkeys)"), {}, {0x2e}), U"´");
}

TEST(OsKeyboard, CapsLockIsItsOwn) {
  const auto us = keyboard("us");
  EXPECT_EQ(text(*us, {}, {0x39, 0x04, 0x1e}), U"A1");
  EXPECT_TRUE(us->modifiers().caps);
  EXPECT_EQ(text(*us, {kShift}, {0x04}), U"a");
}

TEST(OsKeyboard, CombinationsAreNoText) {
  const auto de = keyboard("de");
  (void)de->key(kCtrl, true);
  EXPECT_EQ(de->key(0x1c, true).shortcut, "Control+z");
  (void)de->key(kAlt, true);
  const OsKeyboard::Typed typed = de->key(0x4c, true);
  EXPECT_EQ(typed.shortcut, "Control+Alt+Delete");
  EXPECT_EQ(typed.text, U"");
  EXPECT_EQ(de->keys_down(), 4U);
  EXPECT_EQ(de->unplug(), 4U);
  EXPECT_EQ(de->modifiers(), OsKeyboard::Modifiers{});
}

TEST(OsKeyboard, RefusesWhatXkbDoesNotKnow) {
  for (const char* wrong : {"deu", "de(nodeadkey)", "de(", ""}) EXPECT_EQ(bool(OsKeyboard::load(wrong)), *wrong == 0);
}

TEST(JsonLine, CharactersBeyondAsciiAreEscaped) {
  EXPECT_EQ(JsonLine("text").add("text", std::u32string(U"a\"\\ä€\U0001f600")).fields(),
            "\"event\":\"text\",\"text\":\"a\\\"\\\\\\u00e4\\u20ac\\ud83d\\ude00\"");
}

}  // namespace
}  // namespace amtgate::sim
