#include "amtgate/rfb/zrle.h"

#include <zlib.h>

#include <cassert>
#include <new>

#include "amtgate/base/writer.h"

namespace amtgate::rfb {
namespace {

constexpr int kRawWindow = -15, kZlibWindow = 15;

bool zlib_header(Bytes data) {
  return data.size() >= 2 && (data[0] & 0x0f) == 8 && (data[0] << 8 | data[1]) % 31 == 0;
}

}  // namespace

struct ZrleDecoder::Inflate {
  Inflate() {
    if (inflateInit2(&stream, kRawWindow) != Z_OK) throw std::bad_alloc();
  }
  ~Inflate() { inflateEnd(&stream); }
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;

  void restart() {
    inflateReset(&stream);
    fresh = true;
  }

  z_stream stream{};
  bool fresh = true;
};

ZrleDecoder::ZrleDecoder() = default;
ZrleDecoder::~ZrleDecoder() = default;
ZrleDecoder::ZrleDecoder(ZrleDecoder&&) noexcept = default;
ZrleDecoder& ZrleDecoder::operator=(ZrleDecoder&&) noexcept = default;

void ZrleDecoder::reset() {
  if (inflate_) inflate_->restart();
}

Result<void> ZrleDecoder::decode(Bytes data, unsigned width, unsigned height, std::size_t bytes_per_pixel,
                                 MutableBytes pixels) {
  tile_size_ = 0;
  if (width == 0 || height == 0 || width > kMaxTileSide || height > kMaxTileSide) {
    return Error{Errc::TooLarge, "ZRLE tile of " + std::to_string(width) + "x" + std::to_string(height) +
                                     " (AMT's have 1 to " + std::to_string(kMaxTileSide) + ")"};
  }
  if (data.size() > kMaxTileData) {
    return Error{Errc::TooLarge, "ZRLE tile in " + std::to_string(data.size()) + " bytes (limit " +
                                     std::to_string(kMaxTileData) + ")"};
  }
  if (!inflate_) {
    inflate_ = std::make_unique<Inflate>();
    tile_.resize(kMaxTileBytes + 1);
  }
  if (zlib_header(data)) {
    if (!inflate_->fresh) inflate_->restart();
    data = data.subspan(2);
  }
  z_stream& z = inflate_->stream;
  z.next_in = const_cast<Bytef*>(data.data());  // zlib's signature; it does not write there
  z.avail_in = static_cast<uInt>(data.size());
  z.next_out = tile_.data();
  z.avail_out = static_cast<uInt>(tile_.size());
  const int rc = inflate(&z, Z_SYNC_FLUSH);
  if (!data.empty()) inflate_->fresh = false;
  const std::size_t made = tile_.size() - z.avail_out;
  surplus_ += z.avail_in;
  if (rc == Z_STREAM_END) {
    inflate_->restart();  // a device that ends a stream begins another one
  } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
    return Error{Errc::BadValue, std::string("ZRLE data: ") + (z.msg != nullptr ? z.msg : "not deflate")};
  }
  if (made > kMaxTileBytes) {
    return Error{Errc::TooLarge, "ZRLE tile inflates to more than " + std::to_string(kMaxTileBytes) + " bytes"};
  }
  const Result<std::size_t> used = decode_tile(Bytes(tile_).first(made), width, height, bytes_per_pixel, pixels);
  if (!used) return used.error();
  tile_size_ = *used;
  surplus_ += made - *used;
  return {};
}

struct ZrleEncoder::Deflate {
  explicit Deflate(int window) {
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~Deflate() { deflateEnd(&stream); }
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;
  z_stream stream{};
};

ZrleEncoder::ZrleEncoder(ZrleForm form) : form_(form) {}
ZrleEncoder::~ZrleEncoder() = default;
ZrleEncoder::ZrleEncoder(ZrleEncoder&&) noexcept = default;
ZrleEncoder& ZrleEncoder::operator=(ZrleEncoder&&) noexcept = default;

void ZrleEncoder::encode(Buffer& out, Bytes pixels, unsigned width, unsigned height, std::size_t bytes_per_pixel,
                         std::optional<TileKind> kind) {
  assert(width <= kMaxTileSide && height <= kMaxTileSide);
  tile_.clear();
  encode_tile(tile_, pixels, width, height, bytes_per_pixel, kind);
  const std::size_t at = out.size();
  Writer(out).be32(0);
  wrap(out, tile_);
  const std::size_t length = out.size() - at - 4;
  for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<std::uint8_t>(length >> (24 - 8 * i) & 0xff);
}

void ZrleEncoder::wrap(Buffer& out, Bytes tile) {
  if (form_ == ZrleForm::Stored || form_ == ZrleForm::ZlibStored) {
    if (form_ == ZrleForm::ZlibStored && first_) Writer(out).u8(0x78).u8(0x01);
    first_ = false;
    const auto n = static_cast<unsigned>(tile.size());  // the longest tile is below 16 KiB
    Writer(out).u8(0).le16(n).le16(~n & 0xffff).bytes(tile);
    return;
  }
  if (!deflate_) deflate_ = std::make_unique<Deflate>(form_ == ZrleForm::Zlib ? kZlibWindow : kRawWindow);
  z_stream& z = deflate_->stream;
  z.next_in = const_cast<Bytef*>(tile.data());
  z.avail_in = static_cast<uInt>(tile.size());
  do {
    const std::size_t at = out.size();
    out.resize(at + 1024);
    z.next_out = out.data() + at;
    z.avail_out = 1024;
    const int rc = deflate(&z, Z_SYNC_FLUSH);
    assert(rc == Z_OK || rc == Z_BUF_ERROR);
    static_cast<void>(rc);
    out.resize(at + 1024 - z.avail_out);
  } while (z.avail_out == 0);
}

}  // namespace amtgate::rfb
