#include "amtgate/rfb/client_messages.h"

#include <gtest/gtest.h>

#include "tests/support/feed.h"

namespace amtgate::rfb {
namespace {

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

std::string say(const ClientMessage& m) {
  const auto n = [](auto v) { return std::to_string(v); };
  return std::visit(
      Overload{[&](const SetPixelFormat& x) { return "format " + to_string(x.format); },
               [&](const SetEncodings& x) {
                 std::string s = "encodings";
                 for (const std::int32_t e : x.encodings) s += " " + n(e);
                 return s;
               },
               [&](const UpdateRequest& x) {
                 return std::string(x.incremental ? "more " : "all ") + n(x.area.x) + " " + n(x.area.y) + " " +
                        n(x.area.width) + " " + n(x.area.height);
               },
               [&](const KeyEvent& x) { return std::string(x.down ? "down " : "up ") + n(x.key.value); },
               [&](const PointerEvent& x) { return "pointer " + n(x.buttons) + " " + n(x.x) + " " + n(x.y); },
               [&](const ClientCutText& x) {
                 return std::string(x.extended ? "clipboard " : "text ") + n(x.length) + " kept " + n(x.text.size()) +
                        " " + to_hex(x.text.first(std::min<std::size_t>(4, x.text.size())));
               },
               [&](const QemuKeyEvent& x) {
                 return std::string(x.down ? "qemu down " : "qemu up ") + n(x.key.value) + " " + n(x.scan_code);
               },
               [&](const EnableContinuousUpdates& x) {
                 return std::string(x.enable ? "continuous " : "on request ") + n(x.area.x) + " " + n(x.area.y) +
                        " " + n(x.area.width) + " " + n(x.area.height);
               },
               [&](const ClientFence& x) { return "fence " + n(x.flags) + " " + to_hex(x.payload); },
               [&](const OtherClientMessage& x) {
                 return "other " + n(static_cast<unsigned>(x.type)) + " " + n(x.message.size());
               }},
      m);
}

std::string trace(const std::vector<Bytes>& chunks) {
  ClientMessageReader reader;
  std::string out;
  for (const Bytes c : chunks) {
    reader.receive(c);
    for (;;) {
      const auto m = reader.next();
      if (!m) return out + "!" + name(m.error().code);
      if (!*m) break;
      out += say(**m) + "; ";
    }
    EXPECT_LE(reader.kept(), 8 + kMaxCutTextKept);
  }
  return out;
}

struct Row {
  const char* name;
  std::string hex;
  std::string want;
};

std::string repeated(std::string_view digits, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += digits;
  return out;
}

const Row kRows[] = {
    // MeshCommander
    {"encodings with RLE", "02000004 00000010 00000000 00000444 ffffff21", "encodings 16 0 1092 -223; "},
    {"RGB332", "00000000 08080001000700070003050200 000000", "format RGB332; "},
    {"first request is incremental", "03 01 0000 0000 02d0 0190", "more 0 0 720 400; "},
    {"after resize", "03 00 0000 0000 0400 0300", "all 0 0 1024 768; "},
    {"Ctrl-Alt-Del down", "04010000 0000ffe3 04010000 0000ffe9 04010000 0000ffff",
     "down 65507; down 65513; down 65535; "},
    {"key up", "04000000 17170056", "up 387383382; "},
    {"wheel", "05 08 0010 0020 05 00 0010 0020", "pointer 8 16 32; pointer 0 16 32; "},
    {"KvmExtCmd 2,2", "06000000 0000000d 00 4b766d457874436d64 00 02 02", "text 13 kept 13 004b766d; "},
    {"KvmDataChannel", "06000000 00000012 00 4b766d446174614368616e6e656c 00 6869", "text 18 kept 18 004b766d; "},
    // extension types, between messages that must still be found
    {"continuous updates", "96 01 0000 0000 0400 0300  04010000 00000061", "continuous 0 0 1024 768; down 97; "},
    {"no continuous updates", "96 00 0001 0002 0003 0004", "on request 1 2 3 4; "},
    {"fence", "f8 000000 80000001 03 aabbcc  04010000 00000061", "fence 2147483649 aabbcc; down 97; "},
    {"empty fence", "f8 000000 80000001 00", "fence 2147483649 ; "},
    {"fence too long", "f8 000000 80000001 41", "!too_large"},
    {"xvp", "fa 00 01 02", "other 250 4; "},
    {"desktop size", "fb 00 0400 0300 01 00" + repeated("00", 16) + "fa000102", "other 251 24; other 250 4; "},
    {"QEMU key", "ff 00 0001 00000000 00000056", "qemu down 0 86; "},
    {"QEMU audio on", "ff 01 0000 04010000 00000061", "other 255 4; down 97; "},
    {"QEMU audio format", "ff 01 0002 03 02 0000ac44", "other 255 10; "},
    {"QEMU audio unknown", "ff 01 0003", "!unsupported"},
    {"QEMU unknown", "ff 02", "!unsupported"},
    {"extended clipboard", "06000000 fffffffc 01000001 04010000 00000061", "clipboard 4 kept 4 01000001; down 97; "},
    {"empty text", "06000000 00000000 fa000102", "text 0 kept 0 ; other 250 4; "},
    {"long text is skipped", "06000000 00001388" + repeated("41", 5000) + "fa000102",
     "text 5000 kept 4096 41414141; other 250 4; "},
    {"no encodings", "02000000", "encodings; "},
    {"too many encodings", "02000401", "!too_large"},
    {"unknown type", "04010000 00000061 07", "down 97; !unsupported"},
    {"fix-up of a colour map: withdrawn type 1", "01", "!unsupported"},
    {"half a message", "03 01 0000", ""},
};

TEST(ClientMessages, DecodesHoweverItIsCut) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    const Buffer in = test::hex(row.hex);
    EXPECT_EQ(trace({Bytes(in)}), row.want);
    test::feed_all_ways(in, trace);
  }
}

