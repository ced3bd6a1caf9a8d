#include "amtgate/record/asciicast.h"

#include <gtest/gtest.h>

namespace amtgate::record {
namespace {

Result<std::vector<CastReader::Event>> read_all(std::string_view text, std::size_t piece) {
  CastReader reader;
  std::vector<CastReader::Event> out;
  while (true) {
    const Result<std::optional<CastReader::Event>> event = reader.next();
    if (!event) return event.error();
    if (*event) {
      out.push_back(**event);
    } else if (text.empty()) {
      return out;
    } else {
      const std::string_view now = text.substr(0, piece);
      text.remove_prefix(now.size());
      reader.receive(as_bytes(now));
      if (text.empty()) reader.finish();
    }
  }
}

TEST(Asciicast, ReadsWhatItWrites) {
  std::string all;
  for (unsigned c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "\u2550\u00fc\U0001f600";
  const std::string file = cast_head({.timestamp = 1769860800, .title = "pc1 \"rack\""}) + cast_event(0.0, 'o', all) +
                           cast_event(1.2345, 'i', "\r") + cast_event(86400, 'm', "away");
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
    const auto events = read_all(file, piece);
    ASSERT_TRUE(events) << events.error().detail;
    ASSERT_EQ(events->size(), 3u);
    EXPECT_EQ((*events)[0].text, all);
    EXPECT_EQ((*events)[1].code, 'i');
    EXPECT_NEAR((*events)[1].seconds, 1.2345, 0.001);
    EXPECT_EQ((*events)[2].text, "away");
  }
  CastReader reader;
  reader.receive(as_bytes(file));
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.head().width, 80u);
  EXPECT_EQ(reader.head().timestamp, 1769860800);
  EXPECT_EQ(reader.head().title, "pc1 \"rack\"");
}

TEST(Asciicast, LeavesOutWhatItDoesNotKnow) {
  const auto events = read_all("{\"version\": 2}\n\n[1, \"r\", \"80x25\"]\n[2, \"o\", \"x\", 7]", 1000);
  ASSERT_TRUE(events) << events.error().detail;
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ((*events)[0].text, "x");
}

TEST(Asciicast, LeavesOutALastLineThatIsCutOff) {
  const std::string whole = cast_head({}) + cast_event(0, 'o', "a") + cast_event(1, 'o', "b\n\u2550");
  const std::size_t second = whole.rfind("[1");
  for (std::size_t n = second; n < whole.size(); ++n) {
    const auto events = read_all(std::string_view(whole).substr(0, n), 100);
    ASSERT_TRUE(events) << n << ": " << events.error().detail;
    EXPECT_EQ(events->size(), n + 1 == whole.size() ? 2u : 1u) << n;
  }
}

TEST(Asciicast, SaysWhichLineIsBroken) {
  const std::string head = "{\"version\": 2}\n";
  EXPECT_EQ(read_all("{\"version\": 1}\n", 100).error().code, Errc::Unsupported);
  EXPECT_EQ(read_all("junk\n", 100).error().code, Errc::Unsupported);
  for (const char* line : {"junk", "{}", "[1]", "[\"x\", \"o\", \"y\"]", "[-1, \"o\", \"y\"]", "[1, \"o\", 5]"}) {
    const auto events = read_all(head + "[0, \"o\", \"a\"]\n" + line + "\n", 100);
    ASSERT_FALSE(events) << line;
    EXPECT_EQ(events.error().detail.substr(0, 7), "line 3:") << events.error().detail;
  }
  EXPECT_EQ(read_all(head + std::string(CastReader::kMaxLine + 1, 'x'), 1U << 20U).error().code, Errc::TooLarge);
}

}  // namespace
}  // namespace amtgate::record
