#include "amtgate/ider/medium_map.h"

#include <algorithm>
#include <string_view>

#include "src/ider/medium_reader.h"

namespace amtgate::ider {
namespace {

// Boot images are looked into for files: real media have one or two.
constexpr std::size_t kMaxBootImages = 4;

}  // namespace

MediumMap MediumMap::read(BlockSource& source) {
  MediumMap out;
  const std::uint32_t size = source.block_size();
  if (size != 512 && size != 2048) return out;
  MediumReader medium(source);
  const std::vector<Partition> parts = read_partitions(medium);
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
