// ReadAhead: what a machine will read next, from what it has read. Several files are often read in turn, so several
// sequences are followed at once.
#pragma once

#include <array>
#include <cstdint>

namespace amtgate::image {

class ReadAhead {
 public:
  /// So many times as far ahead as was read in sequence already, up to the most.
  static constexpr std::uint64_t kAhead = 8;
  static constexpr std::uint64_t kMost = std::uint64_t{32} << 20U;
  /// A sequence begins to count from here: a single read of a file system's tables is none.
  static constexpr std::uint64_t kLeast = std::uint64_t{64} << 10U;
  /// Reads that skip less than this go on with their sequence.
  static constexpr std::uint64_t kSkip = std::uint64_t{64} << 10U;

  /// [from, from + length) is read. Gives up to where more should be on its way: from + length where nothing is
  /// known.
  std::uint64_t read(std::uint64_t from, std::uint64_t length);

 private:
  struct Sequence {
    std::uint64_t next = 0;
    std::uint64_t run = 0;  // bytes read in sequence
    std::uint64_t used = 0;
  };
  std::array<Sequence, 4> sequences_;
  std::uint64_t turn_ = 0;
};

}  // namespace amtgate::image
