#include "amtgate/rfb/key_translator.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "amtgate/rfb/keysyms.h"

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

}  // namespace
}  // namespace amtgate::rfb
