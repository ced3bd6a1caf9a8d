#include "amtgate/redir/messages.h"

#include <gtest/gtest.h>

#include "amtgate/base/hex.h"
#include "amtgate/redir/message_outbox.h"
#include "tests/support/feed.h"

namespace amtgate::redir {
namespace {

using test::hex;

struct StartRow {
  const char* name;
  const char* bytes;
  std::optional<Service> want;
  bool canonical;
};
const StartRow kStarts[] = {
    {"sol", "10 00 00 00  53 4f 4c 20", Service::Sol, true},
    {"ider", "10 00 00 00  49 44 45 52", Service::Ider, true},
    {"kvm", "10 01 00 00  4b 56 4d 52", Service::Vnc, true},
    {"kvm_flag_zero", "10 00 00 00  4b 56 4d 52", Service::Vnc, false},
    {"reserved_not_zero", "10 07 08 09  53 4f 4c 20", Service::Sol, false},
    {"unknown_tag", "10 00 00 00  41 42 43 44", std::nullopt, false},
};

TEST(StartSession, Decodes) {
  for (const StartRow& row : kStarts) {
    const Buffer b = hex(row.bytes);
    for (std::size_t n = 0; n < b.size(); ++n) {
      Bytes in = Bytes(b).first(n);
      const auto r = take_start(in);
      EXPECT_TRUE(r && !*r) << row.name << " cut to " << n;
      EXPECT_EQ(in.size(), n);
    }
    Bytes in = b;
    const auto r = take_start(in);
    ASSERT_TRUE(r && *r) << row.name;
    EXPECT_EQ((*r)->service(), row.want) << row.name;
    EXPECT_TRUE(in.empty());
    if (row.canonical) {
      Buffer out;
      encode(out, StartSession::of(*row.want));
      EXPECT_EQ(to_hex(out), to_hex(b)) << row.name;
    }
  }
}

TEST(StartSession, SaysWhatElseSpeaks) {
  const std::pair<const char*, const char*> rows[] = {
      {"474554202f", "expected StartRedirectionSession 0x10, got 0x47 'G' (HTTP?)"},
      {"160301", "expected StartRedirectionSession 0x10, got 0x16 (TLS?)"},
      {"524642", "expected StartRedirectionSession 0x10, got 0x52 'R' (RFB?)"},
      {"00", "expected StartRedirectionSession 0x10, got 0x00"},
  };
  for (const auto& [bytes, want] : rows) {
    const Buffer b = hex(bytes);
    Bytes in = b;
    const auto r = take_start(in);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, Errc::Unsupported);
    EXPECT_EQ(r.error().detail, want);
  }
}

TEST(StartReply, TakesOemDataAndShortRefusals) {
  struct Row {
    const char* name;
    const char* bytes;
    StartStatus status;
    const char* oem;
    std::size_t rest;
  };
  const Row rows[] = {
      {"plain", "11000000 0000000000000000 00", StartStatus::Success, "", 0},
      {"oem", "11000000 0000000000000000 04 01020304 14", StartStatus::Success, "01020304", 1},
      {"not_parsed", "11000102 0304050607080900 00 14", StartStatus::Success, "", 1},
      {"busy_short", "11020000", StartStatus::Busy, "", 0},
      {"busy_full", "11020000 0000000000000000 00", StartStatus::Busy, "", 0},
      {"consent", "11050000 00", StartStatus::ConsentRequired, "", 0},
      {"refusal_with_oem", "11ff0000 0000000000000000 02 0102", StartStatus::Error, "", 0},
  };
  for (const Row& row : rows) {
    const Buffer b = hex(row.bytes);
    Bytes in = b;
    const auto r = take_start_reply(in);
    ASSERT_TRUE(r && *r) << row.name;
    EXPECT_EQ((*r)->status, row.status) << row.name;
    EXPECT_EQ(to_hex((*r)->oem), row.oem) << row.name;
    EXPECT_EQ(in.size(), row.rest) << row.name;
  }
  for (const char* cut : {"", "11", "110200", "11000000 0000000000000000", "11000000 0000000000000000 02 01"}) {
    const Buffer b = hex(cut);
    Bytes in = b;
    const auto r = take_start_reply(in);
    EXPECT_TRUE(r && !*r) << cut;
    EXPECT_EQ(in.size(), b.size());
  }
  Buffer out;
  encode(out, StartReply{StartStatus::Busy, {}});
  EXPECT_EQ(to_hex(out), "11020000000000000000000000");
}

TEST(Authenticate, RoundTripsTheVectors) {
  const char* rows[] = {
      "13 00 00 00 00 00 00 00 00",
      "13 00 00 00 01 11 00 00 00 05 61 64 6d 69 6e 0a 50 40 73 73 77 30 72 64 31 21",
      "13 00 00 00 02 00 00 00 00",
      ("13 00 00 00 04 20 00 00 00 05 61 64 6d 69 6e 00 00 13 2f 52 65 64 69 72 65 63 74 69 6f 6e"
       "53 65 72 76 69 63 65 00 00 00 00"),
  };
  for (const char* row : rows) {
    const Buffer b = hex(row);
    for (std::size_t n = 0; n < b.size(); ++n) {
      Bytes in = Bytes(b).first(n);
      const auto r = take_authenticate(in);
      EXPECT_TRUE(r && !*r) << row;
    }
    Bytes in = b;
    const auto r = take_authenticate(in);
    ASSERT_TRUE(r && *r) << row;
    EXPECT_TRUE(in.empty());
    Buffer out;
    encode(out, **r);
    EXPECT_EQ(to_hex(out), to_hex(b));
  }
}

TEST(Authenticate, BoundsItsData) {
  for (const char* row : {"13 00 00 00 04 01 10 00 00", "13 00 00 00 04 ff ff ff ff"}) {
    const Buffer b = hex(row);
    Bytes in = b;
    const auto r = take_authenticate(in);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, Errc::TooLarge);
  }
  const Buffer b = hex("14 00 00 00 04 ff ff ff 7f");
  Bytes in = b;
  EXPECT_EQ(take_authenticate_reply(in).error().code, Errc::TooLarge);
}

