#include "relay_pool.h"

#include <fcntl.h>
#include <unistd.h>

namespace amtgate::net {
namespace {

/// Kept for reuse by each loop. Directions that move bytes at the same instant are few; the rest is given back.
constexpr std::size_t kSparePipes = 32;
constexpr std::size_t kSpareChunks = 4;
/// A pipe this small is not worth its two descriptors: splice(2) would go round more often than a copy.
constexpr int kLeastPipe = 64 * 1024;
constexpr seconds kRetryPipes(5);

}  // namespace

std::unique_ptr<Pipe> RelayPool::Impl::take_pipe() {
  if (!pipes.empty()) {
    std::unique_ptr<Pipe> pipe = std::move(pipes.back());
    pipes.pop_back();
    return pipe;
  }
  if (loop.now() < no_pipes_until) return nullptr;
  int fds[2];
  if (::pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0) {
    no_pipes_until = loop.now() + kRetryPipes;
    return nullptr;
  }
  auto pipe = std::make_unique<Pipe>();
  pipe->read.reset(fds[0]);
  pipe->write.reset(fds[1]);
  // Refused beyond pipe-max-size, or when the account's pipes hold pipe-user-pages-soft already; then as much as it
  // has.
  int size = ::fcntl(fds[1], F_SETPIPE_SZ, kPipeSize);
  if (size < 0) size = ::fcntl(fds[1], F_GETPIPE_SZ);
  if (size < kLeastPipe) {
    no_pipes_until = loop.now() + kRetryPipes;
    return nullptr;
  }
  pipe->capacity = static_cast<std::size_t>(size);
  return pipe;
}

void RelayPool::Impl::give(std::unique_ptr<Pipe> pipe) {
  if (pipe && pipe->held == 0 && pipes.size() < kSparePipes) pipes.push_back(std::move(pipe));
}

std::unique_ptr<Chunk> RelayPool::Impl::take_chunk() {
  if (chunks.empty()) return std::unique_ptr<Chunk>(new Chunk);  // not make_unique: that would clear the bytes
  std::unique_ptr<Chunk> chunk = std::move(chunks.back());
  chunks.pop_back();
  return chunk;
}

void RelayPool::Impl::give(std::unique_ptr<Chunk> chunk) {
  if (!chunk || chunks.size() >= kSpareChunks) return;
  chunk->at = chunk->end = 0;
  chunks.push_back(std::move(chunk));
}

RelayPool::RelayPool(Loop& loop) : impl_(std::make_unique<Impl>(loop)) {}
RelayPool::~RelayPool() = default;

Loop& RelayPool::loop() {
  return impl_->loop;
}

}  // namespace amtgate::net
