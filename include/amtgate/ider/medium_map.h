// MediumMap: what lies where on a medium, to say what a machine reads: the files of an ISO 9660 file system (by their
// Rock Ridge or Joliet names), El Torito boot images, partitions of a hybrid image or a disk.
//
// Read from the medium once, within limits; what is broken, too much or unknown (UDF) is left out, and never an
// error. Source: ECMA-119, the Joliet and SUSP/RRIP specifications, El Torito 1.0.
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
  /// Of all directories together; an installation medium has some ten thousand files.
  static constexpr std::size_t kMaxFiles = 200'000;
  static constexpr std::size_t kMaxDirectories = 50'000;
  static constexpr std::size_t kMaxDirectoryBytes = 64U << 20U;
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
  std::size_t files() const { return files_.size(); }

 private:
  /// In blocks of the medium.
  struct Extent {
    std::uint32_t first;
    std::uint32_t count;
    std::string name;
  };
  class Reading;
  static std::optional<Place> find(const std::vector<Extent>& sorted, std::uint32_t block);

  std::vector<Extent> files_;  // by their first block
  std::vector<Extent> areas_;  // the same: boot images and partitions, a few
};

}  // namespace amtgate::ider
