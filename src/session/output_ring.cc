#include "amtgate/session/output_ring.h"

#include <algorithm>
#include <cassert>

namespace amtgate::session {

// Byte number p stands at (p - origin_) % capacity_, so data_ only has to be as long as what was written so far.
void OutputRing::append(Bytes in) {
  if (in.size() > capacity_) {
    end_ += in.size() - capacity_;
    in = in.last(capacity_);
    size_ = 0;
  }
  while (!in.empty()) {
    const auto at = static_cast<std::size_t>((end_ - origin_) % capacity_);
    const std::size_t n = std::min(in.size(), capacity_ - at);
    if (data_.size() < at + n) data_.resize(at + n);
    std::copy_n(in.begin(), n, data_.begin() + static_cast<std::ptrdiff_t>(at));
    end_ += n;
    size_ = std::min(size_ + n, capacity_);
    in = in.subspan(n);
  }
}

Bytes OutputRing::view(std::uint64_t at) const {
  assert(at >= begin() && at <= end_);
  const auto from = static_cast<std::size_t>((at - origin_) % capacity_);
  const auto n = static_cast<std::size_t>(end_ - at);
  return n == 0 ? Bytes{} : Bytes(data_).subspan(from, std::min(n, capacity_ - from));
}

void OutputRing::trim(std::size_t n) {
  size_ = std::min(size_, n);
  if (size_ > 0) return;
  origin_ = end_;
  if (data_.capacity() > 4096) data_ = Buffer();
  data_.clear();
}

void OutputRing::resize(std::size_t capacity) {
  if (capacity == capacity_) return;
  Buffer last;
  for (std::uint64_t at = begin(); at < end_;) {
    const Bytes part = view(at);
    amtgate::append(last, part);
    at += part.size();
  }
  if (last.size() > capacity) last.erase(last.begin(), last.end() - static_cast<std::ptrdiff_t>(capacity));
  capacity_ = capacity;
  size_ = last.size();
  origin_ = end_ - size_;
  data_ = std::move(last);
}

}  // namespace amtgate::session
