// FAT12, FAT16 and FAT32 with long names. Source: Microsoft's FAT32 File System Specification 1.03, ECMA-107.
#include <algorithm>
#include <bit>
#include <deque>

#include "amtgate/base/reader.h"
#include "src/ider/medium_reader.h"

namespace amtgate::ider {
namespace {

constexpr std::size_t kEntry = 32;                     // of a directory
constexpr std::uint8_t kLongName = 0x0f;               // attributes of a part of a long name
constexpr std::uint8_t kLabel = 0x08, kFolder = 0x10;  // attributes
constexpr std::size_t kLongest = 20;                   // parts of a long name
constexpr std::size_t kTablePiece = 4096;              // of the FAT, read at a time
// A terabyte in clusters of 256 KiB, and what is read of its table is 16 MiB.
constexpr std::uint64_t kMaxSteps = 4U << 20U;

class Fat {
 public:
  Fat(MediumReader& medium, Span volume, const std::string& prefix)
      : medium_(medium), volume_(volume), prefix_(prefix) {}

  void go() {
    if (!boot_sector()) return;
    medium_.file(prefix_ + "(boot sector)", Span{volume_.at, sector_});
    medium_.file(prefix_ + "(FAT)", Span{table_, tables_bytes_});
    if (root_cluster_ == 0) {
      if (medium_.enter(0, prefix_, root_.size)) look_into({{root_}, prefix_, 0});
    } else {
      enter(root_cluster_, prefix_, 0);
    }
    while (!todo_.empty()) {
      const Directory d = std::move(todo_.front());
      todo_.pop_front();
      look_into(d);
    }
  }

 private:
  struct Directory {
    std::vector<Span> pieces;
    std::string path;
    std::size_t depth;
  };

  /// False: this is no FAT file system.
  bool boot_sector() {
    const std::optional<Buffer> b = medium_.bytes(volume_.at, 512);
    if (!b) return false;
    if ((*b)[0] != 0xeb && (*b)[0] != 0xe9) return false;  // a jump over what follows
    Reader r(Bytes(*b).subspan(11));
    sector_ = r.le16();
    const unsigned per_cluster = r.u8();
    const unsigned reserved = r.le16();
    const unsigned tables = r.u8();
    const unsigned root_entries = r.le16();
    const unsigned small_total = r.le16();
    const unsigned descriptor = r.u8();
    const unsigned small_table = r.le16();
    r.skip(8);
    const std::uint32_t total = small_total != 0 ? small_total : r.le32();
    const std::uint32_t table = small_table != 0 ? small_table : Reader(Bytes(*b).subspan(36)).le32();
    if (sector_ < 512 || sector_ > 4096 || !std::has_single_bit(sector_)) return false;
    if (!std::has_single_bit(per_cluster) || reserved == 0 || tables == 0 || tables > 2 || table == 0) return false;
    if (descriptor != 0xf0 && descriptor < 0xf8) return false;
    const std::uint64_t root_sectors = (root_entries * kEntry + sector_ - 1) / sector_;
    const std::uint64_t before = reserved + std::uint64_t{tables} * table + root_sectors;
    if (total <= before) return false;
    clusters_ = static_cast<std::uint32_t>((total - before) / per_cluster);
    // Small volumes of FAT32 are not as specified, and made all the same.
    const bool large = small_table == 0 && root_entries == 0;
    if (!large && root_entries == 0) return false;
    bits_ = large ? 32 : clusters_ < 4085 ? 12 : 16;
    cluster_ = per_cluster * sector_;
    table_ = volume_.at + std::uint64_t{reserved} * sector_;
    tables_bytes_ = std::uint64_t{tables} * table * sector_;
    one_table_ = std::uint64_t{table} * sector_;
    root_ = {table_ + tables_bytes_, root_sectors * sector_};
    data_ = root_.at + root_.size;
    root_cluster_ = bits_ == 32 ? Reader(Bytes(*b).subspan(44)).le32() : 0;
    if (data_ >= medium_.size() || (bits_ == 32 && root_cluster_ < 2)) return false;
    clusters_ = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(clusters_, (medium_.size() - data_ + cluster_ - 1) / cluster_));
    used_.resize(clusters_);
    return true;
  }

