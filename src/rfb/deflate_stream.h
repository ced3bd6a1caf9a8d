// DeflateStream: one of a connection's zlib streams. A viewer inflates all of it with one state, so it lives as long
// as the connection.
#pragma once

#include <memory>

#include "amtgate/base/bytes.h"

namespace amtgate::rfb {

class DeflateStream {
 public:
  /// For add_blocks() of tiles: pixels of many colours, which change from here to there, are shorter with a Huffman
  /// code of their own for so many bytes (by 5 in 100 for a video) and take hardly any longer.
  static constexpr std::size_t kColourfulBlock = 3072;

  /// What zlib calls memLevel: 8 is 256 KiB.
  explicit DeflateStream(int memory = 8);
  ~DeflateStream();
  DeflateStream(DeflateStream&&) noexcept;
  DeflateStream& operator=(DeflateStream&&) noexcept;

  /// zlib level 0 to 9 for what is added from here on. Not between add() and flush().
  void set_level(int level) { level_ = level; }
  /// Appends to `out` what `in` gives so far.
  void add(Buffer& out, Bytes in);
  /// The same, in deflate blocks of `size` bytes of input each.
  void add_blocks(Buffer& out, Bytes in, std::size_t size);
  /// Appends the rest, so that the viewer can inflate all that was added.
  void flush(Buffer& out);

 private:
  struct Deflate;
  void run(Buffer& out, Bytes in, int flush);

  int memory_;
  int level_ = 1;
  std::unique_ptr<Deflate> deflate_;  // 256 KiB, so not before it is used
};

}  // namespace amtgate::rfb
