#include "deflate_stream.h"

#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <new>

namespace amtgate::rfb {
namespace {

constexpr int kWindow = 15;
constexpr std::size_t kStep = 4096;

}  // namespace

struct DeflateStream::Deflate {
  Deflate(int with, int memory) : level(with) {
    if (deflateInit2(&stream, level, Z_DEFLATED, kWindow, memory, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  }
  ~Deflate() { deflateEnd(&stream); }
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;

  z_stream stream{};
  int level;
};

DeflateStream::DeflateStream(int memory) : memory_(memory) {}
DeflateStream::~DeflateStream() = default;
DeflateStream::DeflateStream(DeflateStream&&) noexcept = default;
DeflateStream& DeflateStream::operator=(DeflateStream&&) noexcept = default;

void DeflateStream::add(Buffer& out, Bytes in) {
  if (!in.empty()) run(out, in, Z_NO_FLUSH);
}
void DeflateStream::add_blocks(Buffer& out, Bytes in, std::size_t size) {
  for (; !in.empty(); in = in.subspan(std::min(size, in.size()))) {
    run(out, in.first(std::min(size, in.size())), Z_BLOCK);
  }
}
void DeflateStream::flush(Buffer& out) {
  run(out, {}, Z_SYNC_FLUSH);
}

void DeflateStream::run(Buffer& out, Bytes in, int flush) {
  if (!deflate_) deflate_ = std::make_unique<Deflate>(level_, memory_);
  z_stream& z = deflate_->stream;
  z.next_in = const_cast<Bytef*>(in.data());  // zlib's signature; it does not write there
  z.avail_in = 0;
  const auto step = [&](auto call) {
    const std::size_t at = out.size();
    out.resize(at + kStep);
    z.next_out = out.data() + at;
    z.avail_out = kStep;
    const int rc = call();
    assert(rc == Z_OK || rc == Z_BUF_ERROR);
    out.resize(at + kStep - z.avail_out);
    return rc;
  };
  if (deflate_->level != level_) {
    while (step([&] { return deflateParams(&z, level_, Z_DEFAULT_STRATEGY); }) == Z_BUF_ERROR) {
    }
    deflate_->level = level_;
  }
  z.avail_in = static_cast<uInt>(in.size());
  do {
    step([&] { return deflate(&z, flush); });
  } while (z.avail_out == 0);
  assert(z.avail_in == 0);
}

}  // namespace amtgate::rfb
