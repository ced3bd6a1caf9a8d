// DeflateStream: one of a connection's zlib streams. A viewer inflates all of it with one state, so it lives as long
// as the connection.
#pragma once

#include <memory>

#include "amtgate/base/bytes.h"

namespace amtgate::rfb {

class DeflateStream {
 public:
  DeflateStream();
  ~DeflateStream();
  DeflateStream(DeflateStream&&) noexcept;
  DeflateStream& operator=(DeflateStream&&) noexcept;

  /// zlib level 0 to 9 for what is added from here on. Not between add() and flush().
  void set_level(int level) { level_ = level; }
  /// Appends to `out` what `in` gives so far.
  void add(Buffer& out, Bytes in);
  /// Appends the rest, so that the viewer can inflate all that was added.
  void flush(Buffer& out);

 private:
  struct Deflate;
  void run(Buffer& out, Bytes in, int flush);

  int level_ = 1;
  std::unique_ptr<Deflate> deflate_;  // 256 KiB, so not before it is used
};

}  // namespace amtgate::rfb
