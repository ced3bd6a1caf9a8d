// UDF 1.02 to 2.60, as pressed and written at once: no virtual partitions, which packet writing needs, and blocks
// that a sparing table has moved are looked for where they were. Source: ECMA-167, OSTA UDF 2.60.
#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "amtgate/base/reader.h"
#include "src/ider/medium_reader.h"

namespace amtgate::ider {
namespace {

constexpr std::uint64_t kRecognition = 32768;  // where its sequence begins
constexpr std::size_t kRecognitionStep = 2048;
constexpr std::size_t kMaxRecognition = 64;
constexpr std::uint32_t kAnchor = 256;
constexpr std::size_t kMaxDescriptors = 64;  // of the volume; real ones have six
constexpr std::size_t kMaxPartitions = 8;
constexpr std::size_t kMaxPieces = 1'000'000;  // of all files
constexpr std::size_t kMaxContinued = 10'000;  // blocks with more of them, of all files
constexpr std::size_t kMaxMetadata = 256;      // pieces of a metadata partition; real ones have one or two
constexpr std::size_t kTag = 16;

enum Tag : unsigned {
  kAnchorPointer = 2,
  kPartition = 5,
  kLogicalVolume = 6,
  kTerminating = 8,
  kFileSet = 256,
  kFileIdentifier = 257,
  kAllocationExtent = 258,
  kFileEntry = 261,
  kExtendedFileEntry = 266,
};
enum FileType : unsigned { kFolder = 4, kMetadata = 250, kMetadataMirror = 251 };
enum Characteristic : unsigned { kDeleted = 4, kParent = 8 };

std::uint32_t le32_at(Bytes in, std::size_t at) {
  return Reader(in.subspan(at)).le32();
}
unsigned le16_at(Bytes in, std::size_t at) {
  return Reader(in.subspan(at)).le16();
}
std::uint64_t le64_at(Bytes in, std::size_t at) {
  return le32_at(in, at) | std::uint64_t{le32_at(in, at + 4)} << 32;
}

/// Which descriptor this is; 0: none. Its CRC is not looked at: a name that is wrong does no harm.
unsigned tag_of(Bytes block) {
  unsigned sum = 0;
  for (std::size_t i = 0; i < kTag; ++i) sum += i == 4 ? 0U : block[i];
  return (sum & 0xff) == block[4] ? le16_at(block, 0) : 0;
}

/// A block of a partition, as the logical volume numbers them.
struct Address {
  std::uint32_t block = 0;
  unsigned partition = 0;
  auto operator<=>(const Address&) const = default;
};
struct LongAd {
  std::uint32_t length;  // bytes; the upper two bits say what is there
  Address at;
};

LongAd long_ad(Bytes in, std::size_t at) {
  return {le32_at(in, at), {le32_at(in, at + 4), le16_at(in, at + 8)}};
}

/// OSTA compressed Unicode.
std::string name_of(Bytes text) {
  std::string out;
  if (text.empty()) return out;
  if (text[0] == 16) {
    append_utf16(out, text.subspan(1), Endian::Big);
  } else if (text[0] == 8) {
    for (const std::uint8_t c : text.subspan(1)) append_utf8(out, c);
  }
  return out;
}

/// What a file entry says.
struct File {
  unsigned type = 0;
  std::uint64_t size = 0;
  std::vector<Span> pieces;  // of the medium
};

class Udf {
 public:
  explicit Udf(MediumReader& medium) : medium_(medium) {}

  void go() {
    if (!recognised()) return;
    // Of optical media, of sticks, of disks with larger sectors.
    for (const std::uint32_t sector : {2048U, 512U, 4096U}) {
      sector_ = sector;
      const std::uint64_t last = medium_.size() / sector;
      for (const std::uint64_t anchor : {std::uint64_t{kAnchor}, last - 1, last - 1 - kAnchor}) {
        if (last > kAnchor + 1 && volume(anchor)) return walk();
      }
    }
  }

 private:
  struct Partition {
    std::uint64_t at = 0;    // bytes of the medium
    std::uint64_t size = 0;  // bytes
    bool metadata = false;   // its blocks lie in these pieces, one behind the other
    std::vector<Span> pieces{};
  };
  struct Directory {
    File file;
    std::string path;
    std::size_t depth;
  };

  bool recognised() {
    for (std::size_t i = 0; i < kMaxRecognition; ++i) {
      const std::optional<Buffer> d = medium_.bytes(kRecognition + i * kRecognitionStep, 6);
      if (!d) return false;
      const std::string_view id = as_text(Bytes(*d).subspan(1, 5));
      if (id == "NSR02" || id == "NSR03") return true;
      if (id != "CD001" && id != "BEA01" && id != "BOOT2" && id != "CDW02") return false;
    }
    return false;
  }

  std::optional<Buffer> sector(std::uint64_t number) { return medium_.bytes(number * sector_, sector_); }

