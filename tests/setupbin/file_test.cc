#include "amtgate/setupbin/file.h"

#include <gtest/gtest.h>

#include "tests/support/feed.h"

namespace amtgate::setupbin {
namespace {

/// The example of the format's description: version 3, reusable, admin to P@ssw0rd, AMT, manual set-up.
Buffer example() {
  Buffer out = test::hex(
      "A7F7F6C689C4F64793EDE2E5020DA51D 01002E00000000000300010001000000"
      "00000000010000000100020000000000");
  out.resize(512);
  append(out, test::hex("01000000010000000000000000000000 01001800010000000100010005000000"
                        "61646D696E0000000100020008000000 50407373773072640100030001000000"
                        "0100000002001D000100000001000000"));
  out.resize(1024);
  return out;
}

std::string text(const File& f, VariableId id) {
  const Value* v = get(f.records.at(0), id);
  return v ? to_text(id, v->bytes) : "-";
}

TEST(SetupbinFile, ReadsTheExample) {
  const Result<File> f = parse(example());
  ASSERT_TRUE(f) << f.error().detail;
  EXPECT_EQ(f->version, 3U);
  EXPECT_EQ(f->flags, kDoNotConsume);
  EXPECT_EQ(f->modules, (std::vector<std::uint16_t>{1, 2}));
  ASSERT_EQ(f->records.size(), 1U);
  EXPECT_EQ(text(*f, kCurrentPassword), "admin");
  EXPECT_EQ(text(*f, kNewPassword), "P@ssw0rd");
  EXPECT_EQ(text(*f, kManageability), "amt");
  EXPECT_EQ(text(*f, kSetupType), "manual");
  EXPECT_EQ(*format(*f), example());
  EXPECT_TRUE(doubts(*f).empty()) << doubts(*f)[0];
}

TEST(SetupbinFile, WritesTheExample) {
  File f;
  f.flags = kDoNotConsume;
  f.records.resize(1);
  // In any order.
  set(f, 0, kSetupType, *encode(kSetupType, "manual"));
  set(f, 0, kNewPassword, *encode(kNewPassword, "P@ssw0rd"));
  set(f, 0, kCurrentPassword, *encode(kCurrentPassword, "admin"));
  set(f, 0, kManageability, *encode(kManageability, "1"));
  EXPECT_EQ(f.header_bytes, 46);
  f.modules = {1, 2};  // they came as 2 and 1
  EXPECT_EQ(*format(f), example());
}

TEST(SetupbinFile, ChangesOneValueAndNothingElse) {
  File f = *parse(example());
  set(f, 0, kNewPassword, *encode(kNewPassword, "P@ssw0rX"));
  Buffer want = example();
  want[0x237] = 'X';
  EXPECT_EQ(*format(f), want);
  EXPECT_TRUE(erase(f, 0, kSetupType));
  EXPECT_FALSE(erase(f, 0, kSetupType));
  EXPECT_EQ(f.modules, std::vector<std::uint16_t>{1});
  EXPECT_EQ(f.header_bytes, 44);
}

TEST(SetupbinFile, ScramblesBehindTheRecordsHeader) {
  File f = *parse(example());
  f.records[0].flags |= kScrambled;
  const Buffer out = *format(f);
  EXPECT_EQ(out[512 + 24], 1 + 17);
  EXPECT_EQ(out[1023], 17);
  EXPECT_EQ(*parse(out), f);
}

TEST(SetupbinFile, KeepsWhatNobodyReads) {
  Buffer odd = example();
  odd[16] = 0;  // the chunk counts of other writers
  odd[36] = 0;
  odd[38] = 9;       // reserved
  odd[500] = 7;      // behind the header's modules
  odd[512 + 8] = 5;  // reserved in the record
  odd[0x225] = 3;    // padding
  odd[1000] = 8;     // behind the variables
  odd.push_back(1);  // behind the records
  const Result<File> f = parse(odd);
  ASSERT_TRUE(f) << f.error().detail;
  EXPECT_EQ(*format(*f), odd);
  File changed = *f;
  set(changed, 0, kManageability, *encode(kManageability, "none"));
  Buffer want = odd;
  want[0x240] = 0;
  EXPECT_EQ(*format(changed), want);
}

TEST(SetupbinFile, ReadsRecordsThatWereWiped) {
  Buffer wiped = example();
  wiped[512] = 0;  // invalid
  for (std::size_t i = 536; i < 1024; ++i) wiped[i] = 0xff;
  const Result<File> f = parse(wiped);
  ASSERT_TRUE(f) << f.error().detail;
  EXPECT_TRUE(f->records[0].values.empty());
  EXPECT_EQ(*format(*f), wiped);
}

TEST(SetupbinFile, RefusesWhatBreaksOff) {
  const Buffer all = example();
  for (const std::size_t n : {0U, 15U, 39U, 511U, 512U, 1023U}) EXPECT_FALSE(parse(Bytes(all).first(n))) << n;
  Buffer b = all;
  b[0] = 0;
  EXPECT_EQ(parse(b).error().code, Errc::BadValue);
  b = all;
  b[28] = 2;  // records
  EXPECT_EQ(parse(b).error().detail, "its header counts 2 records, and there are 1");
  b = all;
  b[28 + 3] = 0xff;
  EXPECT_FALSE(parse(b));
  b = all;
  b[0x21d] = 0xff;  // a length
  EXPECT_EQ(parse(b).error().detail, "record 1: current-mebx-password of 65285 bytes goes beyond the record");
}

TEST(SetupbinFile, SaysWhatDoesNotFit) {
  File f = *parse(example());
  set(f, 0, {2, 12}, Buffer(255, 'a'));
  set(f, 0, {2, 4}, Buffer(255, 'a'));
  EXPECT_EQ(format(f).error().detail, "record 1 would have 608 bytes, and room is for 512");
}

TEST(SetupbinFile, Doubts) {
  File f = *parse(example());
  set(f, 0, kNewPassword, Buffer{'a', 'd', 'm', 'i', 'n'});
  f.records.push_back(f.records[0]);
  f.records[1].number = 2;
  std::swap(f.records[1].values[0], f.records[1].values[3]);
  std::string all;
  for (const std::string& line : doubts(f)) all += line + "\n";
  EXPECT_EQ(all,
            "records are not used up, so that all but the first are for nothing\n"
            "record 1: current-mebx-password is the factory's, so that new-mebx-password has to be another\n"
            "record 2: new-mebx-password stands before current-mebx-password, and has to stand behind it\n"
            "record 2: current-mebx-password is not among the first three\n"
            "record 2: current-mebx-password is the factory's, so that new-mebx-password has to be another\n");
}

struct Row {
  const char* name;
  const char* text;
  const char* hex;  // null: refused
};
const Row kRows[] = {
    {"host-name", "pc1", "706331"},
    {"host-name", "", ""},
    {"manageability", "amt", "01"},
    {"manageability", "7", "07"},
    {"manageability", "256", nullptr},
    {"manageability", "no", nullptr},
    {"dhcp", "on", "02"},
    {"dhcp", "off", "01"},
    {"consent", "all", "ff"},
    {"redirection", "sol+ider", "03"},
    {"redirection", "sol+ider+login", "07"},
    {"redirection", "none", "00"},
    {"redirection", "200", "c8"},
    {"redirection", "sol+", nullptr},
    {"server-address", "10.0.0.5", "0500000a"},
    {"server-address", "::1", nullptr},
    {"server-port", "9971", "f326"},
    {"server-port", "65536", nullptr},
    {"support-channel", "65535", "ffff0000"},
    {"support-channel", "0", nullptr},
    {"service-type", "one-time", "04000000"},
    {"service-provider", "33221100-5544-7766-8899-aabbccddeeff", "00112233445566778899aabbccddeeff"},
    {"service-provider", "33221100", nullptr},
    {"psk-id", "12345678", "3132333435363738"},
    {"psk-id", "1234567", nullptr},
    {"certificate-hash", "sha1:0102030405060708090a0b0c0d0e0f1011121314:My CA",
     "01 0102030405060708090a0b0c0d0e0f1011121314 05 4d79204341"},
    {"certificate-hash", "sha1:0102:My CA", nullptr},
    {"certificate-hash", "md5:00:x", nullptr},
    {"vlan", "hex:0102", "0102"},
    {"vlan", "5", nullptr},
    {"3/4", "hex:ff", "ff"},
    {"3/4", "x", nullptr},
    {"domain", "gr\xc3\xbc\x6e", nullptr},
};

TEST(SetupbinVariables, InWordsAndBack) {
  for (const Row& row : kRows) {
    const Result<VariableId> id = parse_id(row.name);
    ASSERT_TRUE(id) << row.name;
    const Result<Buffer> bytes = encode(*id, row.text);
    ASSERT_EQ(bytes.has_value(), row.hex != nullptr) << row.name << " " << row.text;
    if (!bytes) continue;
    EXPECT_EQ(*bytes, test::hex(row.hex)) << row.name << " " << row.text;
    EXPECT_EQ(*encode(*id, to_text(*id, *bytes)), *bytes) << row.name << " " << row.text;
  }
}

TEST(SetupbinVariables, OddBytesAreShownAsThey) {
  EXPECT_EQ(to_text({2, 11}, test::hex("00")), "hex:00");
  EXPECT_EQ(to_text({2, 11}, as_bytes("hex:00")), "hex:6865783a3030");
  EXPECT_EQ(to_text({2, 25}, test::hex("0100")), "hex:0100");
  EXPECT_EQ(to_text({2, 35}, test::hex("01")), "hex:01");
}

TEST(SetupbinVariables, NamesAreTheirNumbersToo) {
  for (const Variable& v : variables()) {
    EXPECT_EQ(*parse_id(v.name), v.id);
    EXPECT_EQ(*parse_id(std::to_string(v.id.module) + "/" + std::to_string(v.id.id)), v.id);
    EXPECT_EQ(name_of(v.id), v.name);
  }
  EXPECT_EQ(name_of({2, 9}), "2/9");
  EXPECT_FALSE(parse_id("0/1"));
  EXPECT_FALSE(parse_id("2/70000"));
  EXPECT_NE(parse_id("mebx").error().detail.find("new-mebx-password"), std::string::npos);
}

TEST(SetupbinVariables, RefusalsNameNoSecret) {
  const Result<Buffer> r = encode(kNewPassword, "S3cret\n");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().detail, "new-mebx-password: characters of ASCII only");
}

}  // namespace
}  // namespace amtgate::setupbin
