#include "amtgate/rfb/typed_text.h"

#include <gtest/gtest.h>

#include "amtgate/rfb/keysyms.h"

namespace amtgate::rfb {
namespace {

TEST(TypedText, IsOneKeysymForEachCharacter) {
  const auto keys = text_keysyms("aß€\t1");
  ASSERT_TRUE(keys);
  EXPECT_EQ(*keys, (std::vector<Keysym>{{'a'}, keysym_of(U'ß'), keysym_of(U'€'), keysym::kTab, {'1'}}));
}

TEST(TypedText, EveryEndOfALineIsReturnOnce) {
  EXPECT_EQ(*text_keysyms("\n\r\r\n"), (std::vector<Keysym>(3, keysym::kReturn)));
}

struct Wrong {
  std::string text;
  const char* detail;
};

TEST(TypedText, NamesTheNumberOfWhatIsWrong) {
  const Wrong rows[] = {{"ab\x01", "character 3 of the text is a control character"},
                        {"ä\x7f", "character 2 of the text is a control character"},
                        {"\xff", "character 1 of the text is not UTF-8"},
                        {"a\xc3", "character 2 of the text is not UTF-8"}};
  for (const Wrong& row : rows) {
    const auto keys = text_keysyms(row.text);
    ASSERT_FALSE(keys) << row.detail;
    EXPECT_EQ(keys.error().code, Errc::BadValue);
    EXPECT_EQ(keys.error().detail, row.detail);
  }
  EXPECT_EQ(text_keysyms(std::string(kMaxTypedText + 1, 'a')).error().code, Errc::TooLarge);
}

TEST(TypedText, WhatALayoutLacksIsNamedByItsPlace) {
  const auto de = KeyboardLayout::load("de");
  ASSERT_TRUE(de);
  EXPECT_TRUE(typable(*text_keysyms("Grüße, {ê}\n\t€"), **de));
  const Result<void> no = typable(*text_keysyms("abж"), **de);
  ASSERT_FALSE(no);
  EXPECT_EQ(no.error().code, Errc::Unsupported);
  EXPECT_EQ(no.error().detail, "character 3 of the text cannot be typed in the layout de");
  EXPECT_TRUE(typable({}, **de));
}

}  // namespace
}  // namespace amtgate::rfb
