#include "amtgate/ider/medium_map.h"

#include <algorithm>
#include <deque>
#include <set>
#include <string_view>

#include "amtgate/base/reader.h"

namespace amtgate::ider {
namespace {

constexpr std::uint32_t kSector = 2048;         // of ISO 9660
constexpr std::uint32_t kFirstDescriptor = 16;  // sectors before belong to the system
constexpr std::uint32_t kMaxDescriptors = 64;   // real ones have four
constexpr std::size_t kShortestRecord = 34;     // of a directory
constexpr std::uint8_t kDirectory = 0x02;       // flag of a record
constexpr std::size_t kRootRecord = 156;        // in a volume descriptor
constexpr std::size_t kMaxBootEntries = 64;

std::uint32_t le32_at(Bytes in, std::size_t at) {
  return Reader(in.subspan(at)).le32();
}

char visible(std::uint8_t c) {
  return c < 0x20 || c == 0x7f ? '?' : static_cast<char>(c);
}

void append_utf8(std::string& out, unsigned c) {
  if (c < 0x20 || c == 0x7f || (c >= 0xd800 && c < 0xe000)) {
    out += '?';
  } else if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

enum class Names { Plain, Joliet };

/// A record's own name, without ";1" and a last full stop.
std::string record_name(Bytes name, Names names) {
  std::string out;
  if (names == Names::Joliet) {
    for (std::size_t i = 0; i + 1 < name.size(); i += 2) append_utf8(out, name[i] * 256U + name[i + 1]);
  } else {
    for (const std::uint8_t c : name) out += visible(c);
  }
  if (const std::size_t version = out.rfind(';'); version != std::string::npos) out.erase(version);
  if (!out.empty() && out.back() == '.') out.pop_back();
  return out;
}

/// Rock Ridge's NM entries in the system use area; empty where there are none.
std::string alternate_name(Bytes area) {
  std::string out;
  while (area.size() >= 4) {
    const std::size_t n = area[2];
    if (n < 4 || n > area.size()) break;
    // Flags: 1 goes on in the next, 2 and 4 are "." and "..".
    if (area[0] == 'N' && area[1] == 'M' && n > 5 && (area[4] & 6) == 0) {
      for (const std::uint8_t c : area.subspan(5, n - 5)) out += visible(c);
    }
    area = area.subspan(n);
  }
  return out;
}

}  // namespace

/// While a map is made.
class MediumMap::Reading {
 public:
  explicit Reading(BlockSource& medium) : medium_(medium), size_(medium.block_size()) {}

  MediumMap go() {
    partitions();
    if (size_ == kSector || size_ == 512) volumes();
    std::ranges::sort(out_.files_, {}, &Extent::first);
    std::ranges::sort(out_.areas_, {}, &Extent::first);
    return std::move(out_);
  }

 private:
  struct Directory {
    std::uint32_t sector;
    std::uint32_t bytes;
    std::string path;
    std::size_t depth;
  };

  /// `n` bytes from a sector of ISO 9660 on.
  std::optional<Buffer> get(std::uint32_t sector, std::size_t n) {
    const std::uint64_t per = kSector / size_;
    const std::uint64_t first = std::uint64_t{sector} * per;
    const std::uint64_t count = (n + size_ - 1) / size_;
    const std::uint64_t blocks = medium_.blocks().value;
    if (n == 0 || first >= blocks || count > blocks - first) return std::nullopt;
    Buffer out(static_cast<std::size_t>(count) * size_);
    const Result<Fetch> read = medium_.read(Lba{static_cast<std::uint32_t>(first)}, out);
    if (!read || *read != Fetch::Done) return std::nullopt;
    out.resize(n);
    return out;
  }

  void add(std::vector<Extent>& to, std::uint64_t first, std::uint64_t count, std::string name) {
    const std::uint64_t blocks = medium_.blocks().value;
    if (first >= blocks || count == 0 || name.empty()) return;
    to.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(std::min(count, blocks - first)),
                  std::move(name)});
  }
  void add_sectors(std::vector<Extent>& to, std::uint32_t sector, std::uint64_t bytes, std::string name) {
    add(to, std::uint64_t{sector} * (kSector / size_), (bytes + size_ - 1) / size_, std::move(name));
  }

