#include "amtgate/sol/key_translator.h"

#include <gtest/gtest.h>

#include <vector>

#include "amtgate/base/hex.h"
#include "tests/support/feed.h"

namespace amtgate::sol {
namespace {

const TimePoint kStart{seconds(1)};

std::string shown(Bytes bytes) {
  std::string out;
  for (const std::uint8_t c : bytes) out += c == 0x1b ? std::string("^[") : std::string(1, static_cast<char>(c));
  return out;
}

std::string translated(KeyStyle style, std::string_view typed) {
  std::string last;
  test::feed_all_ways(as_bytes(typed), [&](const std::vector<Bytes>& parts) {
    KeyTranslator t(style);
    Buffer out;
    for (const Bytes part : parts) t.receive(part, kStart, out);
    t.finish(out);
    return last = shown(out);
  });
  return last;
}

struct Row {
  const char* name;
  const char* typed;
  const char* vt100plus;
  const char* vt100;
  const char* linux_console;
};
const Row kRows[] = {
    {"f1_xterm", "\x1bOP", "^[1", "^[OP", "^[[[A"},
    {"f1_linux", "\x1b[[A", "^[1", "^[OP", "^[[[A"},
    {"f2_rxvt", "\x1b[12~", "^[2", "^[OQ", "^[[[B"},
    {"f3", "\x1bOR", "^[3", "^[Ow", "^[[[C"},
    {"f4", "\x1bOS", "^[4", "^[Ox", "^[[[D"},
    {"f5", "\x1b[15~", "^[5", "^[Ot", "^[[[E"},
    {"f6", "\x1b[17~", "^[6", "^[Ou", "^[[17~"},
    {"f7", "\x1b[18~", "^[7", "^[Oq", "^[[18~"},
    {"f8", "\x1b[19~", "^[8", "^[Or", "^[[19~"},
    {"f9", "\x1b[20~", "^[9", "^[Op", "^[[20~"},
    {"f10", "\x1b[21~", "^[0", "^[OM", "^[[21~"},
    {"f11", "\x1b[23~", "^[!", "^[[23~", "^[[23~"},
    {"f12", "\x1b[24~", "^[@", "^[[24~", "^[[24~"},
    {"f5_putty_vt100plus", "\x1bOT", "^[5", "^[Ot", "^[[[E"},
    {"f10_putty_vt100plus", "\x1bOY", "^[0", "^[OM", "^[[21~"},
    {"f11_putty_vt100plus", "\x1bOZ", "^[!", "^[[23~", "^[[23~"},
    {"f12_putty_vt100plus", "\x1bO[", "^[@", "^[[24~", "^[[24~"},
    {"up", "\x1bOA", "^[[A", "^[[A", "^[[A"},
    {"left", "\x1b[D", "^[[D", "^[[D", "^[[D"},
    {"home_xterm", "\x1b[H", "^[h", "^[[H", "^[[1~"},
    {"home_tmux", "\x1b[1~", "^[h", "^[[H", "^[[1~"},
    {"end", "\x1b[F", "^[k", "^[[K", "^[[4~"},
    {"insert", "\x1b[2~", "^[+", "^[[@", "^[[2~"},
    {"delete", "\x1b[3~", "^[-", "^[[P", "^[[3~"},
    {"page_up", "\x1b[5~", "^[?", "^[[V", "^[[5~"},
    {"page_down", "\x1b[6~", "^[/", "^[[U", "^[[6~"},
    {"backspace", "\x7f", "\b", "\b", "\x7f"},
    {"text", "a\xc3\xa9z", "a\xc3\xa9z", "a\xc3\xa9z", "a\xc3\xa9z"},
    {"escape_alone", "\x1b", "^[", "^[", "^["},
    {"escape_twice", "\x1b\x1b", "^[^[", "^[^[", "^[^["},
    {"escape_then_key", "\x1b\x1bOP", "^[^[1", "^[^[OP", "^[^[[[A"},
    {"alt_x", "\x1bx", "^[x", "^[x", "^[x"},
    {"unknown", "\x1b[1;5Cq", "^[[1;5Cq", "^[[1;5Cq", "^[[1;5Cq"},
};

class KeyTranslatorRows : public testing::TestWithParam<Row> {};
TEST_P(KeyTranslatorRows, GivesWhatEachStyleWants) {
  const Row& r = GetParam();
  EXPECT_EQ(translated(KeyStyle::Vt100Plus, r.typed), r.vt100plus);
  EXPECT_EQ(translated(KeyStyle::VtUtf8, r.typed), r.vt100plus);
  EXPECT_EQ(translated(KeyStyle::Vt100, r.typed), r.vt100);
  EXPECT_EQ(translated(KeyStyle::Linux, r.typed), r.linux_console);
  EXPECT_EQ(translated(KeyStyle::AsIs, r.typed), shown(as_bytes(r.typed)));
}
INSTANTIATE_TEST_SUITE_P(All, KeyTranslatorRows, testing::ValuesIn(kRows),
                         [](const auto& row) { return row.param.name; });

TEST(KeyTranslator, AnEscapeThatNothingFollowsIsTheKey) {
  KeyTranslator t(KeyStyle::Vt100Plus);
  Buffer out;
  t.receive(as_bytes("\x1b"), kStart, out);
  EXPECT_TRUE(out.empty());
  ASSERT_EQ(t.deadline(), kStart + KeyTranslator::kPause);
  t.tick(kStart + milliseconds(99), out);
  EXPECT_TRUE(out.empty());
  t.tick(kStart + KeyTranslator::kPause, out);
  EXPECT_EQ(shown(out), "^[");
  EXPECT_FALSE(t.deadline());
}

TEST(KeyTranslator, EveryByteValueGoesThrough) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(translated(KeyStyle::AsIs, all), shown(as_bytes(all)));
}

TEST(KeyTranslator, NamesItsStyles) {
  for (const char* word : {"vt100", "vt100+", "vt-utf8", "linux", "esc"}) {
    const auto style = parse_key_style(word);
    ASSERT_TRUE(style) << word;
    EXPECT_EQ(name(*style), word);
  }
  EXPECT_FALSE(parse_key_style("vt52"));
}

}  // namespace
}  // namespace amtgate::sol
