// Reader: bounded reading of fixed layouts. Past the end it sets failed() and gives zeros, so that a decoder
// tests failed() once at its end instead of after every field.
#pragma once

#include "amtgate/base/bytes.h"

namespace amtgate {

class Reader {
 public:
  explicit Reader(Bytes in) : in_(in) {}

  std::uint8_t u8() {
    const Bytes b = take(1);
    return b.empty() ? std::uint8_t{0} : b[0];
  }
  std::uint16_t be16() { return static_cast<std::uint16_t>(big(2)); }
  std::uint32_t be32() { return static_cast<std::uint32_t>(big(4)); }
  std::uint64_t be64() { return big(8); }
  std::uint16_t le16() { return static_cast<std::uint16_t>(little(2)); }
  std::uint32_t le32() { return static_cast<std::uint32_t>(little(4)); }
  std::uint64_t le64() { return little(8); }

  /// The next `n` bytes, a view into the input; empty and failed() when fewer remain.
  Bytes take(std::size_t n) {
    if (n > in_.size() - at_) {
      failed_ = true;
      at_ = in_.size();
      return {};
    }
    const Bytes out = in_.subspan(at_, n);
    at_ += n;
    return out;
  }
  void skip(std::size_t n) { take(n); }

  /// One length byte, then that many bytes: the redirection protocol's strings.
  Bytes take_len8() { return take(u8()); }

  std::size_t position() const { return at_; }
  std::size_t remaining() const { return in_.size() - at_; }
  Bytes rest() const { return in_.subspan(at_); }
  bool failed() const { return failed_; }
  /// Everything was read, and nothing that was not there.
  bool done() const { return !failed_ && at_ == in_.size(); }

 private:
  std::uint64_t big(std::size_t n) {
    std::uint64_t v = 0;
    for (const std::uint8_t b : take(n)) v = v << 8 | b;
    return v;
  }
  std::uint64_t little(std::size_t n) {
    std::uint64_t v = 0;
    unsigned shift = 0;
    for (const std::uint8_t b : take(n)) {
      v |= static_cast<std::uint64_t>(b) << shift;
      shift += 8;
    }
    return v;
  }

  Bytes in_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace amtgate
