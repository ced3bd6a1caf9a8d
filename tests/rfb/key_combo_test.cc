#include "amtgate/rfb/key_combo.h"

#include <gtest/gtest.h>

#include "amtgate/rfb/keysyms.h"
#include "amtgate/rfb/utf8.h"

namespace amtgate::rfb {
namespace {

using namespace keysym;

TEST(KeyCombo, KeysInTheOrderWritten) {
  const std::pair<const char*, std::vector<Keysym>> rows[] = {
      {"ctrl-alt-del", {kControlL, kAltL, kDelete}},
      {"Ctrl+Alt+Delete", {kControlL, kAltL, kDelete}},
      {"win-r", {kSuperL, {'r'}}},
      {"ctrl-C", {kControlL, {'c'}}},
      {"f1", {{0xffbe}}},
      {"shift-F12", {kShiftL, {0xffc9}}},
      {"alt-sysrq-b", {kAltL, kPrint, {'b'}}},
      {"altgr-q", {kAltR, {'q'}}},
      {"ctrl--", {kControlL, {'-'}}},
      {"ctrl++", {kControlL, {'+'}}},
      {"-", {{'-'}}},
      {"ctrl-plus", {kControlL, {'+'}}},
      {"f", {{'f'}}},
      {"ctrl-ö", {kControlL, {0xf6}}},
      {"€", {{0x20ac}}},
  };
  for (const auto& [text, keys] : rows) {
    const auto r = parse_key_combo(text);
    ASSERT_TRUE(r) << text << ": " << r.error().detail;
    EXPECT_EQ(*r, keys) << text;
  }
}

TEST(KeyCombo, RefusesWhatIsNoKey) {
  for (const char* bad : {"", "ctrl-", "ctrl-alt-", "f0", "f13", "f01", "hello", "ctrl-ctrl", "a b", " ", "ctrl- ",
                          "\xff", "ctrl-\xc3", "del\n", "a-b-c-d-e-f-g-h-i"}) {
    EXPECT_FALSE(parse_key_combo(bad)) << bad;
  }
  EXPECT_EQ(parse_key_combo("ctrl-dle").error().detail, "'dle' is no key: write ctrl-alt-del, win-r, f12");
}

TEST(Utf8, TakesShortestFormsOnly) {
  const std::pair<std::string_view, std::optional<char32_t>> rows[] = {
      {"a", U'a'},
      {"\xc3\xa4x", U'ä'},
      {"\xe2\x82\xac", U'€'},
      {"\xf0\x9f\x98\x80", char32_t{0x1f600}},
      {"", std::nullopt},
      {"\x80", std::nullopt},
      {"\xc0\x80", std::nullopt},          // two bytes for zero
      {"\xe0\x80\xaf", std::nullopt},      // three for '/'
      {"\xed\xa0\x80", std::nullopt},      // a surrogate
      {"\xf4\x90\x80\x80", std::nullopt},  // beyond U+10FFFF
      {"\xe2\x82", std::nullopt},
      {"\xf5\x80\x80\x80", std::nullopt},
      {"\xc3(", std::nullopt},
  };
  for (const auto& [text, want] : rows) {
    std::string_view rest = text;
    EXPECT_EQ(take_utf8(rest), want) << text;
    if (!want) {
      EXPECT_EQ(rest.size(), text.size());
    }
  }
}

}  // namespace
}  // namespace amtgate::rfb
