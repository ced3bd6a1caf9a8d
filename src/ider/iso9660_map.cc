// ISO 9660 with Rock Ridge or Joliet, and El Torito. Source: ECMA-119, the Joliet and SUSP/RRIP specifications, El
// Torito 1.0.
#include <deque>
#include <set>
#include <string_view>

#include "amtgate/base/reader.h"
#include "src/ider/medium_reader.h"

namespace amtgate::ider {
namespace {

constexpr std::uint32_t kSector = 2048;
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

enum class Names { Plain, Joliet };

/// A record's own name, without ";1" and a last full stop.
std::string record_name(Bytes name, Names names) {
  std::string out;
  if (names == Names::Joliet) {
    append_utf16(out, name, Endian::Big);
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

class Iso9660 {
 public:
  explicit Iso9660(MediumReader& medium) : medium_(medium) {}

  std::vector<BootImage> go() {
    volumes();
    return std::move(found_);
  }

 private:
  struct Directory {
    std::uint32_t sector;
    std::uint32_t bytes;
    std::string path;
    std::size_t depth;
  };

  std::optional<Buffer> get(std::uint32_t sector, std::size_t n) {
    return medium_.bytes(std::uint64_t{sector} * kSector, n);
  }
  void add(std::uint32_t sector, std::uint64_t bytes, const std::string& name) {
    medium_.file(name, Span{std::uint64_t{sector} * kSector, bytes});
  }

  void volumes() {
    std::optional<Buffer> primary, joliet;
    for (std::uint32_t i = 0; i < kMaxDescriptors; ++i) {
      std::optional<Buffer> d = get(kFirstDescriptor + i, kSector);
      if (!d || as_text(Bytes(*d).subspan(1, 5)) != "CD001" || (*d)[0] == 255) break;
      add(kFirstDescriptor + i, kSector, "(volume descriptors)");
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
    if (seen_.contains(d.sector) || !medium_.enter(d.depth, d.path, d.bytes)) return;  // seen: a loop
    seen_.insert(d.sector);
    add(d.sector, d.bytes, d.path + "/");
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
    } else if (!medium_.full()) {
      add(extent_of(record), bytes, std::move(path));
    }
  }

  /// The boot catalogue: an entry of 32 bytes that validates it, that of the default image, sections with more.
  void boot_images(std::uint32_t catalogue) {
    const std::optional<Buffer> c = get(catalogue, kSector);
    if (!c || (*c)[0] != 1 || (*c)[30] != 0x55 || (*c)[31] != 0xaa) return;
    medium_.area("(boot catalogue)", {std::uint64_t{catalogue} * kSector, kSector});
    std::uint8_t platform = (*c)[1];
    for (std::size_t i = 1; i < kMaxBootEntries; ++i) {
      const Bytes entry = Bytes(*c).subspan(i * 32, 32);
      if (entry[0] == 0x90 || entry[0] == 0x91) {
        platform = entry[1];
      } else if (entry[0] == 0x88) {
        // In sectors of 512 bytes; what is loaded at least.
        const std::uint64_t bytes = std::uint64_t{Reader(entry.subspan(6)).le16()} * 512;
        const Span where{std::uint64_t{le32_at(entry, 8)} * kSector, std::max<std::uint64_t>(bytes, kSector)};
        found_.push_back({platform == 0xef ? "(EFI boot image)" : "(boot image)", where});
        medium_.area(found_.back().name, where);
      } else if (entry[0] != 0x44) {  // more of the entry before
        return;
      }
    }
  }

  MediumReader& medium_;
  std::deque<Directory> todo_;
  std::set<std::uint32_t> seen_;
  std::vector<BootImage> found_;
};

}  // namespace

std::vector<BootImage> map_iso9660(MediumReader& medium) {
  return Iso9660(medium).go();
}

}  // namespace amtgate::ider
