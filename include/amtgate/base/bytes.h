// Bytes: views and owned buffers. Everything below the edges speaks in these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace amtgate {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;
using Buffer = std::vector<std::uint8_t>;

/// The bytes of `text`, as they are in memory. Lives as long as `text`.
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// `bytes` read as characters, whatever they are. Lives as long as `bytes`.
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline void append(Buffer& out, Bytes in) {
  out.insert(out.end(), in.begin(), in.end());
}
inline void append(Buffer& out, std::string_view in) {
  append(out, as_bytes(in));
}

}  // namespace amtgate