constexpr const char* kResponse =
    "13 00 00 00 04 b3 00 00 00 05 61 64 6d 69 6e 27 44 69 67 65 73 74 3a 41 33 46 30 43 39 44"
    "31 45 32 42 34 35 36 37 38 39 30 41 42 43 44 45 46 31 32 33 34 35 36 37 38 20 71 59 51 41"
    "41 4a 34 41 41 41 41 76 6b 5a 36 6d 33 73 5a 70 30 57 4a 6d 56 31 73 51 79 51 37 64 13 2f"
    "52 65 64 69 72 65 63 74 69 6f 6e 53 65 72 76 69 63 65 20 61 62 63 64 65 66 30 31 32 33 34"
    "35 36 37 38 39 61 62 63 64 65 66 30 31 32 33 34 35 36 37 38 39 08 30 30 30 30 30 30 30 32"
    "20 32 61 31 61 35 34 64 32 66 39 63 33 65 63 38 30 63 39 32 66 31 34 37 61 62 32 36 37 34"
    "66 37 35 04 61 75 74 68";

TEST(DigestData, DecodesAndEncodesTheVector) {
  const Buffer b = hex(kResponse);
  ASSERT_EQ(b.size(), 188u);
  Bytes in = b;
  const auto m = take_authenticate(in);
  ASSERT_TRUE(m && *m);
  const auto d = parse_digest((*m)->method, (*m)->data);
  ASSERT_TRUE(d);
  EXPECT_EQ(d->user, "admin");
  EXPECT_EQ(d->realm, "Digest:A3F0C9D1E2B4567890ABCDEF12345678");
  EXPECT_EQ(d->nonce, "qYQAAJ4AAAAvkZ6m3sZp0WJmV1sQyQ7d");
  EXPECT_EQ(d->uri, "/RedirectionService");
  EXPECT_EQ(d->cnonce, "abcdef0123456789abcdef0123456789");
  EXPECT_EQ(d->nc, "00000002");
  EXPECT_EQ(d->response, "2a1a54d2f9c3ec80c92f147ab2674f75");
  EXPECT_EQ(d->qop, "auth");
  Buffer out;
  encode(out, Authenticate{AuthMethod::Digest, *encode_digest(AuthMethod::Digest, *d)});
  EXPECT_EQ(to_hex(out), to_hex(b));
  // Method 3: the same without the qop, L = 0xae.
  const Buffer old = *encode_digest(AuthMethod::DigestOld, *d);
  EXPECT_EQ(old.size(), 0xaeu);
  EXPECT_EQ(parse_digest(AuthMethod::DigestOld, old)->response, d->response);
}

