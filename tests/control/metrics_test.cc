#include "amtgate/control/metrics.h"

#include <gtest/gtest.h>

#include <limits>

namespace amtgate::control {
namespace {

TEST(Metrics, GroupsByNameAndEscapes) {
  const std::vector<Metric> metrics = {
      {"amtgate_sessions", "Open \\ now.", MetricType::Gauge, {{"service", "vnc"}}, 2},
      {"amtgate_x_bytes", "X.", MetricType::Counter, {}, 1e15},
      {"amtgate_sessions", "Open \\ now.", MetricType::Gauge, {{"service", "so\"l\\\n"}, {"a", ""}}, 0.5},
  };
  EXPECT_EQ(render(metrics),
            "# HELP amtgate_sessions Open \\\\ now.\n# TYPE amtgate_sessions gauge\n"
            "amtgate_sessions{service=\"vnc\"} 2\namtgate_sessions{service=\"so\\\"l\\\\\\n\",a=\"\"} 0.5\n"
            "# HELP amtgate_x_bytes X.\n# TYPE amtgate_x_bytes counter\namtgate_x_bytes 1000000000000000\n");
}

TEST(Metrics, LeavesOutWhatPrometheusWouldNotTake) {
  EXPECT_EQ(
      render({{"amt gate", "", MetricType::Gauge, {}, 1}, {"1x", "", MetricType::Gauge, {}, 1}, {"", "", {}, {}, 1}}),
      "");
  EXPECT_EQ(render({{"x", "", MetricType::Gauge, {{"a-b", "c"}}, 1}}), "");
}

TEST(Metrics, WritesOddNumbers) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::string text = render({{"a", "", MetricType::Gauge, {}, inf}, {"b", "", MetricType::Gauge, {}, -inf}});
  EXPECT_NE(text.find("\na +Inf\n"), std::string::npos);
  EXPECT_NE(text.find("\nb -Inf\n"), std::string::npos);
}

std::string answer(std::string_view head) {
  const std::string text = http_answer(head, [] { return "page"; });
  return text.substr(0, text.find('\r'));
}

TEST(Http, AnswersOnlyWhatItKnows) {
  EXPECT_EQ(answer("GET /metrics HTTP/1.1\r\nHost: x"), "HTTP/1.1 200 OK");
  EXPECT_EQ(answer("GET /metrics?x=y HTTP/1.0"), "HTTP/1.1 200 OK");
  EXPECT_EQ(answer("GET / HTTP/1.1"), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(answer("POST /metrics HTTP/1.1"), "HTTP/1.1 405 Method Not Allowed");
  for (const char* bad : {"", "GET", "GET /metrics", "GET metrics HTTP/1.1", "GET /metrics HTTP/2", "\x16\x03\x01"}) {
    EXPECT_EQ(answer(bad), "HTTP/1.1 400 Bad Request") << bad;
  }
}

TEST(Http, HeadHasTheLengthAndNoBody) {
  const std::string text = http_answer("HEAD /metrics HTTP/1.1", [] { return "page"; });
  EXPECT_NE(text.find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace amtgate::control
