// The file that holds what a machine has written to an image which itself stays as it is. Integers are
// little-endian.
//
//   0 "AMTGOVL1" | 8 block size, 4 bytes | 12 number of blocks, 4 | 16 mark of the image, 8 | 24 zeros up to 4096
//   4096 a bit for each block, that of block 0 the lowest of the first byte: 1 = the block is in here; zeros up to a
//        multiple of 4096
//   then the blocks, each at its number times the block size; holes where none was written
//
// A bit is set after its block was written. The mark of the image is FNV-1a (64 bits) over its size in blocks and
// over blocks of it: all, or 64 spans of 128 evenly spread where there are more than 8192.
#pragma once

#include <cstdint>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::image {

inline constexpr std::size_t kOverlayHeader = 4096;
/// 64 GiB of blocks of 512 bytes; their bits are 16 MiB, which are kept in memory.
inline constexpr std::uint32_t kMaxOverlayBlocks = 1U << 27;

struct OverlayHeader {
  std::uint32_t block_size = 512;
  std::uint32_t blocks = 0;
  std::uint64_t mark = 0;
  bool operator==(const OverlayHeader&) const = default;

  std::size_t bitmap_bytes() const { return (std::size_t{blocks} + 7) / 8; }
  std::uint64_t data_start() const { return kOverlayHeader + (bitmap_bytes() + 4095) / 4096 * 4096; }
};

/// Errors, without the file's name: BadValue ("it is not an overlay", and what is wrong with one).
Result<OverlayHeader> parse_overlay_header(Bytes first);
/// kOverlayHeader bytes.
Buffer overlay_header(const OverlayHeader& h);
/// Whether a file of `file_size` bytes with these bits can be true: `bitmap` is bitmap_bytes() long, no bit is set
/// behind the last block, and every block that is said to be there is. Errors: BadValue.
Result<void> check_overlay(const OverlayHeader& h, Bytes bitmap, std::uint64_t file_size);

}  // namespace amtgate::image
