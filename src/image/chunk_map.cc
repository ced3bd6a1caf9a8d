#include "amtgate/image/chunk_map.h"

#include <zlib.h>

#include <bit>
#include <charconv>

namespace amtgate::image {
namespace {

constexpr std::string_view kFirst = "amtgate image 1";

/// "KEY rest" up to the end of the line; nothing when another line stands there.
bool take(std::string_view& text, std::string_view key, std::string& value) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return false;
  std::string_view line = text.substr(0, end);
  if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') return false;
  value = line.substr(key.size() + 1);
  text.remove_prefix(end + 1);
  return true;
}

std::string crc(Bytes bits) {
  unsigned long sum = ::crc32(0, nullptr, 0);
  while (!bits.empty()) {  // zlib counts in 32 bits
    const std::size_t n = std::min<std::size_t>(bits.size(), 1U << 30U);
    sum = ::crc32(sum, bits.data(), static_cast<unsigned>(n));
    bits = bits.subspan(n);
  }
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out(8, '0');
  for (std::size_t i = 0; i < 8; ++i) out[7 - i] = kDigits[sum >> (4 * i) & 0xfU];
  return out;
}

/// KEY-NONCE.data, hex digits both: never a path.
bool is_data_name(std::string_view name) {
  constexpr std::string_view kEnd = ".data";
  if (name.size() > 80 || name.size() <= kEnd.size() || !name.ends_with(kEnd)) return false;
  name.remove_suffix(kEnd.size());
  return name.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

}  // namespace

void ChunkMap::clear() {
  std::ranges::fill(bits_, std::uint8_t{0});
  count_ = 0;
}

std::uint64_t ChunkMap::bytes() const {
  if (count_ == 0) return 0;
  const std::uint64_t last = chunks() - 1;
  const std::uint64_t short_by = has(last) ? (last + 1) * kChunk - size_ : 0;
  return count_ * kChunk - short_by;
}

Result<ChunkMap> ChunkMap::from_bits(std::uint64_t size, Bytes bits) {
  if (size == 0 || size > kMaxImage) return Error{Errc::BadValue, "size " + std::to_string(size)};
  ChunkMap out(size);
  if (bits.size() != out.bits_.size()) return Error{Errc::BadValue, "a map of another length than its image has"};
  out.bits_.assign(bits.begin(), bits.end());
  if (out.chunks() % 8 != 0 && out.bits_.back() >> (out.chunks() % 8) != 0)
    return Error{Errc::BadValue, "a map with more than its image has"};
  for (const std::uint8_t b : bits) out.count_ += static_cast<unsigned>(std::popcount(b));
  return out;
}

std::string to_text(const CacheRecord& record) {
  std::string out(kFirst);
  out += "\nurl " + record.url + "\ndata " + record.data + "\nsize " + std::to_string(record.identity.size) +
         "\netag " + record.identity.etag + "\nmodified " + record.identity.last_modified + "\ncrc " +
         crc(record.map.bits()) + "\n\n";
  out += as_text(record.map.bits());
  return out;
}

Result<CacheRecord> parse_record(std::string_view text) {
  const Error bad{Errc::BadValue, "not the map of an image"};
  CacheRecord out;
  std::string size, sum;
  if (!text.starts_with(kFirst) || text.size() <= kFirst.size() || text[kFirst.size()] != '\n') return bad;
  text.remove_prefix(kFirst.size() + 1);
  if (!take(text, "url", out.url) || !take(text, "data", out.data) || !take(text, "size", size) ||
      !take(text, "etag", out.identity.etag) || !take(text, "modified", out.identity.last_modified) ||
      !take(text, "crc", sum) || !text.starts_with('\n')) {
    return bad;
  }
  text.remove_prefix(1);
  const auto [end, ec] = std::from_chars(size.data(), size.data() + size.size(), out.identity.size);
  if (ec != std::errc{} || end != size.data() + size.size()) return bad;
  if (!is_data_name(out.data)) return bad;
  Result<ChunkMap> map = ChunkMap::from_bits(out.identity.size, as_bytes(text));
  if (!map) return map.error();
  if (crc(as_bytes(text)) != sum) return Error{Errc::BadValue, "a torn map of an image"};
  out.map = std::move(*map);
  return out;
}

}  // namespace amtgate::image
