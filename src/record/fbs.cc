#include "amtgate/record/fbs.h"

#include <algorithm>
#include <string_view>

#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"

namespace amtgate::record {
namespace {

constexpr std::string_view kMagic = "FBS 001.000\n";
constexpr std::string_view kRfbVersion = "RFB 003.003\n";

std::size_t padded(std::size_t n) {
  return (n + 3) / 4 * 4;
}

}  // namespace

void append_fbs_opening(Buffer& out) {
  Writer(out).text(kMagic);
  Buffer rfb;
  Writer(rfb).text(kRfbVersion).be32(1);
  append_fbs_block(out, rfb, 0);
}

void append_fbs_block(Buffer& out, Bytes data, std::uint32_t ms) {
  while (!data.empty()) {
    const Bytes now = data.first(std::min(data.size(), kMaxFbsBlock));
    data = data.subspan(now.size());
    Writer(out)
        .be32(static_cast<std::uint32_t>(now.size()))
        .bytes(now)
        .zeros(padded(now.size()) - now.size())
        .be32(ms);
  }
}

void FbsReader::receive(Bytes in) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
  at_ = 0;
  append(buffer_, in);
}

Result<std::optional<FbsReader::Block>> FbsReader::next() {
  if (error_) return *error_;
  if (!begun_) {
    const std::size_t have = std::min(buffer_.size(), kMagic.size());
    if (as_text(Bytes(buffer_).first(have)) != kMagic.substr(0, have)) {
      error_ = Error{Errc::Unsupported, "it does not begin as an FBS 001.000 file does"};
      return *error_;
    }
    if (have < kMagic.size()) return std::optional<Block>();
    begun_ = true;
    at_ = kMagic.size();
  }
  const Bytes rest = Bytes(buffer_).subspan(at_);
  if (rest.size() < 4) return std::optional<Block>();
  const std::size_t n = Reader(rest).be32();
  if (n > kMaxFbsBlock) {
    error_ = Error{Errc::TooLarge,
                   "an FBS block of " + std::to_string(n) + " bytes (limit " + std::to_string(kMaxFbsBlock) + ")"};
    return *error_;
  }
  const std::size_t whole = 4 + padded(n) + 4;
  if (rest.size() < whole) return std::optional<Block>();
  at_ += whole;
  return std::optional<Block>(Block{rest.subspan(4, n), Reader(rest.subspan(4 + padded(n))).be32()});
}

}  // namespace amtgate::record