  /// The master boot record's four, of a disk or of a hybrid image.
  void partitions() {
    Buffer first(size_);
    if (size_ < 512) return;
    const Result<Fetch> read = medium_.read(Lba{0}, first);
    if (!read || *read != Fetch::Done || first[510] != 0x55 || first[511] != 0xaa) return;
    // A floppy's boot sector has code where the table would be: entries count only if all of them can be true.
    std::vector<Extent> found;
    for (unsigned i = 0; i < 4; ++i) {
      const Bytes entry = Bytes(first).subspan(446 + i * 16, 16);
      if ((entry[0] & 0x7f) != 0) return;  // neither "boots" nor nothing
      const std::uint32_t start = le32_at(entry, 8), count = le32_at(entry, 12);
      if (entry[4] == 0 || count == 0) continue;
      const std::string kind = entry[4] == 0xef ? " (EFI)" : "";
      const std::uint64_t bytes_in = std::uint64_t{start} * 512;
      add(found, bytes_in / size_, (std::uint64_t{count} * 512 + size_ - 1) / size_,
          "partition " + std::to_string(i + 1) + kind);
    }
    out_.areas_ = std::move(found);
  }

  void volumes() {
    std::optional<Buffer> primary, joliet;
    for (std::uint32_t i = 0; i < kMaxDescriptors; ++i) {
      std::optional<Buffer> d = get(kFirstDescriptor + i, kSector);
      if (!d || as_text(Bytes(*d).subspan(1, 5)) != "CD001" || (*d)[0] == 255) break;
      add_sectors(out_.files_, kFirstDescriptor + i, kSector, "(volume descriptors)");
      const bool usual = Reader(Bytes(*d).subspan(128)).le16() == kSector;
      if ((*d)[0] == 0 && as_text(Bytes(*d).subspan(7, 23)) == "EL TORITO SPECIFICATION") {
        boot_images(le32_at(*d, 0x47));
      } else if ((*d)[0] == 1 && usual && !primary) {
        primary = std::move(*d);
      } else if ((*d)[0] == 2 && usual && !joliet && (*d)[88] == '%' && (*d)[89] == '/' &&
                 ((*d)[90] == '@' || (*d)[90] == 'C' || (*d)[90] == 'E')) {
        joliet = std::move(*d);
      }
    }
    if (primary && (!joliet || has_rock_ridge(*primary))) {
      walk(*primary, Names::Plain);
    } else if (joliet) {
      walk(*joliet, Names::Joliet);
    }
  }

  static std::uint32_t extent_of(Bytes record) { return le32_at(record, 2) + record[1]; }

  /// The root directory's first record says so with an SP entry.
  bool has_rock_ridge(const Buffer& descriptor) {
    const std::optional<Buffer> root = get(extent_of(Bytes(descriptor).subspan(kRootRecord)), kSector);
    if (!root || (*root)[0] < kShortestRecord + 7) return false;
    return (*root)[34] == 'S' && (*root)[35] == 'P' && (*root)[38] == 0xbe && (*root)[39] == 0xef;
  }

  void walk(const Buffer& descriptor, Names names) {
    const Bytes root = Bytes(descriptor).subspan(kRootRecord, kShortestRecord);
    enter({extent_of(root), le32_at(root, 10), "", 0});
    while (!todo_.empty()) {
      const Directory d = std::move(todo_.front());
      todo_.pop_front();
      look_into(d, names);
    }
  }

  void enter(Directory d) {
    if (d.depth > kMaxDepth || d.path.size() > kMaxPath || seen_.size() >= kMaxDirectories) return;
    if (d.bytes == 0 || d.bytes > kMaxDirectoryBytes - directory_bytes_) return;
    if (!seen_.insert(d.sector).second) return;  // a loop
    directory_bytes_ += d.bytes;
    add_sectors(out_.files_, d.sector, d.bytes, d.path + "/");
    todo_.push_back(std::move(d));
  }

