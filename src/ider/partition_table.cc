// The partitions of a disk or of a hybrid image: the master boot record's four, or those of a GUID partition table
// (UEFI specification 2.10, chapter 5), which has a master boot record before it for who does not know better.
#include <algorithm>
#include <array>
#include <string_view>

#include "amtgate/base/reader.h"
#include "src/ider/medium_reader.h"

namespace amtgate::ider {
namespace {

// Both count in these, also on media with larger blocks: so do hybrid images.
constexpr std::uint64_t kSector = 512;

constexpr std::size_t kTable = 446;  // of the master boot record
constexpr std::uint8_t kProtective = 0xee, kEfi = 0xef;

// What is made has 128 entries of 128 bytes.
constexpr std::uint32_t kMostEntries = 256;
constexpr std::uint32_t kLeastEntry = 128, kMostEntry = 1024;
/// C12A7328-F81F-11D2-BA4B-00A0C93EC93B as it stands on the disk: the first three fields little-endian.
constexpr std::array<std::uint8_t, 16> kEfiSystem = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
                                                     0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};

std::string numbered(std::size_t index, const std::string& more) {
  return "partition " + std::to_string(index + 1) + (more.empty() ? "" : " (" + more + ")");
}

std::vector<Partition> master_boot_record(MediumReader& medium, bool& protective) {
  const std::optional<Buffer> first = medium.bytes(0, kSector);
  if (!first || (*first)[510] != 0x55 || (*first)[511] != 0xaa) return {};
  // A floppy's boot sector has code where the table would be: entries count only if all of them can be true.
  std::vector<Partition> found;
  for (std::size_t i = 0; i < 4; ++i) {
    const Bytes entry = Bytes(*first).subspan(kTable + i * 16, 16);
    if ((entry[0] & 0x7f) != 0) return {};  // neither "boots" nor nothing
    Reader numbers(entry.subspan(8));
    const std::uint64_t start = numbers.le32(), count = numbers.le32();
    if (entry[4] == 0 || count == 0) continue;
    protective = protective || entry[4] == kProtective;
    found.push_back({numbered(i, entry[4] == kEfi ? "EFI" : ""), {start * kSector, count * kSector}});
  }
  return found;
}

/// The label, 36 units of UTF-16LE that end early with a zero.
std::string label(Bytes units) {
  std::size_t n = 0;
  while (n + 1 < units.size() && (units[n] != 0 || units[n + 1] != 0)) n += 2;
  std::string out;
  append_utf16(out, units.first(n), Endian::Little);
  return out;
}

/// Those of the first table; the second, at the end, is for repairs.
std::vector<Partition> guid_table(MediumReader& medium) {
  const std::optional<Buffer> header = medium.bytes(kSector, 92);
  if (!header || !as_text(*header).starts_with("EFI PART")) return {};
  Reader at_72(Bytes(*header).subspan(72));
  const std::uint64_t table = at_72.le64();
  const std::uint32_t count = std::min(at_72.le32(), kMostEntries), each = at_72.le32();
  if (each < kLeastEntry || each > kMostEntry || table > medium.size() / kSector) return {};
  const std::optional<Buffer> entries = medium.bytes(table * kSector, std::size_t{count} * each);
  if (!entries) return {};
  std::vector<Partition> found;
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes entry = Bytes(*entries).subspan(i * each, kLeastEntry);
    if (std::ranges::all_of(entry.first(16), [](std::uint8_t b) { return b == 0; })) continue;
    Reader numbers(entry.subspan(32));
    const std::uint64_t first = numbers.le64(), last = numbers.le64();
    if (first == 0 || last < first || last >= medium.size() / kSector + 1) continue;
    const bool efi = std::ranges::equal(entry.first(16), kEfiSystem);
    found.push_back(
        {numbered(i, efi ? "EFI" : label(entry.subspan(56, 72))), {first * kSector, (last - first + 1) * kSector}});
  }
  return found;
}

}  // namespace

std::vector<Partition> read_partitions(MediumReader& medium) {
  bool protective = false;
  std::vector<Partition> old = master_boot_record(medium, protective);
  std::vector<Partition> now = guid_table(medium);
  // A hybrid image may have both; where the old table only keeps others away it says nothing.
  if (now.empty() || (!protective && !old.empty())) return old;
  return now;
}

}  // namespace amtgate::ider
