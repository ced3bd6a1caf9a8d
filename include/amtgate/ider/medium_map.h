// MediumMap: what lies where on a medium, to say what a machine reads: the files of ISO 9660 (by their Rock Ridge or
// Joliet names), UDF and FAT file systems, El Torito boot images, partitions of a hybrid image or a disk (MBR, GPT).
//
// Read from the medium once, within limits; what is broken, too much or unknown is left out, and never an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/ider/block_source.h"

namespace amtgate::ider {

class MediumMap {
 public:
  /// Pieces of files, of all directories together; an installation medium has some ten thousand files.
  static constexpr std::size_t kMaxFiles = 200'000;
  static constexpr std::size_t kMaxDirectories = 50'000;
  static constexpr std::size_t kMaxDirectoryBytes = 64U << 20U;
  /// A file of UDF costs one.
  static constexpr std::size_t kMaxReads = 500'000;
  static constexpr std::size_t kMaxDepth = 24;
  static constexpr std::size_t kMaxPath = 512;

  struct Place {
    std::string_view name;  // "/boot/vmlinuz", "partition 2"; lives as long as the map
    unsigned percent;       // how far into it
  };

  MediumMap() = default;
  /// Errors of the medium leave out what they hit.
  static MediumMap read(BlockSource& medium);

  /// What holds the block; nothing where that is not known. The narrowest wins: a file before its partition.
  std::optional<Place> at(Lba block) const;
  /// Pieces of files.
  std::size_t files() const { return files_.size(); }

 private:
  friend class MediumReader;
  /// A piece of something, in blocks of the medium.
  struct Extent {
    std::uint32_t first;
    std::uint32_t count;
    std::uint64_t before;  // blocks of the whole that come before this piece
    std::uint64_t total;   // blocks of the whole, not 0
    std::string name;
  };
  static std::optional<Place> find(const std::vector<Extent>& sorted, std::uint32_t block);

  std::vector<Extent> files_;  // by their first block
  std::vector<Extent> areas_;  // the same: boot images and partitions, a few
};

}  // namespace amtgate::ider
