#include "amtgate/rfb/server_messages.h"

#include <gtest/gtest.h>

#include "amtgate/rfb/kvm_extension.h"
#include "tests/support/feed.h"

namespace amtgate::rfb {
namespace {

std::string say(const ServerMessage& m) {
  if (const auto* b = std::get_if<UpdateBegin>(&m)) return "update " + std::to_string(b->rectangles) + "; ";
  if (const auto* r = std::get_if<Rectangle>(&m)) {
    return std::to_string(r->area.x) + "," + std::to_string(r->area.y) + " " + std::to_string(r->area.width) + "x" +
           std::to_string(r->area.height) + " e" + std::to_string(r->encoding) + " " + to_hex(r->data) + "; ";
  }
  if (std::holds_alternative<UpdateEnd>(m)) return "end; ";
  if (std::holds_alternative<Bell>(m)) return "bell; ";
  if (const auto* t = std::get_if<ServerCutText>(&m)) {
    return "text " + std::to_string(t->length) + " kept " + std::to_string(t->text.size()) + "; ";
  }
  const auto& c = std::get<ColourMap>(m);
  return "colours " + std::to_string(c.first) + " " + to_hex(c.entries) + "; ";
}

std::string trace(const std::vector<Bytes>& chunks) {
  ServerMessageReader reader;
  std::string out;
  for (const Bytes c : chunks) {
    reader.receive(c);
    for (;;) {
      const auto m = reader.next();
      if (!m) return out + "!" + name(m.error().code);
      if (!*m) break;
      out += say(**m);
    }
  }
  return out;
}

TEST(ServerMessages, DecodesHoweverItIsCut) {
  struct Row {
    const char* name;
    std::string hex;
    std::string want;
  };
  std::string long_text = "03000000 00020000";
  for (int i = 0; i < 0x20000; ++i) long_text += "41";
  const Row rows[] = {
      {"raw and ZRLE",
       "00 00 0002 0000 0000 0002 0001 00000000 00f8e007 0040 0000 0040 0040 00000010 00000008 000300fcff0100f8 02",
       "update 2; 0,0 2x1 e0 00f8e007; 64,0 64x64 e16 000300fcff0100f8; end; bell; "},
      {"desktop size", "00 00 0001 0000 0000 0400 0300 ffffff21", "update 1; 0,0 1024x768 e-223 ; end; "},
      {"empty update", "00 00 0000 02", "update 0; end; bell; "},
      {"cut text", "03000000 00000002 6869 02", "text 2 kept 2; bell; "},
      {"colour map", "01 00 0002 0001 111122223333 02", "colours 2 111122223333; bell; "},
      {"colour map too long", "01 00 0000 0101", "!too_large"},
      {"tile too wide", "00 00 0001 0000 0000 0041 0001 00000000", "update 1; !too_large"},
      {"tile of nothing", "00 00 0001 0000 0000 0000 0001 00000010", "update 1; !too_large"},
      {"tile data too long", "00 00 0001 0000 0000 0001 0001 00000010 00008001", "update 1; !too_large"},
      {"hextile", "00 00 0001 0000 0000 0001 0001 00000005", "update 1; !unsupported"},
      {"unknown", "02 96", "bell; !unsupported"},
      {"half", "00 00 0001 0000 0000 0001 0001 00000010 00000008 0003", "update 1; "},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Buffer in = test::hex(row.hex);
    EXPECT_EQ(trace({Bytes(in)}), row.want);
    test::feed_all_ways(in, trace);
  }
  Buffer in = test::hex(long_text + "02");
  EXPECT_EQ(trace({Bytes(in)}), "text 131072 kept 65536; bell; ");
  EXPECT_EQ(trace({Bytes(in).first(70'000), Bytes(in).subspan(70'000)}), "text 131072 kept 65536; bell; ");
}

TEST(ServerMessages, EncodesWhatItDecodes) {
  const Buffer pixel = test::hex("00f8"), data = test::hex("000300fcff0100f8");
  Buffer out;
  encode(out, UpdateBegin{3});
  encode(out, Rectangle{{0, 0, 1, 1}, kRaw, pixel});
  encode(out, Rectangle{{64, 0, 1, 1}, kZrle, data});
  encode(out, Rectangle{{0, 0, 720, 400}, kDesktopSize, {}});
  encode(out, Bell{});
  encode(out, ServerCutText{as_bytes("hi"), 0});
  EXPECT_EQ(
      trace({Bytes(out)}),
      "update 3; 0,0 1x1 e0 00f8; 64,0 1x1 e16 000300fcff0100f8; 0,0 720x400 e-223 ; end; bell; text 2 kept 2; ");
}

TEST(KvmExtension, VectorsOfMeshCommander) {
  const Buffer set = test::hex("00 4b766d457874436d64 00 02 02");
  const auto m = parse_kvm_ext_cmd(set);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->command, KvmExtCmd::SetDecimation);
  EXPECT_EQ(m->value, 2);
  EXPECT_FALSE(m->state);
  EXPECT_EQ(to_cut_text(*m), set);
  EXPECT_EQ(to_hex(to_cut_text(KvmExtCmd{1, 2, 1})), "004b766d457874436d6400010201");
  EXPECT_FALSE(parse_kvm_ext_cmd(test::hex("00 4b766d457874436d64 00")));

  const Buffer data = test::hex("00 4b766d446174614368616e6e656c 00 6869");
  const auto d = parse_kvm_data(data);
  ASSERT_TRUE(d);
  EXPECT_FALSE(d->acknowledge);
  EXPECT_EQ(as_text(d->data), "hi");
  EXPECT_EQ(to_cut_text(*d), data);
  EXPECT_FALSE(parse_kvm_data(set));
  EXPECT_TRUE(is_kvm_text(set) && is_kvm_text(data));
  EXPECT_FALSE(is_kvm_text(as_bytes("Kvm")));
}

}  // namespace
}  // namespace amtgate::rfb
