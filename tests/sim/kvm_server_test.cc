#include "amtgate/sim/kvm_server.h"

#include <gtest/gtest.h>

#include "tests/sim/kvm_viewer.h"
#include "tests/support/feed.h"

namespace amtgate::sim {
namespace {

using rfb::kDesktopSize;
using rfb::kRaw;
using rfb::kZrle;
using test::KvmViewer;
using test::pixels_of;

const rfb::PixelFormat kTrue32{32, 24, false, true, 255, 255, 255, 16, 8, 0};

struct Session {
  explicit Session(KvmOptions options = {}, rfb::Size size = {200, 150}, std::string password = {})
      : screen(size, milliseconds(100), now),
        server(std::move(options), screen, now),
        viewer(now, std::move(password)) {}

  std::optional<Error> pump(std::size_t chunk = SIZE_MAX) { return viewer.pump(server, now, chunk); }
  std::optional<Error> start(std::vector<std::int32_t> encodings) {
    if (auto e = pump()) return e;
    viewer.send(rfb::SetEncodings{std::move(encodings)});
    viewer.request(true);
    return pump();
  }
  void wait(milliseconds t) { now += t; }
  /// Everything that is waiting, and the last one of type T.
  template <class T>
  std::optional<T> event() {
    std::optional<T> last;
    while (const auto e = server.next_event()) {
      if (const auto* t = std::get_if<T>(&*e)) last = *t;
    }
    return last;
  }

