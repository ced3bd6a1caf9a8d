#include "amtgate/ider/messages.h"

#include <gtest/gtest.h>

#include "amtgate/base/hex.h"
#include "tests/support/feed.h"

namespace amtgate::ider {
namespace {

using test::hex;

struct Row {
  const char* name;
  const char* bytes;
  bool canonical = true;  // we write it the same
};

// From MeshCommander and amtider runs, or laid out after the tables in ider/messages.h.
const Row kClient[] = {
    {"open_mesh", "40000000 00000000 3075 0000 204e 01000000"},
    {"open_amtider", "40640010 27881301 0000 0000 0000 00000000", false},
    {"close", "42000000 09000000"},
    {"ping", "44000000 09000000"},
    {"pong", "45000000 09000000"},
    {"reset_reply", "47000000 09000000"},
    {"features_supported", "48000000 01000000 01"},
    {"features_state", "48000000 01000000 02"},
    {"features_enable_now", "48000000 01000000 03 19000000"},
    {"heartbeat", "4b000000 02000000"},
    {"end_good", "51000002 05000000 000000000000000000000000 c5000300 0000b050 000000"},
    {"end_good_amtider", "51000002 05000000 000000000000000000000000 85000300 0000b050 000000", false},
    {"end_unknown_command", "51000002 05000000 000000000000000000000000 87500300 0000b051 052000"},
    {"get_data", "52000000 05000000 00 0002 00 b5000000 0002a058 0000000000000000000000"},
    {"capacity_mesh", "54000002 05000000 00080000 b500020008001058 8500030000001050 000000000000 0000003f00000800",
     false},
    {"data_dma_last", "54000003 05000000 00040000 b40002000000b058 850003000000b050 000000000000 01020304"},
    {"data_pio_more", "54000000 05000000 00040000 b50002000400a058 0000000000000000 000000000000 01020304"},
    {"end_session", "12000000"},
};
const Row kDevice[] = {
    {"open_reply", "41000000 00000000 01000f00 00000000 00200020 00000000 00 57010000 00"},
    {"open_reply_oem", "41000000 00000000 01000f00 00000000 00200020 00000000 00 57010000 02 aabb"},
    {"open_refused", "41050000 00000000 01000f00 00000000 00200020 00000000 00 57010000 00"},
    {"close_reply", "43000000 03000000"},
    {"ping", "44000000 03000000"},
    {"pong", "45000000 03000000"},
    {"reset", "46000000 03000000 07"},
    {"features_done", "49000000 01000000 03 01000000"},
    {"error", "4a000000 04000000 26 0000"},
    {"heartbeat", "4b000000 04000000"},
    {"command_read_cd", "50000000 02000000 0001 0000 0080 10a0 280000000010000004000000"},
    {"command_floppy_pio", "50000000 02000000 0000 0000 0002 00a0 000000000000000000000000"},
    {"data_from_host", "53000000 05000000 00 0300 000000 010203"},
};

TEST(IderMessages, RoundTrip) {
  for (const Row& row : kClient) {
    const Buffer b = hex(row.bytes);
    const auto m = parse_client(b);
    ASSERT_TRUE(m) << row.name << " " << (m ? "" : m.error().detail);
    Buffer out;
    encode(out, *m);
    EXPECT_EQ(to_hex(out) == to_hex(b), row.canonical) << row.name << "\n" << to_hex(out) << "\n" << to_hex(b);
    EXPECT_FALSE(parse_client(Bytes(b).first(b.size() - 1))) << row.name;
  }
  for (const Row& row : kDevice) {
    const Buffer b = hex(row.bytes);
    const auto m = parse_device(b);
    ASSERT_TRUE(m) << row.name << " " << (m ? "" : m.error().detail);
    Buffer out;
    encode(out, *m);
    EXPECT_EQ(to_hex(out), to_hex(b)) << row.name;
    EXPECT_EQ(sequence_of(*m), b[4]) << row.name;
    EXPECT_FALSE(parse_device(Bytes(b).first(b.size() - 1))) << row.name;
  }
}

TEST(IderMessages, ReadFields) {
  const auto client = [](const char* bytes) {
    static Buffer b;
    b = hex(bytes);
    return *parse_client(b);
  };
  EXPECT_EQ(std::get<Open>(client(kClient[0].bytes)).rx_timeout, 30000);
  EXPECT_EQ(std::get<Open>(client(kClient[0].bytes)).heartbeat, 20000);
  const Open amtider = std::get<Open>(client(kClient[1].bytes));
  EXPECT_EQ(amtider.rx_timeout, 0);
  EXPECT_EQ(amtider.heartbeat, 0);
  EXPECT_EQ(amtider.version, 0u);
  EXPECT_EQ(std::get<CommandEnd>(client(kClient[10].bytes)).sense, Sense{});
  EXPECT_EQ(std::get<CommandEnd>(client(kClient[11].bytes)).sense, Sense{});
  const CommandEnd check = std::get<CommandEnd>(client(kClient[12].bytes));
  EXPECT_EQ(check.sense, (Sense{5, 0x20, 0}));
  EXPECT_EQ(check.drive, Drive::Cd);
  const DataToHost capacity = std::get<DataToHost>(client(kClient[14].bytes));
  EXPECT_TRUE(capacity.last);
  EXPECT_FALSE(capacity.dma);
  EXPECT_EQ(capacity.drive, Drive::Cd);
  EXPECT_EQ(to_hex(capacity.bytes), "0000003f00000800");
  EXPECT_EQ(std::get<GetData>(client(kClient[13].bytes)).size, 512);
  EXPECT_EQ(std::get<GetData>(client(kClient[13].bytes)).drive, Drive::Floppy);

  const Buffer read = hex(kDevice[10].bytes);
  const Command c = std::get<Command>(*parse_device(read));
  EXPECT_TRUE(c.dma);
  EXPECT_EQ(c.drive, Drive::Cd);
  EXPECT_EQ(c.byte_count_limit, 0x8000);
  EXPECT_EQ(c.cdb[0], 0x28);
  const Buffer reply = hex(kDevice[1].bytes);
  const OpenReply o = std::get<OpenReply>(*parse_device(reply));
  EXPECT_EQ(o.read_buffer, 8192);
  EXPECT_EQ(o.firmware_major, 15);
  EXPECT_EQ(o.iana, 343u);
  EXPECT_EQ(to_hex(o.oem), "aabb");
}

TEST(IderMessages, RefuseOthers) {
  EXPECT_FALSE(parse_client({}));
  EXPECT_FALSE(parse_device({}));
  for (const char* wrong : {"41", "50", "20", "ff"}) EXPECT_FALSE(parse_client(hex(wrong))) << wrong;
  for (const char* wrong : {"40", "51", "12000000", "21", "ff"}) EXPECT_FALSE(parse_device(hex(wrong))) << wrong;
}

}  // namespace
}  // namespace amtgate::ider
