#include "amtgate/sol/charset.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/feed.h"

namespace amtgate::sol {
namespace {

std::string decoded(Charset charset, std::string_view in) {
  std::string last;
  test::feed_all_ways(as_bytes(in), [&](const std::vector<Bytes>& parts) {
    CharsetDecoder d(charset);
    Buffer out;
    for (const Bytes part : parts) d.decode(part, out);
    d.finish(out);
    EXPECT_FALSE(d.waits());
    return last = std::string(as_text(out));
  });
  return last;
}

std::string encoded(Charset charset, std::string_view in) {
  CharsetEncoder e(charset);
  Buffer out;
  e.encode(as_bytes(in), out);
  return std::string(as_text(out));
}

struct Row {
  const char* name;
  Charset charset;
  const char* in;
  const char* out;
};
const Row kRows[] = {
    {"cp437_frame", Charset::Cp437, "\xc9\xcd\xbb A\x1b[1m", "╔═╗ A\x1b[1m"},
    {"cp437_last", Charset::Cp437, "\x80\xfe\xff", "Ç■\u00a0"},
    {"latin1", Charset::Latin1, "gr\xfc\xdf", "grüß"},
    {"utf8", Charset::Utf8, "gr\xc3\xbc\xc3\x9f ╔", "grüß ╔"},
    {"utf8_four_bytes", Charset::Utf8, "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
    {"utf8_with_cp437", Charset::Utf8, "\xda\xc4\xc4 \xdb", "┌── █"},
    {"utf8_cut", Charset::Utf8, "a\xe2\x95", "aΓò"},
    {"utf8_broken_by_text", Charset::Utf8, "\xe2\x41", "ΓA"},
    {"utf8_overlong", Charset::Utf8, "\xc0\xaf", "└»"},
    {"utf8_surrogate", Charset::Utf8, "\xed\xa0\x80", "φáÇ"},
};
class CharsetRows : public testing::TestWithParam<Row> {};
TEST_P(CharsetRows, BecomeUtf8) {
  EXPECT_EQ(decoded(GetParam().charset, GetParam().in), GetParam().out);
}
INSTANTIATE_TEST_SUITE_P(All, CharsetRows, testing::ValuesIn(kRows), [](const auto& row) { return row.param.name; });

TEST(Charset, TypesWhatTheDeviceHas) {
  EXPECT_EQ(encoded(Charset::Cp437, "é╔€x"), "\x82\xc9?x");
  EXPECT_EQ(encoded(Charset::Latin1, "é╔x"), "\xe9?x");
  EXPECT_EQ(encoded(Charset::Utf8, "é╔€x"), "é╔€x");
  EXPECT_EQ(encoded(Charset::Cp437, "\xff"), "\xff");
}

TEST(Charset, EveryByteOfCp437ComesBack) {
  CharsetDecoder d(Charset::Cp437);
  CharsetEncoder e(Charset::Cp437);
  for (unsigned c = 0; c < 256; ++c) {
    const Buffer one = {static_cast<std::uint8_t>(c)};
    Buffer text, back;
    d.decode(one, text);
    e.encode(text, back);
    EXPECT_EQ(back, one) << c;
  }
}

}  // namespace
}  // namespace amtgate::sol
