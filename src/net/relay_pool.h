// Pipes and copy buffers that the relays of one loop share. Not a public header.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "amtgate/net/relay.h"
#include "amtgate/sys/fd.h"

namespace amtgate::net {

/// What one read(2) can bring and one write takes along: four TLS records. Larger gained nothing that could be
/// measured.
inline constexpr std::size_t kChunk = 64 * 1024;
/// What a pipe is asked to hold. /proc/sys/fs/pipe-max-size is 1 MiB unless changed.
inline constexpr int kPipeSize = 1024 * 1024;

struct Pipe {
  sys::UniqueFd read;
  sys::UniqueFd write;
  std::size_t capacity = 0;
  std::size_t held = 0;  // bytes in it
};

struct Chunk {
  std::size_t at = 0;
  std::size_t end = 0;
  std::array<std::uint8_t, kChunk> data;

  bool empty() const { return at == end; }
  Bytes rest() const { return Bytes(data).subspan(at, end - at); }
};

struct RelayPool::Impl {
  explicit Impl(Loop& l) : loop(l) {}

  Loop& loop;
  std::vector<std::unique_ptr<Pipe>> pipes;
  std::vector<std::unique_ptr<Chunk>> chunks;
  TimePoint no_pipes_until{};  // creating one failed: descriptors or the user's pipe memory ran out

  /// Null when there is none to be had: copy then.
  std::unique_ptr<Pipe> take_pipe();
  /// A pipe that still holds bytes is closed with them.
  void give(std::unique_ptr<Pipe> pipe);
  std::unique_ptr<Chunk> take_chunk();
  void give(std::unique_ptr<Chunk> chunk);
};

}  // namespace amtgate::net
