#include "amtgate/image/web_head.h"

#include <gtest/gtest.h>

namespace amtgate::image {
namespace {

struct Row {
  const char* name;
  const char* text;
  std::optional<ContentRange> want;
};
const Row kRows[] = {
    {"first", "bytes 0-65535/734003200", ContentRange{0, 65535, 734003200}},
    {"one_byte", "bytes 9-9/10", ContentRange{9, 9, 10}},
    {"blanks", " bytes  0 - 1 / 2\r\n", ContentRange{0, 1, 2}},
    {"no_total", "bytes 0-1/*", std::nullopt},
    {"unsatisfied", "bytes */10", std::nullopt},
    {"behind_the_end", "bytes 0-10/10", std::nullopt},
    {"backwards", "bytes 5-4/10", std::nullopt},
    {"too_large", "bytes 0-1/18446744073709551616", std::nullopt},
    {"wraps", "bytes 18446744073709551615-18446744073709551615/18446744073709551615", std::nullopt},
    {"negative", "bytes -1-2/10", std::nullopt},
    {"other_unit", "blocks 0-1/2", std::nullopt},
    {"empty", "", std::nullopt},
};
class ContentRangeRows : public testing::TestWithParam<Row> {};
TEST_P(ContentRangeRows, AreTakenOrRefused) {
  const Result<ContentRange> got = parse_content_range(GetParam().text);
  ASSERT_EQ(got.has_value(), GetParam().want.has_value());
  if (got) {
    EXPECT_EQ(*got, *GetParam().want);
  }
}
INSTANTIATE_TEST_SUITE_P(WebHead, ContentRangeRows, testing::ValuesIn(kRows),
                         [](const auto& i) { return std::string(i.param.name); });

Head head(std::initializer_list<std::string_view> lines) {
  Head out;
  for (const std::string_view line : lines) take_line(out, line);
  return out;
}

TEST(WebHead, TheLastOfSeveralAnswersCounts) {
  const Head h = head({"HTTP/1.1 302 Found\r\n", "ETag: \"old\"\r\n", "Content-Length: 5\r\n", "\r\n",
                       "HTTP/1.1 206 Partial Content\r\n", "content-range: bytes 0-9/100\r\n", "\r\n"});
  EXPECT_EQ(h.status, 206);
  EXPECT_EQ(h.etag, "");
  EXPECT_FALSE(h.length);
  const Result<Opening> opening = judge_opening(h);
  ASSERT_TRUE(opening);
  EXPECT_TRUE(opening->ranges);
  EXPECT_EQ(opening->identity.size, 100U);
}

TEST(WebHead, AServerWithoutRangesSaysHowLongItIs) {
  const Result<Opening> whole = judge_opening(head({"HTTP/1.0 200 OK", "Content-Length: 700"}));
  ASSERT_TRUE(whole);
  EXPECT_FALSE(whole->ranges);
  EXPECT_EQ(whole->identity.size, 700U);
  EXPECT_FALSE(judge_opening(head({"HTTP/1.0 200 OK"})));
  EXPECT_FALSE(judge_opening(head({"HTTP/1.0 200 OK", "Content-Length: 0"})));
  EXPECT_FALSE(judge_opening(head({"HTTP/1.0 200 OK", "Content-Length: 5", "Content-Encoding: gzip"})));
}

TEST(WebHead, AServerInTroubleIsAwayAndOneThatSaysNoHasSaidSo) {
  EXPECT_EQ(judge_opening(head({"HTTP/1.1 500 Oh"})).error().code, Errc::Unreachable);
  EXPECT_EQ(judge_opening(head({"HTTP/1.1 503 Later"})).error().code, Errc::Busy);
  EXPECT_EQ(judge_opening(head({"HTTP/1.1 429 Slowly"})).error().code, Errc::Busy);
  EXPECT_EQ(judge_opening(head({"HTTP/1.1 404 No"})).error().code, Errc::Refused);
}

const Identity kKnown{100, "\"a\"", "Thu, 01 Jan 2026 00:00:00 GMT"};

TEST(WebHead, ExactlyWhatWasAskedForIsTaken) {
  const auto judge = [](std::string_view range, std::string_view more = "X: y",
                        const char* status = "HTTP/1.1 206 x") {
    return judge_range(head({status, std::string("Content-Range: bytes ") + std::string(range), more}), kKnown, 10,
                       19);
  };
  EXPECT_EQ(*judge("10-19/100"), Answer::Bytes);
  EXPECT_EQ(*judge("10-19/100", "Content-Length: 10"), Answer::Bytes);
  EXPECT_FALSE(judge("10-19/100", "Content-Length: 11"));
  EXPECT_FALSE(judge("11-20/100"));
  EXPECT_FALSE(judge("10-18/100"));
  EXPECT_FALSE(judge("0-99/100"));
  EXPECT_FALSE(judge("nonsense"));
  EXPECT_EQ(*judge("10-19/101"), Answer::Changed);
  EXPECT_EQ(*judge("10-19/100", "ETag: \"b\""), Answer::Changed);
  EXPECT_EQ(*judge("10-19/100", "Last-Modified: Fri, 02 Jan 2026 00:00:00 GMT"), Answer::Changed);
  EXPECT_EQ(*judge("10-19/100", "ETag: \"b\"\r\n", "HTTP/1.1 416 x"), Answer::Changed);
}

TEST(WebHead, AWholeImageInsteadOfARangeIsAnotherOneOrAnError) {
  EXPECT_EQ(*judge_range(head({"HTTP/1.1 200 x", "Content-Length: 90"}), kKnown, 10, 19), Answer::Changed);
  EXPECT_EQ(*judge_range(head({"HTTP/1.1 200 x", "Content-Length: 100", "ETag: \"b\""}), kKnown, 10, 19),
            Answer::Changed);
  EXPECT_FALSE(judge_range(head({"HTTP/1.1 200 x", "Content-Length: 100", "ETag: \"a\""}), kKnown, 10, 19));
}

TEST(WebHead, OnlyStrongValidatorsGoIntoIfRange) {
  EXPECT_EQ(kKnown.if_range(), "\"a\"");
  EXPECT_EQ((Identity{1, "W/\"a\"", "date"}).if_range(), "date");
  EXPECT_EQ((Identity{1, "W/\"a\"", ""}).if_range(), "");
}

TEST(WebHead, AValidatorThatWouldBreakAHeaderIsNone) {
  EXPECT_EQ(head({"HTTP/1.1 200 x", std::string("ETag: \"") + std::string(300, 'x') + "\""}).etag, "");
  EXPECT_EQ(head({"HTTP/1.1 200 x", "ETag: \"a\x01\""}).etag, "");
}

TEST(WebHead, AddressesAreShownWithoutSecrets) {
  EXPECT_EQ(shown_address("https://u:p@host/x.iso?sig=1#f"), "https://host/x.iso");
  EXPECT_EQ(shown_address("http://u:p@q@host:8080"), "http://host:8080");
  EXPECT_EQ(shown_address("http://host/a@b"), "http://host/a@b");
  EXPECT_EQ(cache_name("http://u:p@host/x"), "http://host/x");
  EXPECT_NE(cache_name("http://host/x?id=1"), cache_name("http://host/x?id=2"));
  EXPECT_EQ(cache_name("http://host/x?sig=secret").find("secret"), std::string::npos);
}

}  // namespace
}  // namespace amtgate::image
