#include "amtgate/http/message.h"

#include <gtest/gtest.h>

namespace amtgate::http {
namespace {

Result<std::optional<Request>> read_whole(std::string_view text) {
  RequestReader reader;
  reader.receive(as_bytes(text));
  return reader.next();
}

/// An answer as one line: "200 OK|body|end" or what went wrong.
std::string read_answer(std::string_view text, std::size_t step, bool to_head = false, bool close = true) {
  AnswerReader reader;
  reader.expect(to_head);
  std::string out;
  std::string body;
  const auto drain = [&] {
    while (true) {
      auto event = reader.next();
      if (!event) {
        out += "error: " + std::string(name(event.error().code));
        return false;
      }
      if (!*event) return true;
      if (const auto* head = std::get_if<AnswerHead>(&**event)) {
        out += std::to_string(head->status) + (head->keep_alive ? " keep|" : " close|");
      } else if (const auto* piece = std::get_if<AnswerPiece>(&**event)) {
        body += as_text(piece->bytes);
      } else {
        out += body + "|end ";
        body.clear();
      }
    }
  };
  for (std::size_t at = 0; at < text.size(); at += step) {
    reader.receive(as_bytes(text.substr(at, step)));
    if (!drain()) return out;
  }
  if (close && !reader.idle()) {
    reader.closed();
    drain();
  }
  return out;
}

TEST(RequestReader, TakesRequestsOneBehindTheOther) {
  const std::string two =
      "POST /wsman HTTP/1.1\r\nHost: pc\r\nContent-Length: 5\r\n\r\nhello\r\nGET /logon.htm HTTP/1.0\r\n\r\n";
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, two.size()}) {
    RequestReader reader;
    std::vector<Request> got;
    for (std::size_t at = 0; at < two.size(); at += step) {
      reader.receive(as_bytes(std::string_view(two).substr(at, step)));
      while (true) {
        auto next = reader.next();
        ASSERT_TRUE(next) << next.error().detail;
        if (!*next) break;
        got.push_back(**next);
      }
    }
    ASSERT_EQ(got.size(), 2U) << step;
    EXPECT_EQ(got[0].method + " " + got[0].target + " " + got[0].body, "POST /wsman hello");
    EXPECT_TRUE(got[0].keep_alive());
    EXPECT_EQ(got[1].path(), "/logon.htm");
    EXPECT_FALSE(got[1].keep_alive());
    EXPECT_FALSE(reader.began());
  }
}

TEST(RequestReader, TheShortestHeadComesInEverySplit) {
  const std::string_view text = "GET / HTTP/1.1\r\n\r\n";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    RequestReader reader;
    reader.receive(as_bytes(text.substr(0, cut)));
    auto next = reader.next();
    ASSERT_TRUE(next && !*next) << cut;
    EXPECT_TRUE(reader.began()) << cut;
    reader.receive(as_bytes(text.substr(cut)));
    next = reader.next();
    ASSERT_TRUE(next && *next) << cut;
  }
}