  bool volume(std::uint64_t anchor) {
    const std::optional<Buffer> a = sector(anchor);
    if (!a || tag_of(*a) != kAnchorPointer) return false;
    return sequence(*a, 16) || sequence(*a, 24);
  }

  /// The main or the reserve sequence of descriptors: the partitions and the volume that is made of them.
  bool sequence(Bytes anchor, std::size_t which) {
    const std::uint32_t length = le32_at(anchor, which), first = le32_at(anchor, which + 4);
    std::map<unsigned, Span> found;
    std::optional<Buffer> logical;
    for (std::uint32_t i = 0; i < std::min<std::size_t>(length / sector_, kMaxDescriptors); ++i) {
      const std::optional<Buffer> d = sector(std::uint64_t{first} + i);
      if (!d) break;
      const unsigned tag = tag_of(*d);
      if (tag == kTerminating || tag == 0) break;
      if (tag == kPartition) {
        found[le16_at(*d, 22)] = {std::uint64_t{le32_at(*d, 188)} * sector_,
                                  std::uint64_t{le32_at(*d, 192)} * sector_};
      } else if (tag == kLogicalVolume) {
        logical = *d;
      }
    }
    if (!logical || le32_at(*logical, 212) != sector_) return false;
    partitions_.clear();
    maps(*logical, found);
    const LongAd set = long_ad(*logical, 248);
    const std::optional<Buffer> fileset = block(set.at);
    if (!fileset || tag_of(*fileset) != kFileSet) return false;
    root_ = long_ad(*fileset, 400).at;
    medium_.file("(volume descriptors)", Span{std::uint64_t{first} * sector_, length});
    return true;
  }

  void maps(Bytes logical, const std::map<unsigned, Span>& found) {
    Reader r(logical.subspan(440));
    const std::size_t count = std::min<std::size_t>(le32_at(logical, 268), kMaxPartitions);
    for (std::size_t i = 0; i < count; ++i) {
      const unsigned type = r.u8(), length = r.u8();
      if (length < 6) return;
      const Bytes rest = r.take(length - 2U);
      if (r.failed()) return;
      // A map that is not understood keeps its number.
      Partition p;
      const bool named = type == 2 && rest.size() >= 62;
      const std::string_view kind = named ? as_text(rest.subspan(3, 23)) : std::string_view();
      const bool plain = type == 1 || kind.starts_with("*UDF Sparable Partition");
      p.metadata = kind.starts_with("*UDF Metadata Partition");
      if (plain || p.metadata) {
        const auto where = found.find(le16_at(rest, named ? 36 : 2));
        if (where != found.end()) {
          p.at = where->second.at;
          p.size = where->second.size;
          if (p.metadata) metadata(p, rest);
        }
      }
      partitions_.push_back(std::move(p));
    }
  }

  /// The file that a metadata partition is, or its mirror.
  void metadata(Partition& p, Bytes map) {
    const unsigned own = kMaxPartitions;  // as if it were one of the volume's
    for (const std::size_t which : {38U, 42U}) {
      physical_ = Partition{p.at, p.size};
      const std::optional<File> file = entry({le32_at(map, which), own});
      physical_.reset();
      if (!file || (file->type != kMetadata && file->type != kMetadataMirror) || file->pieces.empty()) continue;
      if (file->pieces.size() > kMaxMetadata) continue;
      p.pieces = file->pieces;
      return;
    }
  }

  const Partition* partition(unsigned number) const {
    if (number == kMaxPartitions && physical_) return &*physical_;
    return number < partitions_.size() ? &partitions_[number] : nullptr;
  }

  /// Where `size` bytes from a block on are; less, where there are less.
  std::vector<Span> place(Address from, std::uint64_t size) const {
    std::vector<Span> out;
    const Partition* p = partition(from.partition);
    if (p == nullptr || size == 0) return out;
    std::uint64_t at = std::uint64_t{from.block} * sector_;
    if (!p->metadata) {
      if (at < p->size) out.push_back({p->at + at, std::min(size, p->size - at)});
      return out;
    }
    for (const Span& piece : p->pieces) {
      if (at >= piece.size) {
        at -= piece.size;
        continue;
      }
      const std::uint64_t n = std::min(size, piece.size - at);
      out.push_back({piece.at + at, n});
      size -= n;
      at = 0;
      if (size == 0) break;
    }
    return out;
  }

  std::optional<Buffer> block(Address at) {
    const std::vector<Span> where = place(at, sector_);
    if (where.empty() || where[0].size < sector_) return std::nullopt;
    return medium_.bytes(where[0].at, sector_);
  }

