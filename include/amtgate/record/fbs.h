// FBS: what a VNC server said, with times; the format of vncrec, rfbproxy and TightVNC's player.
//
//   "FBS 001.000\n", then blocks: 0 n (BE32) | 4 n bytes | zeros up to a multiple of 4 | milliseconds since the
//   beginning (BE32). The bytes are RFB's from the server's version on, without any of the client's: "RFB 003.003\n",
//   security type 1 (None) as BE32, ServerInit, messages. A block may end anywhere.
// Source: rfbproxy's and TightVNC's descriptions of their files.
#pragma once

#include <cstdint>
#include <optional>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::record {

/// Of one block, longer than any that is known.
inline constexpr std::size_t kMaxFbsBlock = 4U << 20U;

/// The file's first bytes, and RFB's up to ServerInit as a block at 0.
void append_fbs_opening(Buffer& out);
/// Longer data than kMaxFbsBlock become several blocks.
void append_fbs_block(Buffer& out, Bytes data, std::uint32_t ms);

class FbsReader {
 public:
  struct Block {
    Bytes data;  // until the next receive() or next()
    std::uint32_t ms = 0;
  };
  void receive(Bytes in);
  /// Empty: the next block has not come as a whole. Errors: Unsupported (no FBS), TooLarge; sticky.
  Result<std::optional<Block>> next();
  /// Nothing of an unfinished block is left over.
  bool at_end() const { return begun_ && at_ == buffer_.size(); }

 private:
  Buffer buffer_;
  std::size_t at_ = 0;
  bool begun_ = false;
  std::optional<Error> error_;
};

}  // namespace amtgate::record
