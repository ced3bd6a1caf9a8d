#include "amtgate/ider/scsi.h"

#include <gtest/gtest.h>

#include "amtgate/base/hex.h"
#include "tests/ider/memory_source.h"
#include "tests/support/feed.h"

namespace amtgate::ider {
namespace {

using test::hex;

std::string outcome(ScsiDrive& drive, const char* cdb_hex) {
  const Buffer b = hex(cdb_hex);
  std::array<std::uint8_t, 12> cdb{};
  std::copy_n(b.begin(), std::min(b.size(), cdb.size()), cdb.begin());
  const auto o = drive.execute(cdb);
  if (const auto* done = std::get_if<ScsiDrive::Done>(&o)) {
    if (done->sense == Sense{}) return "good";
    const std::uint8_t s[] = {done->sense.key, done->sense.asc, done->sense.ascq};
    return "check " + to_hex(s);
  }
  if (const auto* reply = std::get_if<ScsiDrive::Reply>(&o)) return to_hex(reply->bytes);
  if (const auto* to = std::get_if<ScsiDrive::Store>(&o)) {
    return (to->verify ? "store and verify " : "store ") + std::to_string(to->first.value) + "+" +
           std::to_string(to->count.value);
  }
  const auto& blocks = std::get<ScsiDrive::Blocks>(o);
  return "blocks " + std::to_string(blocks.first.value) + "+" + std::to_string(blocks.count.value);
}

struct Row {
  const char* name;
  const char* cdb;
  const char* want;
};

void run(ScsiDrive& drive, std::span<const Row> rows) {
  for (const Row& row : rows) {
    std::string want = row.want;
    std::erase(want, ' ');
    std::string got = outcome(drive, row.cdb);
    std::erase(got, ' ');
    EXPECT_EQ(got, want) << row.name;
  }
}

TEST(ScsiDrive, AnswersForACd) {
  test::MemorySource iso(2048, 1000);
  ScsiDrive drive(Drive::Cd, &iso);
  const Row rows[] = {
      {"first_test_unit_ready", "00", "check 062800"},
      {"sense_of_it", "03000000 12", "70 00 06 00000000 0a 00000000 28 00 00000000"},
      {"sense_is_gone", "03000000 12", "70 00 00 00000000 0a 00000000 00 00 00000000"},
      {"test_unit_ready", "00", "good"},
      {"read_6", "08 01 02 03 04", "check 052100"},
      {"sense_of_range_cut", "03000000 0e", "70 00 05 00000000 0a 00000000 21 00"},
      {"read_6_ok", "08 00 00 03 04", "blocks 3+4"},
      {"read_6_zero_is_256", "08 00 00 03 00", "blocks 3+256"},
      {"write_6", "0a", "check 072700"},
      {"inquiry", "12000000 24", "05 80 00 21 1f 000000 616d746761746520 5669727475616c2043442d524f4d2020 312e3020"},
      {"inquiry_cut", "12000000 05", "05 80 00 21 1f"},
      {"inquiry_none", "12000000 00", "good"},
      {"inquiry_page", "12010000 24", "check 052400"},
      {"mode_sense_6", "1a003f00 ff", "00 05 80 00"},
      {"mode_sense_6_other", "1a000800 ff", "check 052400"},
      {"start_unit", "1b00000001", "good"},
      {"stop_unit", "1b00000000", "good"},
      {"load", "1b00000003", "good"},
      {"prevent", "1e00000001", "good"},
      {"eject_prevented", "1b00000002", "check 055302"},
      {"self_test", "1d04", "good"},
      {"diagnostic_with_parameters", "1d10000004", "check 052400"},
      {"rezero", "01", "good"},
      {"seek", "2b 00 000003e7", "good"},
      {"seek_far", "2b 00 000003e8", "check 052100"},
      {"verify", "2f 00 000003e7 00 0001", "good"},
      {"verify_far", "2f 00 000003e7 00 0002", "check 052100"},
      {"verify_bytes", "2f 02 00000000 00 0001", "check 052400"},
      {"verify_12", "af 00 00000000 000003e8", "good"},
      {"synchronize", "35", "good"},
      {"format_capacities", "23 000000000000 00fc", "check 052000"},
      {"capacity", "25", "000003e7 00000800"},
      {"read_10", "28 00 00000010 00 0004", "blocks 16+4"},
      {"read_10_last", "28 00 000003e7 00 0001", "blocks 999+1"},
      {"read_10_over", "28 00 000003e7 00 0002", "check 052100"},
      {"read_10_far", "28 00 ffffffff 00 ffff", "check 052100"},
      {"read_10_nothing", "28 00 00000010 00 0000", "good"},
      {"read_12", "a8 00 00000010 00000020", "blocks 16+32"},
      {"read_12_huge", "a8 00 00000010 ffffffff", "check 052100"},
      {"write_10", "2a 00 00000010 00 0001", "check 072700"},
      {"write_verify", "2e 00 00000010 00 0001", "check 072700"},
      {"toc_lba", "43 00 0000000000 0014", "00 12 01 01 00 14 01 00 00000000 00 14 aa 00 000003e8"},
      {"toc_msf", "43 02 0000000000 0014", "00 12 01 01 00 14 01 00 00 00 02 00 00 14 aa 00 00 00 0f 19"},
      {"toc_lead_out_only", "43 00 00000000 aa 0014", "00 0a 01 01 00 14 aa 00 000003e8"},
      {"toc_track_2", "43 00 00000000 02 0014", "check 052400"},
      {"toc_header", "43 00 0000000000 0004", "00 12 01 01"},
      {"toc_sessions", "43 00 0100000000 000c", "00 0a 01 01 00 14 01 00 00 00 00 00"},
      {"toc_sessions_atapi", "43 00 0000000000 000c 40", "00 0a 01 01 00 14 01 00 00 00 00 00"},
      {"toc_full", "43 00 0200000000 00ff",
       "002e 01 01"
       "01 14 00 a0 000000 00 01 00 00"
       "01 14 00 a1 000000 00 01 00 00"
       "01 14 00 a2 000000 00 00 0f 19"
       "01 14 00 01 000000 00 00 02 00"},
      {"toc_pma", "43 00 0300000000 000c", "check 052400"},
      {"configuration", "46 00 0000 000000 00ff",
       "0000003c 0000 0008 0000 03 04 00080100 0001 03 04 00000002 0002 03 04 00000000 0003 03 04 29000002"
       "0010 01 08 0000080000010000 001e 03 00 0100 03 00 0105 03 00"},
      {"configuration_from", "46 00 0100 000000 00ff", "0000000c 0000 0008 0100 03 00 0105 03 00"},
      {"configuration_one", "46 02 001e 000000 00ff", "00000008 0000 0008 001e 03 00"},
      {"configuration_none", "46 02 0042 000000 00ff", "00000004 0000 0008"},
      {"configuration_header", "46 00 0000 000000 0008", "0000003c 0000 0008"},
      {"event_new_medium", "4a 01 0000 10 0000 0008", "0006 04 10 02 02 0000"},
      {"event_nothing_new", "4a 01 0000 10 0000 0008", "0006 04 10 00 02 0000"},
      {"event_other_class", "4a 01 0000 02 0000 0008", "0002 80 10"},
      {"event_asynchronous", "4a 00 0000 10 0000 0008", "check 052400"},
      {"disc_information", "51 00 0000000000 0022",
       "0020 0e 01 01 01 01 20 0000000000000000 ffffffff ffffffff 00000000000000000000"},
      {"mode_sense_10_errors", "5a 00 01 00000000 00ff", "000e 01 80 00000000 01 06 00 ff 00000000"},
      {"mode_sense_10_power", "5a 00 1a 00000000 00ff", "0012 01 80 00000000 1a 0a 00000000000000000000"},
      {"mode_sense_10_time_outs", "5a 00 1d 00000000 00ff", "0012 01 80 00000000 1d 0a 00000000000000000000"},
      {"mode_sense_10_capabilities", "5a 00 2a 00000000 00ff",
       "0020 01 80 00000000 2a 18 00000000 20 000000000000 80 000000000000000000000000"},
      {"mode_sense_10_all", "5a 00 3f 00000000 00ff",
       "0028 01 80 00000000 01 06 00 ff 00000000 2a 18 00000000 20 000000000000 80 000000000000000000000000"},
      {"mode_sense_10_cut", "5a 00 3f 00000000 0008", "0028 01 80 00000000"},
      {"mode_sense_10_other", "5a 00 05 00000000 00ff", "check 052400"},
      {"mode_select", "55", "check 052000"},
      {"performance", "ac", "00000004 02000000"},
      {"track_information", "52 01 00000001 00 0024",
       "0022 01 01 00 04 01 00 00000000 00000000 00000000 00000000 000003e8 0000000000000000"},
      {"track_of_a_block", "52 00 000003e7 00 0008", "0022 01 01 00 04 01 00"},
      {"track_of_no_block", "52 00 000003e8 00 0008", "check 052400"},
      {"track_2", "52 01 00000002 00 0008", "check 052400"},
      {"dvd_structure_of_a_cd", "ad 00 00000000 00 00 0800", "check 053002"},
      {"speed", "bb 00 ffff ffff", "good"},
      {"read_cd", "be", "check 052000"},
      {"report_key", "a4", "check 052000"},
      {"capacity_16", "9e10", "00000000 000003e7 00000800 0000000000000000000000000000000000000000"},
      {"another_service_action", "9e12", "check 052400"},
      {"nonsense", "ff", "check 052000"},
  };
  run(drive, rows);
}

TEST(ScsiDrive, AnswersForAFloppy) {
  test::MemorySource image(512, 2880);
  ScsiDrive drive(Drive::Floppy, &image);
  const Row rows[] = {
      {"first_read_sees_the_medium", "28 00 00000000 00 0001", "blocks 0+1"},
      {"test_unit_ready", "00", "good"},
      {"inquiry", "12000000 08", "00 80 00 21 1f 000000"},
      {"capacity", "25", "00000b3f 00000200"},
      {"format_capacities", "23 000000000000 00fc", "00000008 00000b40 02000200"},
      {"mode_sense_6", "1a003f00 ff", "00 00 80 00"},
      {"toc", "43", "check 052000"},
      {"configuration", "46", "check 052000"},
      {"event", "4a01000010000000ff", "check 052000"},
      {"disc_information", "51", "check 052000"},
      {"mode_sense_10_errors", "5a 00 01 00000000 00ff", "0012 24 80 00000000 01 0a 00 01 00000000 02 000000"},
      {"mode_sense_10_geometry", "5a 00 05 00000000 00ff",
       "00 26 24 80 00 00 00 00 05 1e 04 b0 02 12 02 00 00 50 00 00 00 00 00 00 00 00 00 00 28 00 00 00 00 00 00 00 "
       "02 d0 00 00"},
      {"mode_sense_10_all", "5a 00 3f 00000000 00ff",
       "005e 24 80 00000000 01 0a 00 01 00000000 02 000000"
       "03 16 00a0 0000 0000 0000 0012 0200 0000 0000 0000 a0 000000"
       "05 1e 04 b0 02 12 02 00 00 50 00 00 00 00 00 00 00 00 00 00 28 00 00 00 00 00 00 00 02 d0 00 00"
       "08 0a 00000000000000000000 0b 06 00 00 00 11 24 31"},
      {"mode_sense_10_cd_page", "5a 00 2a 00000000 00ff", "check 052400"},
  };
  run(drive, rows);

  test::MemorySource large(512, 2881);
  ScsiDrive ls120(Drive::Floppy, &large);
  const Row more[] = {
      {"ls120_geometry", "5a 00 05 00000000 0012", "00 26 31 80 00 00 00 00 05 1e 10 a9 08 20 02 00 03 c3"},
  };
  run(ls120, more);
}

TEST(ScsiDrive, AnswersWithoutAMedium) {
  ScsiDrive drive(Drive::Cd, nullptr);
  const Row rows[] = {
      {"test_unit_ready", "00", "check 023a00"},
      {"sense", "03000000 12", "70 00 02 00000000 0a 00000000 3a 00 00000000"},
      {"read", "28 00 00000000 00 0001", "check 023a00"},
      {"read_6", "08", "check 023a00"},
      {"read_12", "a8", "check 023a00"},
      {"write", "2a", "check 023a00"},
      {"capacity", "25", "check 023a00"},
      {"toc", "43", "check 023a00"},
      {"track_information", "52 01 00000001 00 0024", "check 023a00"},
      {"dvd_structure", "ad", "check 023a00"},
      {"capacity_16", "9e10", "check 023a00"},
      {"verify", "2f", "check 023a00"},
      {"synchronize", "35", "check 023a00"},
      {"mode_sense", "5a002a00000000 0008", "0020 01 80 00000000"},
      {"mode_sense_6", "1a003f00 04", "00 05 80 00"},
      {"start", "1b00000001", "good"},
      {"prevent", "1e00000001", "good"},
      {"format_capacities", "23 000000000000 00fc", "check 052000"},
      {"inquiry", "12000000 01", "05"},
      {"event", "4a 01 0000 10 0000 0008", "0006 04 10 03 00 0000"},
      {"configuration", "46 02 001e 000000 0008", "00000008 0000 0000"},
      {"nonsense", "ff", "check 052000"},
  };
  run(drive, rows);
  test::MemorySource iso(2048, 1);
  drive.insert(&iso);
  const Row after[] = {
      {"told_once", "00", "check 062800"},
      {"event", "4a 01 0000 10 0000 0008", "0006 04 10 02 02 0000"},
      {"ready", "00", "good"},
  };
  run(drive, after);
  drive.reset();
  const Row reset[] = {
      {"told_by_request_sense", "03000000 12", "70 00 06 00000000 0a 00000000 28 00 00000000"},
      {"ready_again", "00", "good"},
  };
  run(drive, reset);
}

/// So many blocks, all zero.
class Vast final : public BlockSource {
 public:
  Vast(std::uint32_t size, std::uint32_t blocks) : size_(size), blocks_(blocks) {}
  std::uint32_t block_size() const override { return size_; }
  SectorCount blocks() const override { return {blocks_}; }
  Result<Fetch> read(Lba, MutableBytes out) override {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    return Fetch::Done;
  }

