// BatchOutbox: messages to send, one behind the other in one piece of memory that is used again and again, so that an
// edge may write many at once. It remembers where each ends, for edges that give every message a write (and a TLS
// record) of its own.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstring>
#include <deque>

#include "amtgate/base/bytes.h"

namespace amtgate::ider {

class BatchOutbox {
 public:
  bool empty() const { return begin_ == end_; }
  /// Bytes that were not sent yet.
  std::size_t size() const { return end_ - begin_; }
  /// All of them.
  Bytes all() const { return Bytes(store_).subspan(begin_, size()); }
  /// Those of the first message.
  Bytes first() const { return ends_.empty() ? Bytes{} : all().first(ends_.front() - begin_); }
  /// A run of messages that have the same length, which is put into `length`; the last may be shorter.
  Bytes run(std::size_t& length) const {
    length = 0;
    std::size_t from = begin_, to = begin_;
    for (const std::size_t e : ends_) {
      if (length == 0) length = e - from;
      if (e - from > length) break;
      to = e;
      if (e - from < length) break;
      from = e;
    }
    return all().first(to - begin_);
  }

  void push(Bytes message) {
    if (message.empty()) return;
    const MutableBytes to = room(message.size());
    std::copy(message.begin(), message.end(), to.begin());
    commit(message.size());
  }
  /// Room for `n` bytes behind the last message; not part of it before commit(). Valid until the next call.
  MutableBytes room(std::size_t n) {
    if (store_.size() - end_ < n) {
      if (begin_ > 0) {
        std::memmove(store_.data(), store_.data() + begin_, size());
        for (std::size_t& e : ends_) e -= begin_;
        end_ -= begin_;
        begin_ = 0;
      }
      if (store_.size() - end_ < n) store_.resize(end_ + n);
    }
    return MutableBytes(store_).subspan(end_, n);
  }
  /// The first `n` bytes of the room are a message.
  void commit(std::size_t n) {
    assert(n <= store_.size() - end_);
    end_ += n;
    ends_.push_back(end_);
  }
  void sent(std::size_t n) {
    assert(n <= size());
    begin_ += n;
    while (!ends_.empty() && ends_.front() <= begin_) ends_.pop_front();
    if (begin_ == end_) begin_ = end_ = 0;
  }

 private:
  Buffer store_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::deque<std::size_t> ends_;
};

}  // namespace amtgate::ider