TEST(DigestData, RefusesFieldsThatRunOver) {
  EXPECT_FALSE(parse_digest(AuthMethod::Digest, hex("ff 61")));
  EXPECT_FALSE(parse_digest(AuthMethod::Digest, hex("00 00 00 00 00 00 00")));
  EXPECT_FALSE(parse_digest(AuthMethod::Digest, hex("00 00 00 00 00 00 00 00 00")));
  EXPECT_FALSE(parse_digest(AuthMethod::Password, hex("00 00 00 00 00 00 00")));
  EXPECT_TRUE(parse_digest(AuthMethod::DigestOld, hex("00 00 00 00 00 00 00")));
  const std::string huge(256, 'u');
  DigestData d;
  d.user = huge;
  EXPECT_EQ(encode_digest(AuthMethod::Digest, d).error().code, Errc::TooLarge);
  EXPECT_EQ(encode_password({huge, ""}).error().code, Errc::TooLarge);
}

TEST(Challenge, DecodesTheVector) {
  const Buffer b =
      hex("14 01 00 00 04 4e 00 00 00 27 44 69 67 65 73 74 3a 41 33 46 30 43 39 44 31 45 32 42 34 35"
          "36 37 38 39 30 41 42 43 44 45 46 31 32 33 34 35 36 37 38 20 71 59 51 41 41 4a 34 41 41 41"
          "41 76 6b 5a 36 6d 33 73 5a 70 30 57 4a 6d 56 31 73 51 79 51 37 64 04 61 75 74 68");
  ASSERT_EQ(b.size(), 87u);
  Bytes in = b;
  const auto m = take_authenticate_reply(in);
  ASSERT_TRUE(m && *m);
  EXPECT_EQ((*m)->status, AuthStatus::Failure);
  const auto c = parse_challenge((*m)->method, (*m)->data);
  ASSERT_TRUE(c);
  EXPECT_EQ(c->realm, "Digest:A3F0C9D1E2B4567890ABCDEF12345678");
  EXPECT_EQ(c->qop, "auth");
  Buffer out;
  encode(out, AuthenticateReply{AuthStatus::Failure, AuthMethod::Digest, *encode_challenge(AuthMethod::Digest, *c)});
  EXPECT_EQ(to_hex(out), to_hex(b));
  EXPECT_FALSE(parse_challenge(AuthMethod::Digest, hex("01 61 01 62")));
  EXPECT_TRUE(parse_challenge(AuthMethod::DigestOld, hex("01 61 01 62")));
}

TEST(PasswordData, DecodesTheVector) {
  const Buffer b = hex("05 61 64 6d 69 6e 0a 50 40 73 73 77 30 72 64 31 21");
  const auto d = parse_password(b);
  ASSERT_TRUE(d);
  EXPECT_EQ(d->user, "admin");
  EXPECT_EQ(d->password, "P@ssw0rd1!");
  for (const char* bad : {"", "05 61", "01 61", "01 61 01 62 63", "00"})
    EXPECT_FALSE(parse_password(hex(bad))) << bad;
}

TEST(End, IsFourBytes) {
  Buffer out;
  encode_end(out);
  EXPECT_EQ(to_hex(out), "12000000");
}

TEST(MessageOutbox, ShowsOneMessageAtATime) {
  MessageOutbox out;
  EXPECT_TRUE(out.view().empty());
  out.push({1, 2, 3});
  out.push({});
  out.push({4, 5});
  EXPECT_EQ(out.size(), 5u);
  EXPECT_EQ(to_hex(out.view()), "010203");
  out.sent(2);
  EXPECT_EQ(to_hex(out.view()), "03");
  out.sent(1);
  EXPECT_EQ(to_hex(out.view()), "0405");
  out.push({6});
  out.sent(3);
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(out.view().empty());
}

}  // namespace
}  // namespace amtgate::redir