  void look_into(const Directory& d, Names names) {
    // Sector by sector: no record crosses from one to the next.
    for (std::uint32_t at = 0; at < d.bytes; at += kSector) {
      if (d.sector > ~0U - at / kSector) return;
      const std::optional<Buffer> sector = get(d.sector + at / kSector, kSector);
      if (!sector) return;
      Bytes rest = *sector;
      while (rest.size() >= kShortestRecord && rest[0] >= kShortestRecord && rest[0] <= rest.size()) {
        take_record(rest.first(rest[0]), d, names);
        rest = rest.subspan(rest[0]);
      }
    }
  }

  void take_record(Bytes record, const Directory& d, Names names) {
    const std::size_t n = record[32];
    if (n == 0 || n > record.size() - 33) return;
    const Bytes name = record.subspan(33, n);
    if (n == 1 && name[0] <= 1) return;  // itself and its parent
    const std::size_t area = 33 + n + (n % 2 == 0 ? 1 : 0);
    std::string word = names == Names::Plain && area < record.size() ? alternate_name(record.subspan(area)) : "";
    if (word.empty()) word = record_name(name, names);
    std::string path = d.path + "/" + word;
    const std::uint32_t bytes = le32_at(record, 10);
    if ((record[25] & kDirectory) != 0) {
      enter({extent_of(record), bytes, std::move(path), d.depth + 1});
    } else if (out_.files_.size() < kMaxFiles && path.size() <= kMaxPath) {
      add_sectors(out_.files_, extent_of(record), bytes, std::move(path));
    }
  }

  /// The boot catalogue: an entry of 32 bytes that validates it, that of the default image, sections with more.
  void boot_images(std::uint32_t catalogue) {
    const std::optional<Buffer> c = get(catalogue, kSector);
    if (!c || (*c)[0] != 1 || (*c)[30] != 0x55 || (*c)[31] != 0xaa) return;
    add_sectors(out_.areas_, catalogue, kSector, "(boot catalogue)");
    std::uint8_t platform = (*c)[1];
    for (std::size_t i = 1; i < kMaxBootEntries; ++i) {
      const Bytes entry = Bytes(*c).subspan(i * 32, 32);
      if (entry[0] == 0x90 || entry[0] == 0x91) {
        platform = entry[1];
      } else if (entry[0] == 0x88) {
        // In sectors of 512 bytes; what is loaded at least.
        const std::uint64_t bytes = std::uint64_t{Reader(entry.subspan(6)).le16()} * 512;
        add_sectors(out_.areas_, le32_at(entry, 8), std::max<std::uint64_t>(bytes, kSector),
                    platform == 0xef ? "(EFI boot image)" : "(boot image)");
      } else if (entry[0] != 0x44) {  // more of the entry before
        return;
      }
    }
  }

  BlockSource& medium_;
  const std::uint32_t size_;
  MediumMap out_;
  std::deque<Directory> todo_;
  std::set<std::uint32_t> seen_;
  std::size_t directory_bytes_ = 0;
};

MediumMap MediumMap::read(BlockSource& medium) {
  return Reading(medium).go();
}

std::optional<MediumMap::Place> MediumMap::find(const std::vector<Extent>& sorted, std::uint32_t block) {
  const auto after = std::ranges::upper_bound(sorted, block, {}, &Extent::first);
  // Of those that begin at the same place or before, the nearest that reaches so far; a few steps are enough.
  auto i = after;
  for (unsigned steps = 0; i != sorted.begin() && steps < 8; ++steps) {
    --i;
    if (block - i->first < i->count)
      return Place{i->name, static_cast<unsigned>(std::uint64_t{block - i->first} * 100 / i->count)};
  }
  return std::nullopt;
}

std::optional<MediumMap::Place> MediumMap::at(Lba block) const {
  const std::optional<Place> file = find(files_, block.value);
  return file ? file : find(areas_, block.value);
}

}  // namespace amtgate::ider
