// ChunkMap: which parts of an image are here, and the file that says so beside the image's bytes.
//
// The file, one line of text each and then the bits (chunk 0 is bit 0 of the first byte):
//   amtgate image 1
//   url ADDRESS without user, password and query
//   data NAME of the file of bytes, in the same folder
//   size BYTES
//   etag TEXT, empty where there is none; likewise
//   modified TEXT
//   crc CRC-32 of the bits, eight hex digits
//   (an empty line)
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/image/web_head.h"

namespace amtgate::image {

inline constexpr std::uint64_t kChunk = 64 * 1024;
/// Two floppies' worth of bits would be silly, and 2 TiB are what READ CAPACITY(10) can say of 512-byte blocks.
inline constexpr std::uint64_t kMaxImage = std::uint64_t{1} << 41U;
inline constexpr std::size_t kMaxMapFile = kMaxImage / kChunk / 8 + 8192;

class ChunkMap {
 public:
  ChunkMap() = default;
  explicit ChunkMap(std::uint64_t size) : size_(size), bits_((chunks() + 7) / 8) {}

  std::uint64_t size() const { return size_; }
  std::uint64_t chunks() const { return (size_ + kChunk - 1) / kChunk; }
  bool has(std::uint64_t chunk) const { return (bits_[chunk / 8] >> (chunk % 8) & 1U) != 0; }
  void set(std::uint64_t chunk) {
    if (has(chunk)) return;
    bits_[chunk / 8] = static_cast<std::uint8_t>(bits_[chunk / 8] | 1U << (chunk % 8));
    ++count_;
  }
  void clear();
  std::uint64_t count() const { return count_; }
  bool whole() const { return count_ == chunks(); }
  /// The bytes of the chunks that are there.
  std::uint64_t bytes() const;
  /// Where the chunk ends: the last may be short.
  std::uint64_t end_of(std::uint64_t chunk) const { return std::min((chunk + 1) * kChunk, size_); }

  const Buffer& bits() const { return bits_; }
  /// Errors: BadValue (the bits do not fit the size).
  static Result<ChunkMap> from_bits(std::uint64_t size, Bytes bits);

 private:
  std::uint64_t size_ = 0;
  std::uint64_t count_ = 0;
  Buffer bits_;
};

struct CacheRecord {
  std::string url;
  std::string data;
  Identity identity;
  ChunkMap map;
};
std::string to_text(const CacheRecord& record);
/// Errors: BadValue (not such a file, torn, a name of `data` that is not one of ours).
Result<CacheRecord> parse_record(std::string_view text);

}  // namespace amtgate::image
