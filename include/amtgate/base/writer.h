// Writer: appends fixed-size integers and strings to a Buffer that it does not own.
#pragma once

#include <cassert>

#include "amtgate/base/bytes.h"

namespace amtgate {

class Writer {
 public:
  explicit Writer(Buffer& out) : out_(out) {}

  Writer& u8(unsigned v) {
    out_.push_back(static_cast<std::uint8_t>(v));
    return *this;
  }
  Writer& be16(unsigned v) { return u8(v >> 8 & 0xff).u8(v & 0xff); }
  Writer& be32(std::uint32_t v) { return be16(v >> 16).be16(v & 0xffff); }
  Writer& be64(std::uint64_t v) {
    return be32(static_cast<std::uint32_t>(v >> 32)).be32(static_cast<std::uint32_t>(v));
  }
  Writer& le16(unsigned v) { return u8(v & 0xff).u8(v >> 8 & 0xff); }
  Writer& le32(std::uint32_t v) { return le16(v & 0xffff).le16(v >> 16); }
  Writer& zeros(std::size_t n) {
    out_.insert(out_.end(), n, std::uint8_t{0});
    return *this;
  }
  Writer& bytes(Bytes in) {
    append(out_, in);
    return *this;
  }
  Writer& text(std::string_view in) {
    append(out_, in);
    return *this;
  }
  /// One length byte, then `in`. The caller has checked that it fits 255.
  Writer& len8(std::string_view in) {
    assert(in.size() <= 255);
    return u8(static_cast<unsigned>(in.size())).text(in);
  }

 private:
  Buffer& out_;
};

}  // namespace amtgate
