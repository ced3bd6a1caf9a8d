// BlockSource: where the blocks of an image come from. Implemented above this module: a file, memory, a download.
#pragma once

#include <compare>
#include <cstdint>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::ider {

struct Lba {
  std::uint32_t value = 0;
  auto operator<=>(const Lba&) const = default;
};
struct SectorCount {
  std::uint32_t value = 0;
  auto operator<=>(const SectorCount&) const = default;
};

/// An image, read-only. Must outlive every role that serves it.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  /// 2048 for a CD, 512 for a floppy.
  virtual std::uint32_t block_size() const = 0;
  /// Whole blocks; an image that ends within a block counts it, and read() fills it up with zeros. At least 1.
  virtual SectorCount blocks() const = 0;
  /// Fills `out` with the blocks from `first` on; out.size() is a multiple of the block size and lies within the
  /// image. Any error becomes an unrecovered read error (3/11/00) for the host.
  virtual Result<void> read(Lba first, MutableBytes out) = 0;
};

}  // namespace amtgate::ider