  TimePoint now{};
  KvmScreen screen;
  KvmServer server;
  KvmViewer viewer;
};

TEST(KvmServer, SpeaksAsAmtDoes) {
  KvmScreen screen({720, 400}, milliseconds(0), {});
  KvmOptions o;
  o.greeting = rfb::Greeting::V4_0;
  KvmServer s(o, screen, {});
  std::string all = to_hex(s.output());
  s.sent(s.output().size());
  for (const char* in : {"52464220 3030332e 3030380a", "01", "01"}) {
    ASSERT_TRUE(s.receive(test::hex(in), {}));
    while (!s.output().empty()) {
      all += " " + to_hex(s.output());
      s.sent(s.output().size());
    }
  }
  EXPECT_EQ(all, to_hex(as_bytes("RFB 004.000\n")) +
                     " 020180 00000000 02d0019010100001001f003f001f0b0500000000"
                     "00000010" +
                     to_hex(as_bytes("Intel(r) AMT KVM")));
  const auto connected = std::get<KvmServer::Connected>(*s.next_event());
  EXPECT_TRUE(connected.shared);
}

TEST(KvmServer, FirstRequestGetsTheWholeScreenInTiles) {
  for (const rfb::ZrleForm form :
       {rfb::ZrleForm::Stored, rfb::ZrleForm::Zlib, rfb::ZrleForm::ZlibStored, rfb::ZrleForm::RawDeflate}) {
    KvmOptions o;
    o.zrle = form;
    Session s(o);
    EXPECT_FALSE(s.start({kZrle, kRaw, 1092, kDesktopSize}));
    EXPECT_EQ(s.viewer.updates, 1u);
    EXPECT_EQ(s.viewer.zrle, 4 * 3u) << "200x150 in tiles of 64x64";
    EXPECT_EQ(s.viewer.raw, 0u);
    EXPECT_EQ(s.viewer.screen(), pixels_of(s.screen.picture()));
    EXPECT_EQ(s.viewer.surplus(), 0u);
  }
}

TEST(KvmServer, RawOnly) {
  Session s;
  EXPECT_FALSE(s.start({kRaw}));
  EXPECT_EQ(s.viewer.raw, 12u);
  EXPECT_EQ(s.viewer.screen(), pixels_of(s.screen.picture()));
}

TEST(KvmServer, EveryAcceptedFormat) {
  for (const rfb::PixelFormat& f : {rfb::kRgb565, rfb::kRgb332, rfb::kGrey8, rfb::kGrey4}) {
    KvmOptions o;
    o.grey_formats = true;
    Session s(o);
    EXPECT_FALSE(s.pump());
    s.viewer.set_format(f);
    EXPECT_FALSE(s.start({kZrle, kRaw}));
    EXPECT_EQ(s.viewer.screen(), pixels_of(s.screen.picture(), f)) << to_string(f);
    EXPECT_EQ(s.server.format(), f);
  }
}

TEST(KvmServer, OneUpdateARequestAndOnlyWhatChanged) {
  Session s;
  EXPECT_FALSE(s.start({kZrle, kRaw}));
  s.viewer.request(true);
  EXPECT_FALSE(s.pump());
  EXPECT_EQ(s.viewer.updates, 1u) << "nothing has changed";
  ASSERT_TRUE(s.server.deadline());
  EXPECT_EQ(*s.server.deadline(), s.now + milliseconds(100));
  s.wait(milliseconds(100));
  ASSERT_TRUE(s.server.tick(s.now));
  EXPECT_FALSE(s.pump());
  EXPECT_EQ(s.viewer.updates, 2u);
  EXPECT_LT(s.viewer.rectangles, 12u + 6);
  EXPECT_EQ(s.viewer.screen(), pixels_of(s.screen.picture()));
  s.wait(milliseconds(500));
  ASSERT_TRUE(s.server.tick(s.now));
  EXPECT_FALSE(s.pump());
  EXPECT_EQ(s.viewer.updates, 2u) << "not asked";
  s.viewer.request(false);
  EXPECT_FALSE(s.pump());
  EXPECT_EQ(s.viewer.updates, 3u);
  EXPECT_EQ(s.viewer.screen(), pixels_of(s.screen.picture()));
}

TEST(KvmServer, BackToBackNeedsNoRequests) {
  KvmOptions o;
  o.back_to_back = true;
  Session s(o);
  EXPECT_FALSE(s.start({kZrle, kRaw}));
  for (int i = 0; i < 5; ++i) {
    s.wait(milliseconds(100));
    ASSERT_TRUE(s.server.tick(s.now));
    EXPECT_FALSE(s.pump());
  }
  EXPECT_EQ(s.viewer.updates, 6u);
  EXPECT_EQ(s.viewer.screen(), pixels_of(s.screen.picture()));
}

TEST(KvmServer, ManyRequestsAreOne) {
  Session s;
  EXPECT_FALSE(s.start({kRaw}));
  for (int i = 0; i < 300; ++i) s.viewer.send(rfb::UpdateRequest{true, {0, 0, 10, 10}});
  EXPECT_FALSE(s.pump());
  s.wait(milliseconds(1000));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(s.server.tick(s.now));
    EXPECT_FALSE(s.pump());
  }
  EXPECT_LE(s.viewer.updates, 2u);
}

TEST(KvmServer, MakesNoMoreThanIsTaken) {
  Session s({}, {1920, 1080});
  EXPECT_FALSE(s.pump());
  Buffer in;
  encode(in, rfb::SetEncodings{{kRaw}});
  encode(in, rfb::UpdateRequest{false, {0, 0, 1920, 1080}});
  ASSERT_TRUE(s.server.receive(in, s.now));
  std::size_t most = 0, all = 0;
  while (!s.server.output().empty()) {
    const std::size_t n = std::min<std::size_t>(1000, s.server.output().size());
    most = std::max(most, s.server.output().size());
    all += n;
    s.server.sent(n);
  }
  EXPECT_EQ(all, 4 + 510 * 12 + 1920 * 1080 * 2u);
  EXPECT_LT(most, 48u << 10U);
}

TEST(KvmServer, ClosesWithoutAWord) {
  struct Row {
    const char* name;
    std::function<void(KvmViewer&)> act;
    Errc code;
  };
  const std::vector<Row> rows = {
      {"32 bits", [](KvmViewer& v) { v.send(rfb::SetPixelFormat{kTrue32}); }, Errc::Unsupported},
      {"grey on old firmware", [](KvmViewer& v) { v.send(rfb::SetPixelFormat{rfb::kGrey8}); }, Errc::Unsupported},
      {"no RAW",
       [](KvmViewer& v) {
         v.send(rfb::SetEncodings{{kZrle, kDesktopSize}});
       },
       Errc::BadValue},
      {"request before encodings", [](KvmViewer& v) { v.request(false); }, Errc::BadValue},
      {"QEMU key",
       [](KvmViewer& v) {
         v.send(rfb::QemuKeyEvent{true, {'a'}, 0x1e});
       },
       Errc::Unsupported},
      {"extended clipboard",
       [](KvmViewer& v) {
         v.send(rfb::ClientCutText{as_bytes("hihi"), 0, true});
       },
       Errc::Unsupported},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    Session s;
    EXPECT_FALSE(s.pump());
    row.act(s.viewer);
    const auto error = s.pump();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, row.code) << error->detail;
    EXPECT_TRUE(s.server.output().empty());
    EXPECT_FALSE(s.server.deadline());
  }
}