TEST(ClientMessages, MostNegativeLength) {
  const auto n = client_message_length(test::hex("06000000 80000000"));
  ASSERT_TRUE(n);
  EXPECT_EQ(**n, 8 + 0x80000000ULL);
}

TEST(ClientMessages, EncodesWhatItDecodes) {
  Buffer out;
  encode(out, SetPixelFormat{kRgb332});
  encode(out, SetEncodings{{kZrle, kRaw, kKvmDataChannel, kDesktopSize}});
  encode(out, UpdateRequest{true, {1, 2, 3, 4}});
  encode(out, KeyEvent{true, {0xffe3}});
  encode(out, PointerEvent{5, 6, 7});
  encode(out, ClientCutText{as_bytes("hi"), 0, false});
  encode(out, ClientCutText{as_bytes("hihi"), 0, true});
  encode(out, QemuKeyEvent{false, {0x3c}, 0x56});
  encode(out, EnableContinuousUpdates{true, {1, 2, 3, 4}});
  encode(out, ClientFence{kFenceRequest | kSyncNext, as_bytes("hi")});
  EXPECT_EQ(to_hex(out),
            "00000000080800010007000700030502000000000200000400000010000000000000044"
            "4ffffff21030100010002000300040401000000"
            "00ffe30505000600070600000000000002"
            "68690600"
            "0000fffffffc68696869"
            "ff0000000000003c00000056"
            "96010001000200030004"
            "f800000080000004026869");
  EXPECT_EQ(trace({Bytes(out)}),
            "format RGB332; encodings 16 0 1092 -223; more 1 2 3 4; down 65507; pointer 5 6 7; text 2 kept 2 6869; "
            "clipboard 4 kept 4 68696869; qemu up 60 86; continuous 1 2 3 4; fence 2147483652 6869; ");
}

}  // namespace
}  // namespace amtgate::rfb
