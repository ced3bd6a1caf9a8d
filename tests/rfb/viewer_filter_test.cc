#include "amtgate/rfb/viewer_filter.h"

#include <gtest/gtest.h>

#include "tests/support/feed.h"

namespace amtgate::rfb {
namespace {

std::string trace(ViewerFilter::Options options, const std::vector<Bytes>& chunks) {
  ViewerFilter f(options);
  Buffer out;
  for (const Bytes c : chunks) {
    if (const Result<void> r = f.filter(c, out); !r) return to_hex(out) + " !" + name(r.error().code);
  }
  return to_hex(out);
}

std::string encodings(std::vector<std::int32_t> list) {
  Buffer b;
  encode(b, SetEncodings{std::move(list)});
  return to_hex(b);
}

// In the order that gvncviewer 1.3.1 sends them: JpegQ5 Tight xvp QEMUExtKey QEMULed ExtDesktopSize DesktopSize
// DesktopName LastRect VMwareMode QEMUAudio CursorAlpha Cursor XCursor PointerMotion ZRLE Hextile RRE CopyRect Raw.
const std::string kGtkVnc = encodings(
    {-27, 7, -309, -258, -261, -308, -223, -307, -224, 0x574d5669, -259, -314, -239, -240, -257, 16, 5, 2, 1, 0});
// xtightvncviewer from another host: no Raw, no DesktopSize.
const std::string kTightVnc = encodings({1, 7, 5, 6, 4, 2, -256, -26, -240, -239, -232, -224});
const std::string k565 = "0000000010100001001f003f001f0b0500000000";
const std::string k332 = "0000000008080001000700070003050200000000";
const std::string kRequest = "03010000000002d00190";

struct Row {
  const char* name;
  ViewerFilter::Options options;
  std::string in;
  std::string want;
};

TEST(ViewerFilter, LeavesWhatAmtTakes) {
  const std::string raw_resize = encodings({0, -223}), raw = encodings({0});
  const ViewerFilter::Options def, zrle{.zrle = true}, grey{.grey = true};
  const Row rows[] = {
      {"gtk-vnc", def, k565 + kGtkVnc + kRequest, k565 + raw_resize + kRequest},
      {"gtk-vnc with ZRLE", zrle, kGtkVnc, encodings({16, 0, -223})},
      {"ZRLE not listed", zrle, encodings({0}), raw},
      {"xtightvncviewer gets RAW all the same", def, kTightVnc, raw},
      {"RGB332", def, k332, k332},
      {"RGB332 of depth 6, odd padding", def, "00ffffff08060101000700070003050200ffffff", k332},
      {"32 bits", def, kRequest + "000000002018000100ff00ff00ff100800000000", raw + kRequest + " !unsupported"},
      {"BGR233", def, "0000000008080001000700070003000306000000", " !unsupported"},
      {"555 at 11/6/1", def, "00000000100f0001001f001f001f0b0601000000", " !unsupported"},
      {"colour map", def, "0000000008080000000000000000000000000000", " !unsupported"},
      {"grey where the device has it", grey, "000000000808000100ff00000000000000000000",
       "000000000808000100ff00000000000000000000"},
      {"grey where it has not", def, "000000000808000100ff00000000000000000000", " !unsupported"},
      {"request without encodings", def, kRequest + kRequest, raw + kRequest + kRequest},
      {"encodings after the request", def, kRequest + kGtkVnc, raw + kRequest + raw_resize},
      {"keys", def, "04010000000000610400000000000061", "04010000000000610400000000000061"},
      {"buttons 6 to 8", def, "05ff0001000205e000010002", "051f00010002050000010002"},
      {"cut text", def,
       "060000000000000568656c6c6f"
       "0401000000000061",
       "0401000000000061"},
      {"KvmExtCmd", def, "060000000000000d004b766d457874436d64000400", ""},
      {"extended clipboard", def, "06000000fffffffc010000010401000000000061", "0401000000000061"},
      {"fence and continuous updates", def,
       "f80000008000000102aabb96010000000004000300"
       "0401000000000061",
       "0401000000000061"},
      {"QEMU key", def, "ff00000100000061000000150401000000000061", "0401000000000061"},
      {"xvp, desktop size", def,
       "fa000102fb00040003000000"
       "0401000000000061",
       "0401000000000061"},
      {"unknown", def, "040100000000006177", "0401000000000061 !unsupported"},
      {"half a key", def, "0401000000", ""},
      {"half a text", def, "06000000000100006868", ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Buffer in = test::hex(row.in);
    EXPECT_EQ(trace(row.options, {Bytes(in)}), row.want);
    test::feed_all_ways(in, [&](const std::vector<Bytes>& chunks) { return trace(row.options, chunks); });
  }
}

TEST(ViewerFilter, SaysWhatWasAskedAndWhatToDo) {
  ViewerFilter f;
  Buffer out;
  const Result<void> r = f.filter(test::hex("000000002018000100ff00ff00ff100800000000"), out);
  ASSERT_FALSE(r);
  for (const char* part : {"32 bits a pixel", "255/255/255 at 16/8/0", "RGB565", "RGB332"}) {
    EXPECT_NE(r.error().detail.find(part), std::string::npos) << part;
  }
  EXPECT_TRUE(f.filter(test::hex("0401000000000061"), out));
  EXPECT_TRUE(out.empty()) << "takes nothing after an error";
}

TEST(ViewerFilter, DropsATextOfFourGigabytesWithoutKeepingIt) {
  ViewerFilter f;
  Buffer out;
  ASSERT_TRUE(f.filter(test::hex("060000007fffffff"), out));
  const Buffer chunk(1U << 20U, 0x04);
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(f.filter(chunk, out));
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace amtgate::rfb
