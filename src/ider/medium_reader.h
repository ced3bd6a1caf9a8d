// MediumReader: the bytes of a medium and the list of what lies where, for the readers of file systems that fill a
// MediumMap. The limits that they share are kept here: bytes of directories, files, lengths of names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "amtgate/ider/block_source.h"
#include "amtgate/ider/medium_map.h"

namespace amtgate::ider {

/// Bytes of the medium.
struct Span {
  std::uint64_t at = 0;
  std::uint64_t size = 0;
};

class MediumReader {
 public:
  using Extent = MediumMap::Extent;

  explicit MediumReader(BlockSource& medium) : medium_(medium), block_(medium.block_size()) {}

  std::uint32_t block_size() const { return block_; }
  /// Whole blocks.
  std::uint64_t size() const { return std::uint64_t{medium_.blocks().value} * block_; }
  /// `n` bytes from `at` on, wherever blocks begin; nothing where the medium ends before, or cannot be read.
  std::optional<Buffer> bytes(std::uint64_t at, std::size_t n);

  /// A file, a directory or a table of a file system, and where its bytes are, in their order. What is outside of the
  /// medium, too long a name or too much is left out.
  void file(const std::string& name, std::span<const Span> pieces);
  void file(const std::string& name, Span piece) { file(name, std::span(&piece, 1)); }
  /// What files may lie in: a partition, a boot image.
  void area(const std::string& name, Span piece);
  bool full() const { return files_.size() >= MediumMap::kMaxFiles; }

  /// Whether a directory may be looked into: how deep, called what, and how long it is.
  bool enter(std::size_t depth, const std::string& path, std::uint64_t size);

  std::vector<Extent> take_files();
  std::vector<Extent> take_areas();

 private:
  void add(std::vector<Extent>& to, const std::string& name, std::span<const Span> pieces);

  BlockSource& medium_;
  const std::uint32_t block_;
  std::vector<Extent> files_, areas_;
  std::size_t reads_ = 0, directories_ = 0;
  std::uint64_t directory_bytes_ = 0;
};

/// Of a master boot record or a GUID partition table; none where there is no such table.
struct Partition {
  std::string name;  // "partition 2", "partition 1 (EFI)"
  Span where;
};
std::vector<Partition> read_partitions(MediumReader& medium);

// The file systems. Each looks whether it is there at all; nothing it finds is an error.

/// ISO 9660 with Rock Ridge or Joliet, and El Torito. Gives the boot images, which may hold a file system (FAT).
struct BootImage {
  std::string name;
  Span where;
};
std::vector<BootImage> map_iso9660(MediumReader& medium);
/// UDF.
void map_udf(MediumReader& medium);
/// FAT12, FAT16 and FAT32 in `volume`; its files are called `prefix` and then "/NAME".
void map_fat(MediumReader& medium, Span volume, const std::string& prefix);

// Names.

/// A character of a foreign name; control characters and halves of surrogate pairs become '?'.
void append_utf8(std::string& out, unsigned character);
/// UTF-16, two bytes at a time; a byte that is left over is not looked at.
enum class Endian : std::uint8_t { Little, Big };
void append_utf16(std::string& out, Bytes text, Endian endian);

}  // namespace amtgate::ider
