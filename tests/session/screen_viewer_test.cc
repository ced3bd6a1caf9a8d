#include "amtgate/session/screen_viewer.h"

#include <gtest/gtest.h>

#include "tests/support/counting_random.h"
#include "tests/support/feed.h"

namespace amtgate::session {
namespace {

const TimePoint kNow{seconds(100)};

struct One {
  explicit One(const ViewerOptions& options = {}) : viewer(options, random, kNow) {}

  std::string sent() {
    std::string out;
    while (!viewer.output().empty()) {
      out += to_hex(viewer.output());
      viewer.sent(viewer.output().size());
    }
    return out;
  }
  /// "ready joined key place pointer ended:CODE", for all that has happened.
  std::string told() {
    std::string out;
    while (const auto e = viewer.next_event()) {
      if (std::holds_alternative<ScreenViewer::Ready>(*e)) out += "ready ";
      if (std::holds_alternative<ScreenViewer::Joined>(*e)) out += "joined ";
      if (std::holds_alternative<rfb::KeyEvent>(*e)) out += "key ";
      if (std::holds_alternative<rfb::QemuKeyEvent>(*e)) out += "place ";
      if (std::holds_alternative<rfb::PointerEvent>(*e)) out += "pointer ";
      if (const auto* ended = std::get_if<ScreenViewer::Ended>(&*e)) {
        out += std::string("ended:") + name(ended->error.code) + " ";
        why = ended->error.detail;
      }
    }
    return out;
  }
  void receive(std::string_view hex_text) { viewer.receive(test::hex(hex_text), kNow); }

