#include "src/ider/medium_reader.h"

#include <algorithm>
#include <utility>

namespace amtgate::ider {

std::optional<Buffer> MediumReader::bytes(std::uint64_t at, std::size_t n) {
  const std::uint64_t all = size();
  if (n == 0 || at >= all || n > all - at || reads_ >= MediumMap::kMaxReads) return std::nullopt;
  ++reads_;
  const std::uint64_t first = at / block_, end = (at + n + block_ - 1) / block_;
  Buffer out(static_cast<std::size_t>((end - first) * block_));
  const Result<Fetch> read = medium_.read(Lba{static_cast<std::uint32_t>(first)}, out);
  if (!read || *read != Fetch::Done) return std::nullopt;
  out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(at % block_));
  out.resize(n);
  return out;
}

void MediumReader::add(std::vector<Extent>& to, const std::string& name, std::span<const Span> pieces) {
  if (name.empty() || name.size() > MediumMap::kMaxPath + 1) return;
  const std::uint64_t all = size();
  std::vector<Extent> found;
  std::uint64_t total = 0;
  for (const Span& p : pieces) {
    if (p.at >= all || p.size == 0) continue;
    if (found.size() + to.size() >= MediumMap::kMaxFiles) break;
    const std::uint64_t first = p.at / block_;
    const std::uint64_t end = (p.at + std::min(p.size, all - p.at) + block_ - 1) / block_;
    found.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(end - first), total, 0, name});
    total += end - first;
  }
  for (Extent& e : found) {
    e.total = total;
    to.push_back(std::move(e));
  }
}

void MediumReader::file(const std::string& name, std::span<const Span> pieces) {
  add(files_, name, pieces);
}

void MediumReader::area(const std::string& name, Span piece) {
  add(areas_, name, std::span(&piece, 1));
}

bool MediumReader::enter(std::size_t depth, const std::string& path, std::uint64_t bytes) {
  if (depth > MediumMap::kMaxDepth || path.size() > MediumMap::kMaxPath) return false;
  if (directories_ >= MediumMap::kMaxDirectories) return false;
  if (bytes == 0 || bytes > MediumMap::kMaxDirectoryBytes - directory_bytes_) return false;
  ++directories_;
  directory_bytes_ += bytes;
  return true;
}

std::vector<MediumReader::Extent> MediumReader::take_files() {
  // Stable: of two names for the same place the later one counts, which is that of the richer file system.
  std::ranges::stable_sort(files_, {}, &Extent::first);
  return std::move(files_);
}

std::vector<MediumReader::Extent> MediumReader::take_areas() {
  std::ranges::stable_sort(areas_, {}, &Extent::first);
  return std::move(areas_);
}

void append_utf8(std::string& out, unsigned c) {
  if (c < 0x20 || c == 0x7f || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff) {
    out += '?';
  } else if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

void append_utf16(std::string& out, Bytes text, Endian endian) {
  const auto unit = [&](std::size_t i) {
    const unsigned a = text[i], b = text[i + 1];
    return endian == Endian::Big ? a << 8 | b : b << 8 | a;
  };
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned c = unit(i);
    if (c >= 0xd800 && c < 0xdc00 && i + 3 < text.size()) {
      const unsigned low = unit(i + 2);
      if (low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        i += 2;
      }
    }
    append_utf8(out, c);
  }
}

}  // namespace amtgate::ider
