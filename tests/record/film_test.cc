#include "amtgate/record/film.h"

#include <gtest/gtest.h>

#include "amtgate/base/writer.h"
#include "amtgate/record/fbs.h"
#include "amtgate/rfb/client_messages.h"
#include "amtgate/rfb/protocol.h"
#include "amtgate/rfb/server_role.h"

namespace amtgate::record {
namespace {

const TimePoint kStart{seconds(1000)};

/// A screen, and a camera that records it.
struct Studio {
  explicit Studio(rfb::Size size) : camera(size, "pc1") {
    EXPECT_TRUE(screen.resize(size));
    append_fbs_opening(file);
    Buffer wishes;
    rfb::encode(wishes, rfb::SetEncodings{{rfb::kZlib, rfb::kDesktopSize}});
    EXPECT_TRUE(camera.receive(wishes, kStart));
    drain(0);
  }
  void paint(const rfb::Rect& area, std::uint16_t colour) {
    Buffer pixels;
    for (unsigned i = 0; i < static_cast<unsigned>(area.width) * area.height; ++i) {
      Writer(pixels).u8(colour & 0xffU).u8(colour >> 8U);
    }
    ASSERT_TRUE(screen.put(area, pixels));
    camera.changed(area);
  }
  void shoot(bool all, std::uint32_t ms) {
    Buffer ask;
    rfb::encode(ask, rfb::UpdateRequest{!all, {0, 0, screen.size().width, screen.size().height}});
    ASSERT_TRUE(camera.receive(ask, kStart));
    camera.show(screen.view(), kStart);
    drain(ms);
  }
  void drain(std::uint32_t ms) {
    while (!camera.output().empty()) {
      const Bytes out = camera.output();
      append_fbs_block(file, out, ms);
      camera.sent(out.size());
    }
  }
  rfb::Screen screen;
  rfb::ServerRole camera;
  Buffer file;
};

bool equal(const rfb::Screen& a, const rfb::Screen& b) {
  if (!(a.size() == b.size())) return false;
  const rfb::PixelView x = a.view(), y = b.view();
  for (unsigned row = 0; row < a.size().height; ++row) {
    if (!std::equal(x.at(0, row), x.at(0, row) + a.size().width * 2U, y.at(0, row))) return false;
  }
  return true;
}

TEST(Film, ShowsWhatTheCameraSaw) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20U}) {
    Studio studio({70, 40});
    Film film;
    std::size_t fed = 0;
    // Everything that was filmed so far; the last frame.
    const auto play = [&] {
      std::optional<Film::Frame> last;
      while (fed < studio.file.size()) {
        const std::size_t n = std::min(piece, studio.file.size() - fed);
        film.receive(Bytes(studio.file).subspan(fed, n));
        fed += n;
        while (true) {
          auto frame = film.next();
          EXPECT_TRUE(frame) << frame.error().detail;
          if (!frame || !*frame) break;
          last = **frame;
        }
      }
      return last;
    };
    studio.paint({0, 0, 70, 40}, 0xf800);
    studio.shoot(true, 100);
    auto frame = play();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->ms, 100u);
    EXPECT_EQ(film.name(), "pc1");
    EXPECT_TRUE(equal(film.screen(), studio.screen));
    studio.paint({10, 10, 20, 5}, 0x07e1);
    studio.paint({60, 30, 10, 10}, 0x1234);
    studio.shoot(false, 2500);
    frame = play();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->ms, 2500u);
    EXPECT_FALSE(frame->changed.empty());
    EXPECT_TRUE(equal(film.screen(), studio.screen));
    ASSERT_TRUE(studio.screen.resize({90, 30}));
    studio.camera.resized({90, 30});
    studio.shoot(false, 3000);
    studio.paint({0, 0, 90, 30}, 0x8410);
    studio.shoot(false, 3100);
    frame = play();
    ASSERT_TRUE(frame);
    EXPECT_TRUE(equal(film.screen(), studio.screen));
    EXPECT_TRUE(film.at_end());
  }
}

TEST(Film, RefusesWhatIsNone) {
  const auto error_of = [](const Buffer& file) {
    Film film;
    film.receive(file);
    while (true) {
      const auto frame = film.next();
      if (!frame) return frame.error().detail;
      if (!*frame) return std::string();
    }
  };
  const auto text = [](std::string_view s) { return Buffer(s.begin(), s.end()); };
  EXPECT_NE(error_of(text("RIFFxxxxxxxx")), "");
  EXPECT_EQ(error_of(text("FBS 001.")), "") << "more may come";
  Buffer huge = text("FBS 001.000\n");
  Writer(huge).be32(kMaxFbsBlock + 1);
  EXPECT_NE(error_of(huge).find("limit"), std::string::npos);

  Studio studio({16, 16});
  studio.shoot(true, 1);
  const auto with = [&](const Buffer& message) {
    Buffer file = studio.file;
    append_fbs_block(file, message, 2);
    return error_of(file);
  };
  EXPECT_EQ(error_of(studio.file), "");
  Buffer outside;
  Writer(outside).u8(0).u8(0).be16(1).be16(10).be16(0).be16(7).be16(1).be32(0);
  EXPECT_EQ(with(outside), "a rectangle outside of the screen");
  Buffer junk;
  Writer(junk).u8(0).u8(0).be16(1).be16(0).be16(0).be16(1).be16(1).be32(rfb::kZlib).be32(3).text("abc");
  EXPECT_EQ(with(junk), "pixels that do not inflate");
  Buffer bomb;
  Writer(bomb).u8(0).u8(0).be16(1).be16(0).be16(0).be16(1).be16(1).be32(rfb::kZlib).be32(0x7fffffff);
  EXPECT_NE(with(bomb).find("2147483647 bytes"), std::string::npos);
  Buffer size;
  Writer(size).u8(0).u8(0).be16(1).be16(0).be16(0).be16(65535).be16(65535).be32(static_cast<std::uint32_t>(-223));
  EXPECT_NE(with(size), "");
  EXPECT_NE(with({9, 9, 9}).find("message 9"), std::string::npos);
}

}  // namespace
}  // namespace amtgate::record
