#include "amtgate/ider/medium_map.h"

#include <algorithm>
#include <string_view>

#include "amtgate/base/reader.h"
#include "src/ider/medium_reader.h"

namespace amtgate::ider {
namespace {

// Of the master boot record, and where its table is.
constexpr std::size_t kRecord = 512;
constexpr std::size_t kTable = 446;
// Boot images are looked into for files: real media have one or two.
constexpr std::size_t kMaxBootImages = 4;

struct Partition {
  std::string name;
  Span where;
};

/// The master boot record's four, of a disk or of a hybrid image.
std::vector<Partition> partitions(MediumReader& medium) {
  const std::optional<Buffer> first = medium.bytes(0, kRecord);
  if (!first || (*first)[510] != 0x55 || (*first)[511] != 0xaa) return {};
  // A floppy's boot sector has code where the table would be: entries count only if all of them can be true.
  std::vector<Partition> found;
  for (unsigned i = 0; i < 4; ++i) {
    const Bytes entry = Bytes(*first).subspan(kTable + i * 16, 16);
    if ((entry[0] & 0x7f) != 0) return {};  // neither "boots" nor nothing
    Reader numbers(entry.subspan(8));
    const std::uint64_t start = numbers.le32(), count = numbers.le32();
    if (entry[4] == 0 || count == 0) continue;
    const std::string kind = entry[4] == 0xef ? " (EFI)" : "";
    found.push_back({"partition " + std::to_string(i + 1) + kind, {start * 512, count * 512}});
  }
  return found;
}

}  // namespace

MediumMap MediumMap::read(BlockSource& source) {
  MediumMap out;
  const std::uint32_t size = source.block_size();
  if (size != 512 && size != 2048) return out;
  MediumReader medium(source);
  const std::vector<Partition> parts = partitions(medium);
  for (const Partition& p : parts) medium.area(p.name, p.where);
  const std::vector<BootImage> boots = map_iso9660(medium);
  map_udf(medium);
  map_fat(medium, {0, medium.size()}, "");
  for (const Partition& p : parts) {
    if (p.where.at != 0) map_fat(medium, p.where, p.name + " ");
  }
  for (std::size_t i = 0; i < std::min(boots.size(), kMaxBootImages); ++i) {
    // Entries tell how much is loaded, which may be less than the file system: its own boot sector tells.
    Span all = boots[i].where;
    if (all.at < medium.size()) all.size = medium.size() - all.at;
    const bool known = std::ranges::any_of(parts, [&](const Partition& p) { return p.where.at == all.at; });
    if (!known) map_fat(medium, all, boots[i].name + " ");
  }
  out.files_ = medium.take_files();
  out.areas_ = medium.take_areas();
  return out;
}

std::optional<MediumMap::Place> MediumMap::find(const std::vector<Extent>& sorted, std::uint32_t block) {
  const auto after = std::ranges::upper_bound(sorted, block, {}, &Extent::first);
  // Of those that begin at the same place or before, the nearest that reaches so far; a few steps are enough.
  auto i = after;
  for (unsigned steps = 0; i != sorted.begin() && steps < 16; ++steps) {
    --i;
    if (block - i->first >= i->count) continue;
    return Place{i->name, static_cast<unsigned>((i->before + (block - i->first)) * 100 / i->total)};
  }
  return std::nullopt;
}

std::optional<MediumMap::Place> MediumMap::at(Lba block) const {
  const std::optional<Place> file = find(files_, block.value);
  return file ? file : find(areas_, block.value);
}

}  // namespace amtgate::ider
