// MessageOutbox: bytes to send that remember where each message ends. view() shows only what is left of the first
// message, so that an edge that writes view() and calls sent() gives every message a write, and a TLS record, of its
// own. Stock amtterm and amtider lose what they read together with 0x14, 0x21, 0x29 and others (see discards_rest()
// in framing.h).
#pragma once

#include <cassert>
#include <deque>

#include "amtgate/base/bytes.h"

namespace amtgate::redir {

class MessageOutbox {
 public:
  void push(Buffer message) {
    if (message.empty()) return;
    size_ += message.size();
    messages_.push_back(std::move(message));
  }
  bool empty() const { return messages_.empty(); }
  /// Bytes in all messages that were not sent yet.
  std::size_t size() const { return size_; }
  Bytes view() const { return messages_.empty() ? Bytes{} : Bytes(messages_.front()).subspan(at_); }
  void sent(std::size_t n) {
    assert(n <= size_);
    size_ -= n;
    while (n > 0) {
      const std::size_t left = messages_.front().size() - at_;
      if (n < left) {
        at_ += n;
        return;
      }
      n -= left;
      at_ = 0;
      messages_.pop_front();
    }
  }
  void clear() {
    messages_.clear();
    at_ = size_ = 0;
  }

 private:
  std::deque<Buffer> messages_;
  std::size_t at_ = 0;
  std::size_t size_ = 0;
};

}  // namespace amtgate::redir