TEST(KvmServer, FrameBufferLimit) {
  Session s({}, {3840, 2160});
  const auto error = s.start({kZrle, kRaw});
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Errc::TooLarge);

  Session eight({}, {3840, 2160});
  EXPECT_FALSE(eight.pump());
  eight.viewer.set_format(rfb::kRgb332);
  EXPECT_FALSE(eight.start({kZrle, kRaw, kDesktopSize}));
  EXPECT_EQ(eight.viewer.screen(), pixels_of(eight.screen.picture(), rfb::kRgb332));

  Session grows;
  EXPECT_FALSE(grows.start({kZrle, kRaw, kDesktopSize}));
  grows.viewer.request(true);
  EXPECT_FALSE(grows.pump());
  grows.screen.set_mode({3840, 2160});
  const Result<void> r = grows.server.tick(grows.now);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::TooLarge);
}

TEST(KvmServer, ChangeOfSize) {
  Session s;
  EXPECT_FALSE(s.start({kZrle, kRaw, kDesktopSize}));
  s.viewer.request(true);
  EXPECT_FALSE(s.pump());
  s.screen.set_mode({72, 40});
  ASSERT_TRUE(s.server.tick(s.now));
  EXPECT_FALSE(s.pump());
  EXPECT_EQ(s.viewer.resizes, 1u);
  EXPECT_EQ(s.viewer.size, (rfb::Size{72, 40}));
  EXPECT_TRUE(s.event<KvmServer::Resized>()->told);
  s.viewer.request(true);  // brings nothing
  s.wait(milliseconds(300));
  EXPECT_FALSE(s.pump());
  EXPECT_EQ(s.viewer.updates, 2u);
  s.viewer.request(false);
  EXPECT_FALSE(s.pump());
  EXPECT_EQ(s.viewer.updates, 3u);
  EXPECT_EQ(s.viewer.screen(), pixels_of(s.screen.picture()));
}

TEST(KvmServer, ChangeOfSizeForAViewerThatCannot) {
  Session s;
  EXPECT_FALSE(s.start({kRaw}));
  for (const rfb::Size size : {rfb::Size{100, 100}, rfb::Size{800, 600}}) {
    s.screen.set_mode(size);
    s.viewer.request(true);
    EXPECT_FALSE(s.pump());
    EXPECT_FALSE(s.event<KvmServer::Resized>()->told);
    EXPECT_EQ(s.viewer.size, (rfb::Size{200, 150})) << "keeps its size, and gets nothing outside it";
    Buffer want;
    s.screen.picture().read({0, 0, 200, 150}, rfb::kRgb565, want);
    EXPECT_EQ(s.viewer.screen(), want);
  }
}

TEST(KvmServer, KeysAndPointer) {
  Session s;
  EXPECT_FALSE(s.start({kRaw}));
  s.viewer.send(rfb::KeyEvent{true, {0x17170056}});
  EXPECT_FALSE(s.pump());
  const auto key = s.event<KvmServer::Key>();
  ASSERT_TRUE(key && key->hid);
  EXPECT_EQ(*key->hid, 0x64);
  EXPECT_TRUE(key->down);
  s.viewer.send(rfb::KeyEvent{false, {0x20ac}});
  s.viewer.send(rfb::PointerEvent{1, 20, 30});
  EXPECT_FALSE(s.pump());
  bool euro = false, pointer = false;
  while (const auto e = s.server.next_event()) {
    if (const auto* k = std::get_if<KvmServer::Key>(&*e)) euro = !k->hid && !k->down;
    if (const auto* p = std::get_if<KvmServer::Pointer>(&*e)) pointer = p->buttons == 1 && p->x == 20 && p->y == 30;
  }
  EXPECT_TRUE(euro && pointer);
}

TEST(KvmServer, VncPasswordOn5900) {
  KvmOptions o;
  o.none = false;
  o.extra_types.clear();
  o.password = rfb::ServerHandshake::Password{"P@ssw0rd", {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6}};
  Session right(o, {200, 150}, "P@ssw0rd");
  EXPECT_FALSE(right.start({kRaw}));
  EXPECT_TRUE(right.viewer.ready());
  EXPECT_EQ(right.event<KvmServer::Connected>()->security, rfb::SecurityType::VncAuth);
  Session wrong(o, {200, 150}, "password");
  const auto error = wrong.pump();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Errc::AuthFailed);

  KvmOptions none;
  none.refusal = "No password configured for VNC Auth";
  Session refused(none);
  const auto said = refused.pump();
  ASSERT_TRUE(said);
  EXPECT_EQ(said->code, Errc::Refused);
  EXPECT_NE(to_hex(refused.server.output()).find(to_hex(as_bytes(none.refusal))), std::string::npos);
}

