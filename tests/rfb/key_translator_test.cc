#include "amtgate/rfb/key_translator.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "amtgate/rfb/keysyms.h"
#include "amtgate/rfb/typed_text.h"

namespace amtgate::rfb {
namespace {

using namespace keysym;

std::shared_ptr<const KeyboardLayout> layout(std::string_view name) {
  auto l = KeyboardLayout::load(name);
  EXPECT_TRUE(l) << (l ? "" : l.error().detail);
  return *l;
}

/// "+ffe1 +59 -59": what AMT gets, in hexadecimal.
std::string shown(const std::vector<KeyEvent>& events) {
  std::string s;
  for (const KeyEvent& e : events) {
    char text[16];
    std::snprintf(text, sizeof text, "%s%c%x", s.empty() ? "" : " ", e.down ? '+' : '-', e.key.value);
    s += text;
  }
  return s;
}

/// A viewer's key events, written in the same way.
std::vector<KeyEvent> events(std::string_view text) {
  std::vector<KeyEvent> list;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    list.push_back({text[0] == '+',
                    {static_cast<std::uint32_t>(std::stoul(std::string(text.substr(1, end - 1)), nullptr, 16))}});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return list;
}

struct Row {
  const char* what;
  const char* layout;
  const char* viewer;
  const char* amt;
};

const Row kRows[] = {
    {"us_letter", "us", "+7a -7a", "+7a -7a"},
    {"us_capital_with_shift", "us", "+ffe1 +5a -5a -ffe1", "+ffe1 +5a -5a -ffe1"},
    {"us_sign_with_shift", "us", "+ffe1 +40 -40 -ffe1", "+ffe1 +32 -32 -ffe1"},
    {"us_sign_without_shift", "us", "+40 -40", "+ffe1 +32 -32 -ffe1"},
    // The table of viewers with a German layout.
    {"z", "de", "+7a -7a", "+79 -79"},
    {"y", "de", "+79 -79", "+7a -7a"},
    {"capital_z", "de", "+ffe1 +5a -5a -ffe1", "+ffe1 +59 -59 -ffe1"},
    {"umlauts", "de", "+f6 -f6 +e4 -e4 +fc -fc +df -df", "+3b -3b +27 -27 +5b -5b +2d -2d"},
    {"at", "de", "+fe03 +40 -40 -fe03", "+ffea +71 -71 -ffea"},
    {"less", "de", "+3c -3c", "+17170056 -17170056"},
    {"greater", "de", "+ffe1 +3e -3e -ffe1", "+ffe1 +17170056 -17170056 -ffe1"},
    {"bar", "de", "+fe03 +7c -7c -fe03", "+ffea +17170056 -17170056 -ffea"},
    {"dead_acute_e", "de", "+fe51 -fe51 +65 -65", "+3d -3d +65 -65"},
    {"euro", "de", "+fe03 +20ac -20ac -fe03", "+ffea +65 -65 -ffea"},
    {"ctrl_alt_del", "de", "+ffe3 +ffe9 +ffff -ffff -ffe9 -ffe3", "+ffe3 +ffe9 +ffff -ffff -ffe9 -ffe3"},
    {"f1", "de", "+ffbe -ffbe", "+ffbe -ffbe"},
    {"keypad_5", "de", "+ffb5 -ffb5", "+35 -35"},
    {"keypad_begin", "de", "+ff9d -ff9d", "+ffb5 -ffb5"},
    {"windows_key", "de", "+ffeb -ffeb", "+ffe7 -ffe7"},
    {"composed_e_acute", "de", "+e9 -e9", "+3d -3d +65 -65"},
    {"quote_with_shift", "de", "+ffe1 +22 -22 -ffe1", "+ffe1 +32 -32 -ffe1"},
    {"ctrl_z", "de", "+ffe3 +7a -7a -ffe3", "+ffe3 +79 -79 -ffe3"},
    // A key of a combination, whatever the viewer's Caps Lock makes of its name.
    {"ctrl_z_with_caps", "de", "+ffe3 +5a -5a -ffe3", "+ffe3 +79 -79 -ffe3"},
    {"ctrl_shift_z", "de", "+ffe3 +ffe1 +5a -5a -ffe1 -ffe3", "+ffe3 +ffe1 +59 -59 -ffe1 -ffe3"},
    {"ctrl_plus", "us", "+ffe3 +2b -2b -ffe3", "+ffe3 +ffe1 +3d -3d -ffe1 -ffe3"},
    {"ctrl_c_in_russia", "ru", "+ffe3 +63 -63 -ffe3", "+ffe3 +63 -63 -ffe3"},
    // Modifiers around a character that needs others, and back.
    {"slash_without_shift", "de", "+2f -2f", "+ffe1 +37 -37 -ffe1"},
    {"less_with_shift", "de", "+ffe1 +3c -3c -ffe1", "+ffe1 -ffe1 +17170056 -17170056 +ffe1 -ffe1"},
    {"at_without_altgr", "de", "+40 -40", "+ffea +71 -71 -ffea"},
    {"at_with_shift", "de", "+ffe1 +40 -40 -ffe1", "+ffe1 -ffe1 +ffea +71 -71 -ffea +ffe1 -ffe1"},
    {"repeated_by_the_viewer", "de", "+40 +40 -40", "+ffea +71 -71 -ffea +ffea +71 -71 -ffea"},
    {"repeated_held", "de", "+7a +7a +7a -7a", "+79 +79 +79 -79"},
    {"altgr_of_a_us_pc_stays_here", "us", "+fe03 +40 -40 -fe03", "+ffe1 +32 -32 -ffe1"},
    {"mode_switch", "de", "+ff7e +40 -40 -ff7e", "+ffea +71 -71 -ffea"},
    {"altgr_as_ctrl_alt", "de", "+ffe3 +ffea +40 -40 -ffea -ffe3", "+ffe3 +ffea -ffe3 +71 -71 +ffe3 -ffea -ffe3"},
    {"altgr_as_ctrl_alt_to_us", "us", "+ffe3 +ffea +40 -40 -ffea -ffe3",
     "+ffe3 +ffea -ffe3 -ffea +ffe1 +32 -32 -ffe1 +ffea +ffe3 -ffea -ffe3"},
    {"ctrl_alt_t", "de", "+ffe3 +ffe9 +74 -74 -ffe9 -ffe3", "+ffe3 +ffe9 +74 -74 -ffe9 -ffe3"},
    {"ctrl_1_in_france", "fr", "+ffe3 +31 -31 -ffe3", "+ffe3 +31 -31 -ffe3"},
    {"one_and_keypad_one", "us", "+31 +ffb1 -31 -ffb1", "+31 -31 +31 -31"},
    {"right_alt_by_place", "de", "+ffea +71 -71 -ffea", "+ffea +71 -71 -ffea"},
    {"left_tab", "de", "+ffe1 +fe20 -fe20 -ffe1", "+ffe1 +ff09 -ff09 -ffe1"},
    {"left_tab_alone", "de", "+fe20 -fe20", "+ffe1 +ff09 -ff09 -ffe1"},
    {"space_with_shift", "de", "+ffe1 +20 -20 -ffe1", "+ffe1 +20 -20 -ffe1"},
    // Names that change before the key goes up.
    {"shift_up_first", "de", "+ffe1 +22 -ffe1 -32", "+ffe1 +32 -ffe1 -32"},
    {"shift_up_first_repeated", "de", "+ffe1 +22 -ffe1 +32 -32", "+ffe1 +32 -ffe1 -32 +32 -32"},
    {"shift_up_first_other_layout", "de", "+ffe1 +7e -ffe1 -60", "+ffe1 -ffe1 +ffea +5d -5d -ffea +ffe1 -ffe1"},
    {"alt_up_as_meta", "de", "+ffe9 +ffe1 -ffe7 -ffe1", "+ffe9 +ffe1 -ffe9 -ffe1"},
    {"meta_is_alt_with_shift", "de", "+ffe1 +ffe7 -ffe7 -ffe1", "+ffe1 +ffe9 -ffe9 -ffe1"},
    {"meta_alone_is_windows", "de", "+ffe7 -ffe7", "+ffe7 -ffe7"},
    {"keypad_num_lock_between", "de", "+ff95 +ff7f -ff7f -ffb7", "+ff50 +ff7f -ff7f -ff50"},
    // Keysyms of one character.
    {"euro_in_unicode", "de", "+10020ac -10020ac", "+ffea +65 -65 -ffea"},
    {"umlaut_in_unicode", "de", "+10000f6 -10000f6", "+3b -3b"},
    {"polish", "pl", "+1b1 -1b1", "+ffea +61 -61 -ffea"},
    // Dead keys.
    {"circumflex_alone", "de", "+5e -5e", "+60 -60 +20 -20"},
    {"acute_alone", "de", "+b4 -b4", "+3d -3d +3d -3d"},
    {"composed_capital", "de", "+ffe1 +c9 -c9 -ffe1", "+ffe1 -ffe1 +3d -3d +ffe1 +45 -45 -ffe1"},
    {"dead_key_the_pc_has_not", "fr(nodeadkeys)", "+fe51 -fe51 +65 -65", "+32 -32"},
    // The key pad.
    {"keypad_in_france", "fr", "+ffb7 -ffb7", "+ffe1 +37 -37 -ffe1"},
    {"keypad_signs", "us", "+ffaa -ffaa +ffad -ffad +ff8d -ff8d", "+ffe1 +38 -38 -ffe1 +2d -2d +ff0d -ff0d"},
    {"keypad_editing", "us", "+ff95 -ff95 +ff9f -ff9f", "+ff50 -ff50 +ffff -ffff"},
    {"alt_code", "us", "+ffe9 +ffb6 -ffb6 +ffb5 -ffb5 -ffe9", "+ffe9 +ffb6 -ffb6 +ffb5 -ffb5 -ffe9"},
    // Japan and Brazil.
    {"henkan", "us", "+ff23 -ff23 +ff22 -ff22 +ff27 -ff27",
     "+17170079 -17170079 +1717007b -1717007b +17170070 -17170070"},
    {"zenkaku", "jp", "+ff2a -ff2a", "+60 -60"},
    {"underscore_of_japan", "jp", "+5f -5f", "+ffe1 +17170073 -17170073 -ffe1"},
    {"slash_of_brazil", "br", "+2f -2f", "+17170073 -17170073"},
    {"what_amt_clients_send", "de", "+17170056 -17170056", "+17170056 -17170056"},
    {"caps_lock_stays_here", "de", "+ffe5 -ffe5", ""},
    {"locks", "de", "+ff7f -ff7f +ff14 -ff14", "+ff7f -ff7f +ff14 -ff14"},
    {"a_release_of_nothing", "de", "-61 -ff0d -ffe1", ""},
};

TEST(KeyTranslator, WhatViewersSend) {
  for (const Row& row : kRows) {
    KeyTranslator t(layout(row.layout));
    std::vector<KeyEvent> out;
    for (const KeyEvent& e : events(row.viewer)) EXPECT_EQ(t.translate(e, out), KeyOutcome::Sent) << row.what;
    EXPECT_EQ(shown(out), row.amt) << row.what;
    EXPECT_EQ(t.keys_down(), 0U) << row.what;
  }
}

std::string scanned(KeyTranslator& t, bool down, std::uint32_t code, std::uint32_t key = 0) {
  std::vector<KeyEvent> out;
  EXPECT_EQ(t.translate(QemuKeyEvent{down, {key}, code}, out), KeyOutcome::Sent);
  return shown(out);
}

TEST(KeyTranslator, ScanCodesNeedNoLayout) {
  for (const char* name : {"us", "de", "jp"}) {
    KeyTranslator t(layout(name));
    const std::pair<std::uint32_t, const char*> rows[] = {
        {0x15, "79"},   {0x56, "17170056"}, {0x27, "3b"},   {0x0d, "3d"},   {0xdb, "ffe7"}, {0xc8, "ff52"},
        {0x54, "ff61"}, {0xc6, "ff13"},     {0x47, "ffb7"}, {0x9c, "ff8d"}, {0xb8, "ffea"}, {0x3a, "ffe5"},
    };
    for (const auto& [code, key] : rows) {
      EXPECT_EQ(scanned(t, true, code), std::string("+") + key);
      EXPECT_EQ(scanned(t, true, code), std::string("+") + key) << "repeated";
      EXPECT_EQ(scanned(t, false, code), std::string("-") + key);
    }
  }
}

TEST(KeyTranslator, AltGrOnAnotherKeyOfTheViewersIsAltGr) {
  KeyTranslator t(layout("de"));
  EXPECT_EQ(scanned(t, true, 0x3a, 0xfe03), "+ffea");
  EXPECT_EQ(scanned(t, true, 0x10, 0x40), "+71");
  EXPECT_EQ(scanned(t, false, 0x10, 0x40), "-71");
  EXPECT_EQ(scanned(t, false, 0x3a, 0xfe03), "-ffea");
  KeyTranslator us(layout("us"));
  EXPECT_EQ(scanned(us, true, 0xb8, 0xfe03), "+ffea");
  EXPECT_EQ(scanned(us, false, 0xb8, 0xfe03), "-ffea");
}

TEST(KeyTranslator, ScanCodesThatAmtHasNotGoByTheirKeysym) {
  KeyTranslator t(layout("de"));
  EXPECT_EQ(scanned(t, true, 0x59, 0xffbd), "+ffe1 +30 -30 -ffe1");  // = of a key pad
  EXPECT_EQ(scanned(t, false, 0x59, 0xffbd), "");
  EXPECT_EQ(scanned(t, true, 0x47, 0xff95), "+ff50") << "the key pad's 7 without Num Lock";
  EXPECT_EQ(scanned(t, false, 0x47, 0xffb7), "-ff50");
  std::vector<KeyEvent> out;
  for (const std::uint32_t code : {0xa0U, 0x00U, 0x100U, 0xe01dU, 0xffffffffU}) {
    EXPECT_EQ(t.translate(QemuKeyEvent{true, {0}, code}, out), KeyOutcome::NoSuchKey) << code;
    EXPECT_EQ(t.translate(QemuKeyEvent{false, {0}, code}, out), KeyOutcome::Sent);
  }
  EXPECT_TRUE(out.empty());
}

TEST(KeyTranslator, TellsWhatCannotBeTyped) {
  KeyTranslator t(layout("us"));
  std::vector<KeyEvent> out;
  // e acute, a Cyrillic letter, the euro; then what no keyboard of AMT's has: mute, play, F13, Compose, nothing.
  for (const std::uint32_t key : {0xe9U, 0x6c1U, 0x20acU}) {
    EXPECT_EQ(t.translate(KeyEvent{true, {key}}, out), KeyOutcome::Unreachable);
    EXPECT_EQ(t.translate(KeyEvent{false, {key}}, out), KeyOutcome::Sent);
  }
  for (const std::uint32_t key : {0x1008ff12U, 0x1008ff14U, 0xffcaU, 0xff20U, 0U, 0xffffffU, 0xffffffffU}) {
    EXPECT_EQ(t.translate(KeyEvent{true, {key}}, out), KeyOutcome::NoSuchKey) << key;
    EXPECT_EQ(t.translate(KeyEvent{false, {key}}, out), KeyOutcome::Sent);
  }
  // A dead key that is not there, and a letter that takes no accent.
  EXPECT_EQ(t.translate(KeyEvent{true, {0xfe51}}, out), KeyOutcome::Sent);
  EXPECT_EQ(t.translate(KeyEvent{true, {'b'}}, out), KeyOutcome::Unreachable);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(t.keys_down(), 0U);
}

TEST(KeyTranslator, ReleasesWhatIsDownTheLastFirst) {
  KeyTranslator t(layout("de"));
  std::vector<KeyEvent> out;
  for (const KeyEvent& e : events("+ffe1 +fe03 +7a +ff0d")) (void)t.translate(e, out);
  EXPECT_EQ(scanned(t, true, 0x56), "+17170056");
  EXPECT_EQ(t.keys_down(), 4U) << "z does not go with AltGr: it was typed at once";
  out.clear();
  t.release_all(out);
  EXPECT_EQ(shown(out), "-17170056 -ff0d -ffea -ffe1");
  out.clear();
  t.release_all(out);
  EXPECT_TRUE(out.empty());
}

TEST(KeyTranslator, HoldsABoundedNumberOfKeys) {
  KeyTranslator t(layout("us"));
  std::vector<KeyEvent> out;
  std::size_t most = 0;
  for (std::uint8_t code = 1; code < 0xff; ++code) {
    (void)t.translate(QemuKeyEvent{true, {0}, code}, out);
    most = std::max(most, t.keys_down());
  }
  EXPECT_EQ(most, kMaxKeysDown);
  EXPECT_EQ(out[kMaxKeysDown].key, kEscape) << "the first that was pressed is let go";
  EXPECT_FALSE(out[kMaxKeysDown].down);
}

std::string pressed(const char* name, std::vector<Keysym> keys, KeyOutcome want = KeyOutcome::Sent) {
  KeyTranslator t(layout(name));
  std::vector<KeyEvent> out;
  EXPECT_EQ(t.press(keys, out), want);
  EXPECT_EQ(t.keys_down(), 0U);
  return shown(out);
}

TEST(KeyTranslator, PressesCombinations) {
  EXPECT_EQ(pressed("de", {kControlL, kAltL, kDelete}), "+ffe3 +ffe9 +ffff -ffff -ffe9 -ffe3");
  EXPECT_EQ(pressed("de", {kSuperL, {'r'}}), "+ffe7 +72 -72 -ffe7");
  EXPECT_EQ(pressed("de", {kControlL, {'z'}}), "+ffe3 +79 -79 -ffe3");
  EXPECT_EQ(pressed("de", {kShiftL, {'1'}}), "+ffe1 +31 -31 -ffe1");
  EXPECT_EQ(pressed("de", {kControlL, {'/'}}), "+ffe3 +ffe1 +37 -37 -ffe1 -ffe3");
  EXPECT_EQ(pressed("de", {kCapsLock}), "+ffe5 -ffe5");
  EXPECT_EQ(pressed("us", {kControlL, {0xe9}, kDelete}, KeyOutcome::Unreachable), "+ffe3 -ffe3");
}

TEST(KeyTranslator, TypesTextOrNothing) {
  KeyTranslator t(layout("de"));
  std::vector<KeyEvent> out;
  ASSERT_TRUE(t.type("y\r\n\t\xc3\xa9", out));
  EXPECT_EQ(shown(out), "+7a -7a +ff0d -ff0d +ff09 -ff09 +3d -3d +65 -65");
  out.clear();
  const std::pair<std::string, const char*> wrong[] = {
      {"ab\xd0\xb6", "character 3 of the text cannot be typed in the layout de"},
      {"\xc3", "character 1 of the text is not UTF-8"},
      {"a\x1b", "character 2 of the text is a control character"},
      {std::string(kMaxTypedText + 1, 'a'), "text of 65537 bytes (limit 65536)"},
  };
  for (const auto& [text, says] : wrong) {
    const auto r = t.type(text, out);
    ASSERT_FALSE(r) << says;
    EXPECT_EQ(r.error().detail, says);
  }
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace amtgate::rfb