  std::optional<File> entry(Address at) {
    // Each file has one; more names than files are links.
    if (entries_ >= MediumMap::kMaxFiles + MediumMap::kMaxDirectories) return std::nullopt;
    ++entries_;
    const std::optional<Buffer> e = block(at);
    const unsigned tag = e ? tag_of(*e) : 0;
    if (tag != kFileEntry && tag != kExtendedFileEntry) return std::nullopt;
    File out;
    out.type = (*e)[27];
    out.size = le64_at(*e, 56);
    const std::size_t lengths = tag == kFileEntry ? 168 : 208;
    const std::uint64_t attributes = le32_at(*e, lengths), descriptors = le32_at(*e, lengths + 4);
    const std::uint64_t from = lengths + 8 + attributes;
    if (from > e->size() || descriptors > e->size() - from) return std::nullopt;
    const unsigned kind = le16_at(*e, 34) & 7;
    const Bytes list = Bytes(*e).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(descriptors));
    if (kind == 3) {  // the file is here itself
      const std::vector<Span> where = place(at, sector_);
      out.pieces.push_back({where[0].at + from, std::min<std::uint64_t>(out.size, descriptors)});
    } else if (kind <= 1) {
      pieces(out, list, kind == 1, at.partition);
    }
    return out;
  }

  /// Allocation descriptors, short or long.
  void pieces(File& out, Bytes list, bool with_partition, unsigned partition_of) {
    const std::size_t step = with_partition ? 16 : 8;
    std::uint64_t left = out.size;
    Buffer more;
    while (list.size() >= step && left > 0 && ++pieces_ <= kMaxPieces) {
      const std::uint32_t word = le32_at(list, 0), length = word & 0x3fffffff;
      Address at{le32_at(list, 4), partition_of};
      if (with_partition) at.partition = le16_at(list, 8);
      list = list.subspan(step);
      if (length == 0) return;
      if (word >> 30 == 3) {  // the list goes on there
        std::optional<Buffer> next = ++continued_ <= kMaxContinued ? block(at) : std::nullopt;
        if (!next || tag_of(*next) != kAllocationExtent) return;
        const std::uint32_t n = le32_at(*next, 20);
        if (n > next->size() - 24) return;
        more = std::move(*next);
        list = Bytes(more).subspan(24, n);
        continue;
      }
      const std::uint64_t n = std::min<std::uint64_t>(length, left);
      left -= n;
      if (word >> 30 != 0) continue;  // a hole
      for (const Span& piece : place(at, n)) out.pieces.push_back(piece);
    }
  }

  void walk() {
    enter(root_, "", 0);
    while (!todo_.empty()) {
      const Directory d = std::move(todo_.front());
      todo_.pop_front();
      look_into(d);
    }
  }

  void enter(Address at, const std::string& path, std::size_t depth) {
    if (seen_.contains(at)) return;  // a loop
    const std::optional<File> file = entry(at);
    if (!file || file->type != kFolder) return;
    take(at, *file, path, depth);
  }

  void take(Address at, const File& file, const std::string& path, std::size_t depth) {
    if (file.type == kFolder) {
      if (!seen_.insert(at).second || !medium_.enter(depth, path, file.size)) return;
      medium_.file(path + "/", file.pieces);
      for (const Span& p : place(at, sector_)) medium_.file(path + "/", p);
      todo_.push_back({file, path, depth});
    } else if (!medium_.full()) {
      medium_.file(path, file.pieces);
    }
  }

  void look_into(const Directory& d) {
    Buffer all;
    for (const Span& p : d.file.pieces) {
      const std::optional<Buffer> piece = medium_.bytes(p.at, static_cast<std::size_t>(p.size));
      if (!piece) break;
      append(all, *piece);
    }
    Bytes rest = all;
    while (rest.size() >= 38 && tag_of(rest) == kFileIdentifier) {
      const unsigned characteristics = rest[18];
      const std::size_t name = rest[19], use = le16_at(rest, 36);
      if (name + use > rest.size() - 38) return;
      if ((characteristics & (kDeleted | kParent)) == 0 && name > 0) {
        const Address at = long_ad(rest, 20).at;
        const std::string path = d.path + "/" + name_of(rest.subspan(38 + use, name));
        const std::optional<File> file = seen_.contains(at) ? std::nullopt : entry(at);
        if (file) take(at, *file, path, d.depth + 1);
      }
      const std::size_t whole = (38 + use + name + 3) / 4 * 4;
      if (whole > rest.size()) return;
      rest = rest.subspan(whole);
    }
  }

  MediumReader& medium_;
  std::uint32_t sector_ = 0;
  std::vector<Partition> partitions_;
  std::optional<Partition> physical_;  // while a metadata partition is looked for in it
  Address root_;
  std::size_t entries_ = 0, pieces_ = 0, continued_ = 0;
  std::deque<Directory> todo_;
  std::set<Address> seen_;
};

}  // namespace

void map_udf(MediumReader& medium) {
  Udf(medium).go();
}

}  // namespace amtgate::ider
