// OutputRing: the last bytes that a serial console has said, and what its readers have not had yet. Positions count
// from the first byte ever; they are never used twice.
#pragma once

#include <cstddef>
#include <cstdint>

#include "amtgate/base/bytes.h"

namespace amtgate::session {

class OutputRing {
 public:
  /// Grows to `capacity` bytes, at least one, as they come.
  explicit OutputRing(std::size_t capacity) : capacity_(capacity) {}

  void append(Bytes in);
  std::uint64_t begin() const { return end_ - size_; }
  std::uint64_t end() const { return end_; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  /// What is there from `at` on (not before begin()), or its first part; empty at end(). Lives until the next
  /// append().
  Bytes view(std::uint64_t at) const;
  /// Keeps the last `n` bytes at most, and gives memory back where nothing is left.
  void trim(std::size_t n);
  /// The last bytes stay.
  void resize(std::size_t capacity);

 private:
  std::size_t capacity_;
  Buffer data_;  // byte number p is at (p - origin_) % capacity_
  std::uint64_t end_ = 0;
  std::uint64_t origin_ = 0;
  std::size_t size_ = 0;
};

}  // namespace amtgate::session