TEST(RequestReader, TakesChunksApart) {
  const auto got =
      read_whole("PUT /x HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n0003\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->body, "abcde");
}

TEST(RequestReader, TakesChunksInEverySplit) {
  for (const std::string_view body : {"0\r\n\r\n", "0;x=y\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "0\r\nA: b\r\n\r\n"}) {
    const std::string text = "PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body);
    for (std::size_t step = 1; step <= text.size(); ++step) {
      RequestReader reader;
      Result<std::optional<Request>> next = std::optional<Request>();
      for (std::size_t at = 0; at < text.size(); at += step) {
        ASSERT_TRUE(next && !*next) << text << " in steps of " << step;
        reader.receive(as_bytes(std::string_view(text).substr(at, step)));
        next = reader.next();
      }
      ASSERT_TRUE(next && *next) << text << " in steps of " << step;
      EXPECT_EQ((*next)->body, body.starts_with('3') ? "abc" : "");
      EXPECT_FALSE(reader.began());
    }
  }
}

TEST(RequestReader, TrailersSayNothing) {
  const auto got = read_whole(
      "PUT /x HTTP/1.1\r\nHost: pc\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n0\r\nAuthorization: Digest\r\nOrigin: x\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->fields.count("Host"), 1U);
  for (const char* name : {"Authorization", "Origin", "Connection"}) {
    EXPECT_EQ((*got)->fields.count(name), 0U) << name;
  }
  EXPECT_TRUE((*got)->keep_alive());
}

TEST(RequestReader, RefusesWhatAnotherCouldReadOtherwise) {
  for (const char* head :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5, 5",
        "Content-Length: +5", "Content-Length: 0x5", "Content-Length: -1", "Content-Length: ", "Content-Length : 5",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity", "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked",
        "Content-Length: 99999999999999999999", "Host: a\nContent-Length: 5", "X\r\nContent-Length: 5"}) {
    EXPECT_FALSE(read_whole("POST /wsman HTTP/1.1\r\n" + std::string(head) + "\r\n\r\nhello")) << head;
  }
  for (const char* line : {"GET /a b HTTP/1.1", "GET / HTTP/2.0", "GET /\x01 HTTP/1.1", "GET /\xc3\xa4 HTTP/1.1",
                           "GET", "G(T / HTTP/1.1", "GET / HTTP/1.1 "}) {
    EXPECT_FALSE(read_whole(std::string(line) + "\r\n\r\n")) << line;
  }
}

TEST(RequestReader, HasLimits) {
  const auto code = [](const std::string& text) {
    const auto got = read_whole(text);
    return got ? Errc::Closed : got.error().code;
  };
  EXPECT_EQ(code("GET / HTTP/1.1\r\nX: " + std::string(kMaxHead, 'x')), Errc::TooLarge);
  EXPECT_EQ(code("GET /" + std::string(kMaxTarget, 'x') + " HTTP/1.1\r\n\r\n"), Errc::TooLarge);
  EXPECT_EQ(code("PUT / HTTP/1.1\r\nContent-Length: " + std::to_string(kMaxBody + 1) + "\r\n\r\n"), Errc::TooLarge);
  EXPECT_EQ(code("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff0\r\n" + std::string(kMaxBody + 1, 'x')),
            Errc::TooLarge);
  for (const char* endless : {"1;", "0", "0\r\nA: ", "1\r\na\r\n0\r\nA: b\r\nB: "}) {
    EXPECT_EQ(code("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(endless) +
                   std::string(kMaxHead, '0')),
              Errc::TooLarge)
        << endless;
  }
  EXPECT_TRUE(read_whole("PUT / HTTP/1.1\r\nContent-Length: " + std::to_string(kMaxBody) + "\r\n\r\n" +
                         std::string(kMaxBody, 'x')));
}

TEST(RequestReader, TellsOnceThatItsSenderWaits) {
  RequestReader reader;
  reader.receive(as_bytes("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  ASSERT_TRUE(reader.next());
  EXPECT_TRUE(reader.take_expectation());
  EXPECT_FALSE(reader.take_expectation());
  EXPECT_TRUE(reader.began());
}

TEST(Request, KnowsThePathInEveryForm) {
  const auto path = [](std::string target) {
    Request r;
    r.target = std::move(target);
    return std::string(r.path());
  };
  EXPECT_EQ(path("/wsman?x"), "/wsman?x");
  EXPECT_EQ(path("HTTP://pc:16992/wsman"), "/wsman");
  EXPECT_EQ(path("http://pc"), "/");
  EXPECT_EQ(path("*"), "");
  EXPECT_EQ(path("pc:443"), "");
}

TEST(AnswerReader, TakesAnswersInEverySplit) {
  struct Row {
    const char* text;
    const char* want;
    bool head = false;
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0003\r\nabc\r\n0002\r\nde\r\n0\r\n\r\n",
       "200 keep|abcde|end "},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n\r\n", "200 keep||end "},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r", "200 keep|error: closed"},
      {"HTTP/1.1 303 See Other\r\nContent-Length: 0\r\n\r\n", "303 keep||end "},
      {"HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", "401 close|no|end "},
      {"HTTP/1.0 200 OK\r\n\r\nuntil the end", "200 close|until the end|end "},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n", "204 keep||end "},
      {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "200 keep||end ", true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nabc", "200 keep|error: closed"},
      {"HTTP/1.1 200 OK\r\nContent-Le", "error: closed"},
      {"HTTP/1.1 101 Switching\r\n\r\n", "error: bad_value"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "error: bad_value"},
      {"SSH-2.0-x\r\n\r\n", "error: bad_value"},
  };
  for (const Row& row : rows) {
    const std::string_view text(row.text);
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, text.size()}) {
      EXPECT_EQ(read_answer(text, step, row.head), row.want) << row.text << " in steps of " << step;
    }
  }
}

}  // namespace
}  // namespace amtgate::http