TEST(KvmServer, IdleAndNoDisplay) {
  KvmOptions o;
  o.idle = std::chrono::minutes(3);
  Session s(o);
  EXPECT_FALSE(s.start({kRaw}));
  s.wait(std::chrono::minutes(2));
  s.viewer.send(rfb::KeyEvent{true, {'a'}});
  s.viewer.request(false);
  EXPECT_FALSE(s.pump());
  s.wait(std::chrono::minutes(2));
  s.viewer.request(false);  // a request is no input
  EXPECT_FALSE(s.pump());
  s.wait(std::chrono::minutes(1));
  const Result<void> r = s.server.tick(s.now);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::Timeout);

  KvmOptions dark;
  dark.no_display = seconds(5);
  Session d(dark);
  EXPECT_FALSE(d.start({kRaw}));
  EXPECT_TRUE(d.server.tick(d.now));
  d.wait(seconds(5));
  EXPECT_FALSE(d.server.tick(d.now));
}

TEST(KvmServer, ExtensionCommands) {
  KvmOptions o;
  o.ext_commands = true;
  Session s(o);
  EXPECT_FALSE(s.start({kZrle, kRaw, 1092}));
  ASSERT_EQ(s.viewer.texts.size(), 1u);
  EXPECT_EQ(s.viewer.texts[0], rfb::to_cut_text(rfb::KvmData{})) << "the channel is announced";
  s.viewer.texts.clear();
  for (const char* text :
       {"004b766d457874436d64000100", "004b766d457874436d64000203", "004b766d457874436d64000100",
        "004b766d457874436d64000400", "004b766d457874436d64000300", "004b766d446174614368616e6e656c006869"}) {
    const Buffer b = test::hex(text);
    s.viewer.send(rfb::ClientCutText{b, 0, false});
    EXPECT_FALSE(s.pump());
  }
  std::vector<std::string> got;
  for (const Buffer& t : s.viewer.texts) got.push_back(to_hex(t).substr(22));
  EXPECT_EQ(got,
            (std::vector<std::string>{"010200", "0200", "010300", "0400", "0300", to_hex(as_bytes("nnel")) + "01"}));
  s.viewer.request(false);  // compression is off now, and everything still decodes
  EXPECT_FALSE(s.pump());
  EXPECT_EQ(s.viewer.screen(), pixels_of(s.screen.picture()));

  Session old;
  EXPECT_FALSE(old.start({kRaw}));
  old.viewer.send(rfb::ClientCutText{test::hex("004b766d457874436d64000100"), 0, false});
  old.viewer.send(rfb::ClientCutText{as_bytes("hello"), 0, false});
  EXPECT_FALSE(old.pump());
  EXPECT_TRUE(old.viewer.texts.empty());
  EXPECT_EQ(old.event<KvmServer::CutText>()->length, 5u);
}

TEST(KvmServer, AnswersOfAViewerThatNeverReadsAreBounded) {
  KvmOptions o;
  o.ext_commands = true;
  Session s(o);
  EXPECT_FALSE(s.start({kRaw}));
  s.viewer.request(false);
  Buffer in;
  for (int i = 0; i < 100'000; ++i) {
    encode(in, rfb::ClientCutText{test::hex("004b766d457874436d64000100"), 0, false});
    if (in.size() > 60'000) {
      ASSERT_TRUE(s.server.receive(in, s.now));
      in.clear();
      s.event<KvmServer::ExtCommand>();
    }
  }
  EXPECT_LT(s.server.output().size(), 128u << 10U);
}

// The same bytes give the same events and the same picture however they are cut.
TEST(KvmServer, FedAllWays) {
  Buffer in = test::hex("52464220 3030332e 3030380a 01 01");
  encode(in, rfb::SetPixelFormat{rfb::kRgb332});
  encode(in, rfb::SetEncodings{{kZrle, kRaw, kDesktopSize}});
  encode(in, rfb::UpdateRequest{true, {0, 0, 64, 48}});
  encode(in, rfb::KeyEvent{true, {'a'}});
  encode(in, rfb::PointerEvent{1, 2, 3});
  encode(in, rfb::SetPixelFormat{kTrue32});
  test::feed_all_ways(in, [](const std::vector<Bytes>& chunks) {
    KvmScreen screen({64, 48}, milliseconds(0), {});
    KvmServer s({}, screen, {});
    std::string out;
    for (const Bytes c : chunks) {
      const Result<void> r = s.receive(c, {});
      while (const auto e = s.next_event()) out += std::to_string(e->index());
      if (!r) return out + name(r.error().code);
    }
    return out;
  });
}

}  // namespace
}  // namespace amtgate::sim
