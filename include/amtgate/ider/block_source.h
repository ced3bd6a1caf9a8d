// BlockSource: where the blocks of an image come from and go to. Implemented above this module: a file, memory, a
// download.
#pragma once

#include <compare>
#include <cstdint>
#include <span>

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

/// What became of a read.
enum class Fetch : std::uint8_t {
  Done,
  Later,  // the blocks are on their way; `out` holds nothing yet
};

/// An image. Must outlive every role that serves it.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  /// 2048 for a CD, 512 for a floppy.
  virtual std::uint32_t block_size() const = 0;
  /// Whole blocks; an image that ends within a block counts it, and read() fills it up with zeros. At least 1.
  virtual SectorCount blocks() const = 0;
  /// Fills `out` with the blocks from `first` on; out.size() is a multiple of the block size and lies within the
  /// image. Any error becomes an unrecovered read error (3/11/00) for the host. A source whose blocks are far away
  /// says Later and begins to fetch them; whoever owns source and role calls ClientRole::resume() when asking again
  /// is worth while, and sees to it that this is before the host gives up (a source that cannot deliver says so with
  /// an error).
  virtual Result<Fetch> read(Lba first, MutableBytes out) = 0;

  /// The same into several pieces, one behind the other; for sources that can do so at once.
  virtual Result<Fetch> read_pieces(Lba first, std::span<const MutableBytes> pieces) {
    for (const MutableBytes& piece : pieces) {
      const Result<Fetch> read_one = read(first, piece);
      if (!read_one || *read_one != Fetch::Done) return read_one;
      first.value += static_cast<std::uint32_t>(piece.size() / block_size());
    }
    return Fetch::Done;
  }

  /// Blocks that nobody has asked for yet, as read_pieces() gives them: only if they are here at once. Begins
  /// nothing, and what goes wrong is no news: a read will tell. False: not now, or not from this source.
  virtual bool peek(Lba /*first*/, std::span<const MutableBytes> /*pieces*/) { return false; }
  /// The host has asked for what the last peek() gave: that counts as read. False: a read might bring something else
  /// by now. Once for each peek().
  virtual bool confirm() { return false; }

  /// Whether write() may be called; a drive whose medium says no is write-protected.
  virtual bool writable() const { return false; }
  /// Stores whole blocks from `first` on, with read()'s bounds. Errors become a write error (3/0C/00) for the host.
  virtual Result<void> write(Lba /*first*/, Bytes /*in*/) {
    return Error{Errc::Unsupported, "the image is read-only"};
  }
  /// What was written survives a loss of power from here on. Errors as write()'s.
  virtual Result<void> flush() { return {}; }
};

}  // namespace amtgate::ider