 private:
  std::uint32_t size_, blocks_;
};

TEST(ScsiDrive, AnEmptyFloppyDriveSaysSoInEveryWay) {
  ScsiDrive drive(Drive::Floppy, nullptr);
  const Row rows[] = {
      {"test_unit_ready", "00", "check 023a00"},
      {"capacity", "25", "check 023a00"},
      {"capacity_16", "9e10", "check 023a00"},
      {"format_capacities", "23 000000000000 00fc", "00000008 00000b40 03000200"},
      {"read", "28 00 00000000 00 0001", "check 023a00"},
      {"write_6", "0a", "check 023a00"},
      {"write_12", "aa", "check 023a00"},
      {"mode_sense_6", "1a003f00 ff", "00 00 80 00"},
      {"mode_sense_10", "5a 00 05 00000000 0008", "0026 24 80 00000000"},
      {"toc", "43", "check 052000"},
      {"track_information", "52", "check 052000"},
  };
  run(drive, rows);
}

TEST(ScsiDrive, MoreThanACdIsADvd) {
  Vast cd(2048, kMaxCdBlocks), dvd(2048, kMaxCdBlocks + 1), large(2048, 2'500'000);
  ScsiDrive a(Drive::Cd, &cd), b(Drive::Cd, &dvd), c(Drive::Cd, &large);
  const Row of_a_cd[] = {{"profile", "46 00 0000 000000 0008", "0000003c 0000 0008"}};
  run(a, of_a_cd);
  const Row of_a_dvd[] = {
      {"configuration", "46 00 0000 000000 00ff",
       "00000044 0000 0010 0000 03 08 00100100 00080000 0001 03 04 00000002 0002 03 04 00000000 0003 03 04 29000002"
       "0010 01 08 0000080000010000 001e 02 00 001f 01 00 0100 03 00 0105 03 00"},
      {"dvd_read", "46 02 001f 000000 00ff", "00000008 0000 0010 001f 01 00"},
      {"physical", "ad 00 00000000 00 00 0014 00 00", "check 062800"},
      {"physical_again", "ad 00 00000000 00 00 0014 00 00", "0802 0000 01 0f 01 00 00030000 00087e40 00000000"},
  };
  b.insert(&dvd);  // the host must hear of it before it is told of the new one
  run(b, of_a_dvd);
  const Row of_a_large_one[] = {
      {"capacity", "25", "002625 9f 00000800"},
      {"toc_msf", "43 02 0000000000 0014", "00 12 01 01 00 14 01 00 00 00 02 00 00 14 aa 00 00 ff 3b 4a"},
      {"copyright", "ad 00 00000000 00 01 00ff 00 00", "0006 0000 00000000"},
      {"list", "ad 00 00000000 00 ff 00ff 00 00", "000e 0000 00 40 0804 01 40 0008 04 40 0804"},
      {"second_layer", "ad 00 00000000 01 00 00ff 00 00", "check 052400"},
      {"disc_key", "ad 00 00000000 00 02 00ff 00 00", "check 052400"},
  };
  run(c, of_a_large_one);
}

TEST(ScsiDrive, TakesWritesOnAFloppyThatIsWritable) {
  test::MemorySource image(512, 2880);
  ScsiDrive drive(Drive::Floppy, &image);
  const Row closed[] = {
      {"write_10", "2a 00 00000010 00 0001", "check 072700"},
      {"write_6", "0a 00 00 10 01", "check 072700"},
      {"mode_sense_6", "1a003f00 ff", "00 00 80 00"},
  };
  run(drive, closed);
  image.can_write = true;
  const Row open[] = {
      {"mode_sense_6", "1a003f00 ff", "00 00 00 00"},
      {"mode_sense_10", "5a 00 01 00000000 0008", "0012 24 00 00000000"},
      {"write_6", "0a 00 00 10 01", "store 16+1"},
      {"write_6_zero_is_256", "0a 00 00 10 00", "store 16+256"},
      {"write_10", "2a 00 00000b3f 00 0001", "store 2879+1"},
      {"write_10_over", "2a 00 00000b3f 00 0002", "check 052100"},
      {"write_10_nothing", "2a 00 00000000 00 0000", "good"},
      {"write_and_verify_10", "2e 00 00000001 00 0002", "store and verify 1+2"},
      {"write_12", "aa 00 00000001 00000002", "store 1+2"},
      {"write_and_verify_12", "ae 00 00000001 00000002", "store and verify 1+2"},
      {"synchronize", "35", "good"},
  };
  run(drive, open);
  EXPECT_EQ(image.flushes, 1u);
  // A CD is read-only whatever its image allows.
  test::MemorySource iso(2048, 16);
  iso.can_write = true;
  ScsiDrive cd(Drive::Cd, &iso);
  const Row never[] = {{"write_10", "2a 00 00000000 00 0001", "check 072700"},
                       {"mode", "1a003f00 ff", "00 05 80 00"}};
  run(cd, never);
}

TEST(ScsiDrive, KnowsTheFormatsOfFloppies) {
  const struct {
    std::uint32_t blocks;
    const char* want;  // medium type; heads, sectors, cylinders
  } rows[] = {
      {1440, "24 80 00000000 05 1e 00fa 02 09 0200 0050"},    {2400, "24 80 00000000 05 1e 01f4 02 0f 0200 0050"},
      {2880, "24 80 00000000 05 1e 04b0 02 12 0200 0050"},    {5760, "31 80 00000000 05 1e 03e8 02 24 0200 0050"},
      {246528, "31 80 00000000 05 1e 10a9 08 20 0200 03c3"},  {469504, "00 80 00000000 05 1e 10a9 20 38 0200 0106"},
      {1048576, "00 80 00000000 05 1e 10a9 40 20 0200 0200"}, {62533296, "00 80 00000000 05 1e 10a9 ff 3f 0200 0f34"},
  };
  for (const auto& row : rows) {
    Vast image(512, row.blocks);
    ScsiDrive drive(Drive::Floppy, &image);
    std::string want = "0026" + std::string(row.want);
    std::erase(want, ' ');
    EXPECT_EQ(outcome(drive, "5a 00 05 00000000 0012"), want) << row.blocks;
  }
}

TEST(ScsiDrive, EjectsAndLoads) {
  test::MemorySource iso(2048, 16);
  ScsiDrive drive(Drive::Cd, &iso);
  const Row rows[] = {
      {"told", "00", "check 062800"},
      {"prevent", "1e00000001", "good"},
      {"not_while_prevented", "1b00000002", "check 055302"},
      {"allow", "1e00000000", "good"},
      {"event_before", "4a 01 0000 10 0000 0008", "0006 04 10 02 02 0000"},
      {"eject", "1b00000002", "good"},
      {"gone", "00", "check 023a00"},
      {"event", "4a 01 0000 10 0000 0008", "0006 04 10 03 01 0000"},
      {"profile", "46 00 0000 000000 0008", "0000003c 0000 0000"},
      {"load", "1b00000003", "good"},
      {"told_again", "00", "check 062800"},
      {"event_new", "4a 01 0000 10 0000 0008", "0006 04 10 02 02 0000"},
      {"there", "25", "0000000f 00000800"},
  };
  run(drive, rows);
  outcome(drive, "1e00000001");
  drive.reset();  // a machine that boots has forgotten that it locked the drive
  EXPECT_EQ(outcome(drive, "1b00000002"), "good");
}

TEST(ScsiDrive, ChangedMediaAreToldBeforeAnythingIsRead) {
  test::MemorySource iso(2048, 16), other(2048, 32);
  ScsiDrive drive(Drive::Cd, &iso);
  outcome(drive, "00");
  drive.insert(&other);
  const Row rows[] = {
      {"read", "28 00 00000010 00 0001", "check 062800"},
      {"sense", "03000000 0e", "70 00 06 00000000 0a 00000000 28 00"},
      {"read_again", "28 00 00000010 00 0001", "blocks 16+1"},
  };
  run(drive, rows);
}

TEST(ScsiDrive, HasAnOutcomeForEveryCommand) {
  test::MemorySource iso(2048, 16);
  for (BlockSource* medium : {static_cast<BlockSource*>(nullptr), static_cast<BlockSource*>(&iso)}) {
    for (const Drive d : {Drive::Cd, Drive::Floppy}) {
      for (unsigned op = 0; op < 256; ++op) {
        for (const std::uint8_t fill : {std::uint8_t{0}, std::uint8_t{0xff}, std::uint8_t{0x7f}}) {
          ScsiDrive drive(d, medium);
          std::array<std::uint8_t, 12> cdb;
          cdb.fill(fill);
          cdb[0] = static_cast<std::uint8_t>(op);
          const auto o = drive.execute(cdb);
          if (const auto* reply = std::get_if<ScsiDrive::Reply>(&o)) {
            EXPECT_FALSE(reply->bytes.empty());
            EXPECT_LE(reply->bytes.size(), 2052u);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace amtgate::ider