  test::CountingRandom random;
  ScreenViewer viewer;
  std::string why;
};

constexpr const char* kVersion = "524642203030332e3030380a";
constexpr const char* kInit = "0020 0010  20 18 00 01 00ff 00ff 00ff 10 08 00 000000  00000003 706331";

TEST(ScreenViewer, FromTheFirstByteToTheScreen) {
  One v;
  EXPECT_EQ(v.sent(), kVersion);
  v.receive(kVersion);
  EXPECT_EQ(v.sent(), "0101");
  v.receive("01");
  EXPECT_EQ(v.told(), "ready ");
  EXPECT_EQ(v.sent(), "") << "not before there is a screen";
  EXPECT_EQ(v.viewer.screen(), nullptr);
  v.viewer.accept({32, 16}, "pc1", kNow);
  EXPECT_EQ(v.sent(), "00000000");
  EXPECT_EQ(v.told(), "");
  v.receive("01");
  EXPECT_EQ(v.told(), "joined ");
  EXPECT_NE(v.viewer.screen(), nullptr);
  EXPECT_TRUE(v.viewer.joined());
  EXPECT_EQ(v.sent(), to_hex(test::hex(kInit)));
  EXPECT_FALSE(v.viewer.deadline());
  v.receive("04 01 0000 00000061  05 00 0001 0001  ff 00 0001 00000061 0000001e");
  EXPECT_EQ(v.told(), "key pointer place ");
  v.receive("77");
  EXPECT_EQ(v.told(), "ended:unsupported ");
  EXPECT_TRUE(v.viewer.over());
  EXPECT_EQ(v.viewer.screen(), nullptr);
  v.receive("04 01 0000 00000061");
  EXPECT_EQ(v.told(), "");
}

TEST(ScreenViewer, AtAnySplit) {
  // All at once, ahead of our answers: version, None, ClientInit, keys.
  const Buffer in =
      test::hex(std::string(kVersion) + "01 01 04 01 0000 00000061 06 000000 00000003 616263 05 00 0001 0001");
  test::feed_all_ways(in, [](const std::vector<Bytes>& chunks) {
    One v;
    std::string log;
    for (const Bytes& chunk : chunks) {
      v.viewer.receive(chunk, kNow);
      const std::string now = v.told();
      if (now.find("ready") != std::string::npos) v.viewer.accept({32, 16}, "pc1", kNow);
      log += now + v.told();
    }
    EXPECT_EQ(log, "ready joined key pointer ");
    return log + v.sent();
  });
}

TEST(ScreenViewer, TheSizeIsThatOfTheLastAccept) {
  One v;
  v.receive(std::string(kVersion) + "01");
  v.viewer.accept({800, 600}, "pc1", kNow);
  v.viewer.accept({32, 16}, "pc1", kNow);  // it has changed while ClientInit is on its way
  v.sent();
  v.receive("00");
  EXPECT_EQ(v.sent(), to_hex(test::hex(kInit)));
}

TEST(ScreenViewer, RefusedInWords) {
  One v;
  v.receive(std::string(kVersion) + "01");
  v.sent();
  v.viewer.end({Errc::Busy, "in use"}, kNow);
  EXPECT_EQ(v.sent(), to_hex(test::hex("00000001 00000006 696e20757365")));
  EXPECT_EQ(v.told(), "ready ended:busy ");
  EXPECT_EQ(v.why, "in use");
}

TEST(ScreenViewer, RefusedAsSoonAsItListens) {
  One v;
  v.viewer.end({Errc::Refused, "not you"}, kNow);
  EXPECT_EQ(v.told(), "");
  v.receive(std::string(kVersion) + "01");
  EXPECT_NE(v.sent().find(to_hex(as_bytes("not you"))), std::string::npos);
  EXPECT_EQ(v.told(), "ended:refused ");
  One silent;
  silent.viewer.end({Errc::Refused, "not you"}, kNow);
  ASSERT_TRUE(silent.viewer.deadline());
  silent.viewer.tick(*silent.viewer.deadline());
  EXPECT_EQ(silent.told(), "ended:refused ") << "why it was ended, not that it was silent";
}

TEST(ScreenViewer, OneThatHasJoinedIsJustClosed) {
  One v;
  v.receive(std::string(kVersion) + "01");
  v.viewer.accept({32, 16}, "pc1", kNow);
  v.receive("01");
  v.sent();
  v.told();
  v.viewer.end({Errc::Closed, "pc1 closed"}, kNow);
  EXPECT_EQ(v.sent(), "");
  EXPECT_EQ(v.told(), "ended:closed ");
  v.viewer.end({Errc::Closed, "again"}, kNow);
  EXPECT_EQ(v.told(), "");
}

TEST(ScreenViewer, SilentOnesEnd) {
  One v;
  ASSERT_TRUE(v.viewer.deadline());
  v.viewer.tick(kNow);
  EXPECT_EQ(v.told(), "");
  v.viewer.tick(*v.viewer.deadline());
  EXPECT_EQ(v.told(), "ended:timeout ");
  EXPECT_FALSE(v.viewer.deadline());
}

TEST(ScreenViewer, NothingToSendIsNothingSent) {
  One v;
  v.sent();
  v.viewer.sent(0);
  EXPECT_TRUE(v.viewer.output().empty());
}

TEST(ScreenViewer, EachHasItsOwnChallenge) {
  test::CountingRandom random;
  ViewerOptions options;
  options.password = "secret12";
  ScreenViewer a(options, random, kNow), b(options, random, kNow);
  const Buffer hello = test::hex(std::string(kVersion) + "02");
  a.receive(hello, kNow);
  b.receive(hello, kNow);
  EXPECT_NE(to_hex(a.output()), to_hex(b.output()));
  EXPECT_EQ(a.output().size(), 12U + 2 + 16);
}

/// ann types, bob looks, eve knows the password and may nothing.
class ThreeUsers final : public ViewerLogin {
 public:
  Result<Hands> judge(std::string_view user, std::string_view password) const override {
    if (password != "pw") return Error{Errc::AuthFailed, "wrong user or password"};
    if (user == "eve") return Error{Errc::Refused, "eve may not"};
    return user == "ann" ? Hands::On : Hands::Off;
  }
};

TEST(ScreenViewer, UsersLogInInsideOfTls) {
  const struct {
    const char* user;
    const char* password;
    const char* told;
    const char* words;  // of the refusal
  } rows[] = {{"ann", "pw", "ready ", ""},
              {"bob", "pw", "ready ", ""},
              {"eve", "pw", "ended:refused ", "eve may not"},
              {"ann", "no", "ended:auth_failed ", "authentication failed"}};
  for (const auto& row : rows) {
    ViewerOptions options;
    options.tls = true;
    options.password = "ignored";
    options.login = std::make_shared<ThreeUsers>();
    One v(options);
    v.sent();
    v.receive(kVersion);
    v.receive("13 0002 00000106");
    v.sent();
    v.viewer.tls_started(kNow);
    Buffer login = test::hex("00000003 00000002");
    append(login, as_bytes(std::string(row.user) + row.password));
    v.viewer.receive(login, kNow);
    std::optional<ScreenViewer::Ready> ready;
    std::string told;
    while (const auto e = v.viewer.next_event()) {
      if (const auto* r = std::get_if<ScreenViewer::Ready>(&*e)) {
        ready = *r;
        told += "ready ";
      }
      if (const auto* ended = std::get_if<ScreenViewer::Ended>(&*e)) {
        told += std::string("ended:") + name(ended->error.code) + " ";
      }
    }
    EXPECT_EQ(told, row.told) << row.user;
    if (ready) {
      EXPECT_EQ(ready->user, row.user);
      EXPECT_EQ(ready->security, rfb::SecurityType::Plain);
      EXPECT_EQ(ready->hands, ready->user == "ann" ? Hands::On : Hands::Off);
    } else {
      EXPECT_NE(v.sent().find(to_hex(as_bytes(std::string_view(row.words)))), std::string::npos) << row.user;
    }
  }
}

}  // namespace
}  // namespace amtgate::session
