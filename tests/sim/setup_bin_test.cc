#include "amtgate/sim/setup_bin.h"

#include <gtest/gtest.h>

namespace amtgate::sim {
namespace {

using Settings = std::vector<std::pair<const char*, const char*>>;

setupbin::File file_of(const std::vector<Settings>& records, std::uint16_t flags = 0) {
  setupbin::File f;
  f.flags = flags;
  for (const Settings& settings : records) {
    f.records.emplace_back();
    f.records.back().number = static_cast<std::uint32_t>(f.records.size());
    for (const auto& [name, value] : settings) {
      const auto id = setupbin::parse_id(name);
      setupbin::set(f, f.records.size() - 1, *id, *setupbin::encode(*id, value));
    }
  }
  return f;
}

Settings good(Settings more = {}) {
  Settings out = {{"current-mebx-password", "admin"}, {"new-mebx-password", "N3w!passwd"}, {"setup-type", "manual"}};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

TEST(SetupBin, GivesTheMachineItsPassword) {
  setupbin::File f = file_of({good(), good({{"host-name", "second"}})});
  Options machine;
  EXPECT_EQ(*set_up_by(f, machine), 1U);
  EXPECT_EQ(machine.password, "N3w!passwd");
  EXPECT_EQ(machine.kvm_consent, KvmConsent::Refuse);
  EXPECT_EQ(f.consumed, 1U);
  EXPECT_EQ(*set_up_by(f, machine), 2U);
  EXPECT_EQ(machine.name, "second");
  EXPECT_EQ(set_up_by(f, machine).error().detail, "every record is used up");
}

TEST(SetupBin, OneRecordForAll) {
  setupbin::File f = file_of({good()}, setupbin::kDoNotConsume);
  Options machine;
  EXPECT_EQ(*set_up_by(f, machine), 1U);
  EXPECT_EQ(*set_up_by(f, machine), 1U);
  EXPECT_EQ(f.consumed, 0U);
}

TEST(SetupBin, SwitchesFeatures) {
  setupbin::File f = file_of({good({{"redirection", "ider+login"}, {"kvm", "off"}, {"consent", "none"}})});
  Options machine;
  ASSERT_TRUE(set_up_by(f, machine));
  EXPECT_EQ(machine.off, (std::array<bool, 3>{true, false, true}));
  EXPECT_EQ(machine.profile.methods, (std::vector<std::uint8_t>{1, 4}));
  EXPECT_EQ(machine.profile.port5900, Port5900::Closed);
  EXPECT_EQ(machine.kvm_consent, KvmConsent::Given);
}

TEST(SetupBin, RefusesWhatFirmwareDoes) {
  const std::pair<Settings, const char*> rows[] = {
      {{{"current-mebx-password", "other"}}, "current-mebx-password"},
      {{{"current-mebx-password", "admin"}}, "new-mebx-password"},
      {{{"current-mebx-password", "admin"}, {"new-mebx-password", "weak"}}, "new-mebx-password"},
      {{{"current-mebx-password", "admin"}, {"new-mebx-password", "N3w!passwd"}}, "setup-type"},
      {good({{"manageability", "none"}}), "manageability"},
  };
  for (const auto& [settings, want] : rows) {
    setupbin::File f = file_of({settings});
    Options machine;
    const Result<std::uint32_t> r = set_up_by(f, machine);
    ASSERT_FALSE(r) << want;
    EXPECT_TRUE(r.error().detail.starts_with(want)) << r.error().detail;
    EXPECT_EQ(machine.password, Options().password);
    EXPECT_EQ(f.consumed, 0U);
  }
  setupbin::File wiped = file_of({good()});
  wiped.records[0].flags = 0;
  Options machine;
  EXPECT_EQ(set_up_by(wiped, machine).error().detail, "its next record is not valid");
}

}  // namespace
}  // namespace amtgate::sim
