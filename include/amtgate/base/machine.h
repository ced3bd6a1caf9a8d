// Machine: the shape of every protocol core. Bytes and a time go in; events, bytes to send and a deadline come
// out. A machine has no descriptor, clock, log or loop; an edge drives it and decides nothing.
//
//   receive(in, now)  bytes from the wire. Too few is not an error: they are kept. After an error the machine
//                     takes no more input, but output() is still flushed: it may hold a refusal.
//   next_event()      what the bytes meant, oldest first. Views inside an event live until the next receive().
//   output()/sent(n)  bytes to put on the wire, and that the edge wrote n of them.
//   deadline()        when to call tick(now) if nothing else happens before.
#pragma once

#include <concepts>
#include <optional>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"

namespace amtgate {

template <class M>
concept Machine = requires(M m, const M& c, Bytes in, TimePoint now, std::size_t n) {
  { m.receive(in, now) } -> std::same_as<Result<void>>;
  { m.next_event() } -> std::same_as<std::optional<typename M::Event>>;
  { c.output() } -> std::same_as<Bytes>;
  { m.sent(n) } -> std::same_as<void>;
  { c.deadline() } -> std::same_as<std::optional<TimePoint>>;
  { m.tick(now) } -> std::same_as<Result<void>>;
};

/// What a machine keeps for its output() and sent(): an append-only buffer with a read position.
class Outbox {
 public:
  /// To append to. What was sent goes away here, once it is as much as the rest: a reader that never catches up with
  /// all must not make it grow. Positions in it are good until the next sent().
  Buffer& buffer() {
    if (at_ > 0 && at_ >= buffer_.size() - at_) {
      buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
      at_ = 0;
    }
    return buffer_;
  }
  Bytes view() const { return Bytes(buffer_).subspan(at_); }
  void sent(std::size_t n) {
    at_ += n;
    if (at_ >= buffer_.size()) {
      buffer_.clear();
      at_ = 0;
    }
  }

 private:
  Buffer buffer_;
  std::size_t at_ = 0;
};

}  // namespace amtgate
