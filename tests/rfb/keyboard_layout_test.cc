#include "amtgate/rfb/keyboard_layout.h"

#include <gtest/gtest.h>

#include "amtgate/rfb/dead_keys.h"

namespace amtgate::rfb {
namespace {

using Caps = KeyboardLayout::Caps;

std::shared_ptr<const KeyboardLayout> layout(std::string_view name) {
  auto l = KeyboardLayout::load(name);
  EXPECT_TRUE(l) << (l ? "" : l.error().detail);
  return *l;
}

TEST(KeyboardLayout, EmptyIsUs) {
  EXPECT_EQ(layout("")->name(), "us");
  EXPECT_EQ(layout("")->stroke({'z'}), (KeyStroke{{0x2c}, false, false}));
}

TEST(KeyboardLayout, RefusesWhatXkbDoesNotKnow) {
  const std::pair<const char*, const char*> rows[] = {
      {"deu", "'deu' is not a layout XKB knows"},
      {"de(nodead)", "'nodead' is not a variant XKB knows of the layout de"},
      {"deu(nodeadkeys)", "'deu' is not a layout XKB knows"},
      {"de(", "'de(' ends without ')'"},
      {"de()", "'de()' names no variant, as de(nodeadkeys) does"},
      {"(x)", "'(x)' is not the name of a layout, as de or de(nodeadkeys)"},
      {"../../etc/passwd", "'../../etc/passwd' is not the name of a layout, as de or de(nodeadkeys)"},
      {"de,fr", "'de,fr' is not the name of a layout, as de or de(nodeadkeys)"},
      {"de\nfr", "'de\nfr' is not the name of a layout, as de or de(nodeadkeys)"},
  };
  for (const auto& [name, says] : rows) {
    const auto r = KeyboardLayout::load(name);
    ASSERT_FALSE(r) << name;
    EXPECT_EQ(r.error().code, Errc::BadValue);
    EXPECT_EQ(r.error().detail, says);
  }
}

TEST(KeyboardLayout, FewestModifiersAndNoKeyOfIntelsWhereItCanBe) {
  // XKB draws < on the 102nd key of us; a US keyboard has no such key.
  EXPECT_EQ(layout("us")->stroke({'<'}), (KeyStroke{{0x33}, true, false}));
  EXPECT_EQ(layout("de")->stroke({'<'}), (KeyStroke{{0x56}, false, false}));
  EXPECT_EQ(layout("gb")->stroke({'|'}), (KeyStroke{{0x56}, true, false}));
  EXPECT_FALSE(layout("us")->level3_key());
  EXPECT_EQ(layout("de")->level3_key(), ScanCode{0xb8});
}

TEST(KeyboardLayout, CapsLockTurnsLettersRound) {
  const auto de = layout("de");
  EXPECT_EQ(de->stroke({'A'}, Caps::On), (KeyStroke{{0x1e}, false, false}));
  EXPECT_EQ(de->stroke({'a'}, Caps::On), (KeyStroke{{0x1e}, true, false}));
  EXPECT_EQ(de->stroke({'1'}, Caps::On), (KeyStroke{{0x02}, false, false}));
}

TEST(KeyboardLayout, Level3OnAnotherKeyThanRightAlt) {
  const auto neo = layout("de(neo)");
  ASSERT_TRUE(neo->level3_key());
  EXPECT_NE(*neo->level3_key(), ScanCode{0xb8});
  EXPECT_TRUE(neo->stroke({'@'}));
}

TEST(KeyboardLayout, NamesOfOneCharacterAreOne) {
  const auto de = layout("de");
  EXPECT_EQ(de->stroke({0x20ac}), de->stroke({0x010020ac}));
  EXPECT_TRUE(de->stroke({0x20ac}));
  EXPECT_EQ(character_of({0xff0d}), 0U) << "Return is no character";
  EXPECT_EQ(character_of({0x01110000}), 0U);
}

TEST(DeadKeys, BothWays) {
  for (char32_t c = 0xa0; c < 0x250; ++c) {
    const auto sequence = dead_sequence(c);
    if (!sequence) continue;
    EXPECT_TRUE(is_dead(sequence->dead));
    EXPECT_EQ(compose(sequence->dead, sequence->base), c) << std::hex << static_cast<unsigned>(c);
  }
  EXPECT_EQ(compose({0xfe51}, U'e'), U'é');
  EXPECT_FALSE(compose({0xfe51}, U'b'));
  EXPECT_FALSE(dead_sequence(U'e'));
}

}  // namespace
}  // namespace amtgate::rfb