  /// `n` bytes of the first table.
  std::optional<std::uint32_t> table_bytes(std::uint64_t at, std::size_t n) {
    if (at > one_table_ - std::min<std::uint64_t>(n, one_table_) || n > one_table_) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t piece = (at + i) / kTablePiece * kTablePiece;
      if (piece != piece_at_ || piece_.empty()) {
        const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(kTablePiece, one_table_ - piece));
        std::optional<Buffer> read = medium_.bytes(table_ + piece, size);
        if (!read) return std::nullopt;
        piece_ = std::move(*read);
        piece_at_ = piece;
      }
      value |= std::uint32_t{piece_[static_cast<std::size_t>(at + i - piece)]} << (8 * i);
    }
    return value;
  }

  /// What comes behind a cluster; nothing at the end of the chain.
  std::optional<std::uint32_t> next(std::uint32_t cluster) {
    std::optional<std::uint32_t> v;
    if (bits_ == 12) {
      v = table_bytes(cluster + cluster / 2, 2);
      if (v) v = cluster % 2 == 0 ? *v & 0xfff : *v >> 4;
    } else {
      v = table_bytes(std::uint64_t{cluster} * (bits_ / 8), bits_ / 8);
      if (v && bits_ == 32) v = *v & 0x0fffffff;
    }
    return v && exists(*v) ? v : std::nullopt;
  }

  bool exists(std::uint32_t cluster) const { return cluster >= 2 && cluster - 2 < clusters_; }

  /// Where a chain's first `most` bytes are. It ends at a cluster that was in a chain before: no cluster is in two.
  std::vector<Span> chain(std::uint32_t cluster, std::uint64_t most) {
    std::vector<Span> out;
    while (exists(cluster) && !used_[cluster - 2] && most > 0 && steps_ < kMaxSteps) {
      ++steps_;
      used_[cluster - 2] = true;
      const std::uint64_t at = data_ + std::uint64_t{cluster - 2} * cluster_;
      const std::uint64_t size = std::min<std::uint64_t>(most, cluster_);
      if (!out.empty() && out.back().at + out.back().size == at) {
        out.back().size += size;
      } else {
        if (out.size() >= MediumMap::kMaxFiles) break;
        out.push_back({at, size});
      }
      most -= size;
      const std::optional<std::uint32_t> follows = most > 0 ? next(cluster) : std::nullopt;
      if (!follows) break;
      cluster = *follows;
    }
    return out;
  }

  void enter(std::uint32_t cluster, const std::string& path, std::size_t depth) {
    std::vector<Span> pieces = chain(cluster, MediumMap::kMaxDirectoryBytes);
    std::uint64_t size = 0;
    for (const Span& p : pieces) size += p.size;
    if (!medium_.enter(depth, path, size)) return;
    todo_.push_back({std::move(pieces), path, depth});
  }

  void look_into(const Directory& d) {
    medium_.file(d.path + "/", d.pieces);
    long_.clear();
    for (const Span& piece : d.pieces) {
      // Clusters and sectors hold whole entries.
      for (std::uint64_t at = 0; at < piece.size; at += sector_) {
        const std::optional<Buffer> sector = medium_.bytes(piece.at + at, sector_);
        if (!sector) {
          long_.clear();
          continue;
        }
        for (std::size_t i = 0; i < sector_; i += kEntry) {
          const Bytes entry = Bytes(*sector).subspan(i, kEntry);
          if (entry[0] == 0) return;  // nothing behind it
          take_entry(entry, d);
        }
      }
    }
  }

  void take_entry(Bytes entry, const Directory& d) {
    if (entry[0] == 0xe5) return long_.clear();  // deleted
    if ((entry[11] & 0x3f) == kLongName) return take_part(entry);
    const std::string name = name_of(entry);
    long_.clear();
    if ((entry[11] & kLabel) != 0 || name.empty() || entry[0] == '.') return;
    const std::string path = d.path + "/" + name;
    const std::uint32_t high = bits_ == 32 ? Reader(entry.subspan(20)).le16() : 0;
    Reader r(entry.subspan(26));
    const std::uint32_t cluster = high << 16 | r.le16();
    const std::uint32_t size = r.le32();
    if ((entry[11] & kFolder) != 0) return enter(cluster, path, d.depth + 1);
    if (!medium_.full()) medium_.file(path, chain(cluster, size));
  }

  /// The last part comes first, with 0x40 in its number.
  void take_part(Bytes entry) {
    const std::size_t number = entry[0] & 0x1f;
    if ((entry[0] & 0x40) != 0) {
      long_.clear();
      if (number > kLongest) return;
      sum_ = entry[13];
    } else if (long_.empty() || number + 1 != expected_ || entry[13] != sum_) {
      return long_.clear();
    }
    if (number == 0) return long_.clear();
    expected_ = number;
    Buffer part;
    append(part, entry.subspan(1, 10));
    append(part, entry.subspan(14, 12));
    append(part, entry.subspan(28, 4));
    append(part, long_);
    long_ = std::move(part);
  }

  std::string name_of(Bytes entry) const {
    unsigned sum = 0;
    for (std::size_t i = 0; i < 11; ++i) sum = (((sum & 1) << 7 | sum >> 1) + entry[i]) & 0xff;
    if (!long_.empty() && expected_ == 1 && sum_ == sum) {
      std::size_t n = 0;
      while (n + 1 < long_.size() && (long_[n] | long_[n + 1]) != 0) n += 2;
      std::string out;
      append_utf16(out, Bytes(long_).first(n), Endian::Little);
      return out;
    }
    // Windows keeps names that are all of one case so, without a long one.
    std::string out = part_of(entry.first(8), (entry[12] & 0x08) != 0);
    const std::string extension = part_of(entry.subspan(8, 3), (entry[12] & 0x10) != 0);
    return extension.empty() ? out : out + "." + extension;
  }

  /// What is beyond ASCII depends on who wrote it.
  static std::string part_of(Bytes text, bool lower) {
    std::string out;
    for (const std::uint8_t c : text) {
      const bool letter = c >= 'A' && c <= 'Z';
      out += c <= 0x1f || c >= 0x7f ? '?' : static_cast<char>(lower && letter ? c + 32 : c);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
  }

  MediumReader& medium_;
  const Span volume_;
  const std::string prefix_;
  std::uint32_t sector_ = 0, cluster_ = 0, clusters_ = 0, root_cluster_ = 0;
  unsigned bits_ = 0;
  std::uint64_t table_ = 0, tables_bytes_ = 0, one_table_ = 0, data_ = 0;
  Span root_{};
  std::uint64_t piece_at_ = 0;
  Buffer piece_;
  std::uint64_t steps_ = 0;
  std::deque<Directory> todo_;
  std::vector<bool> used_;  // clusters
  Buffer long_;             // a long name so far, UTF-16
  std::size_t expected_ = 0;
  unsigned sum_ = 0;
};

}  // namespace

void map_fat(MediumReader& medium, Span volume, const std::string& prefix) {
  Fat(medium, volume, prefix).go();
}

}  // namespace amtgate::ider
