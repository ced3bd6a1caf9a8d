// UnitQueue: bytes to send that remember where each message ends and how long the line must rest behind it.
//
// Stock C clients throw away what they read together with certain messages (amtterm: everything behind a 0x14, 0x21,
// 0x29, 0x23), so one message has to be one write, one TLS record, and on plain TCP be followed by a gap.
#pragma once

#include <deque>
#include <optional>

#include "amtgate/base/bytes.h"
#include "amtgate/base/time.h"

namespace amtgate::sim {

class UnitQueue {
 public:
  enum class Shape {
    PerMessage,  // output() never shows more than the rest of one message; gaps are kept
    OneByte,     // output() shows one byte at a time; gaps are kept
    Glued,       // output() shows all there is; gaps are ignored
  };

  explicit UnitQueue(Shape shape = Shape::PerMessage) : shape_(shape) {}

  /// Queues one message. Nothing after it goes out until `gap` has passed since it was sent.
  void push(Bytes message, Duration gap = {});

  /// What may be written now; empty while a gap lasts. Valid until the next push() or sent().
  Bytes output() const;
  /// The edge wrote `n` bytes of output(). A gap begins at the next tick().
  void sent(std::size_t n);
  /// When tick() has to be called for a gap to begin or end.
  std::optional<TimePoint> deadline() const;
  void tick(TimePoint now);
  /// The client has answered what the gap was for: it is over.
  void end_gap();

  /// Bytes queued and not yet sent, in a gap or not.
  std::size_t size() const { return bytes_.size() - at_; }
  bool empty() const { return size() == 0; }
  /// Bytes sent since the beginning.
  std::uint64_t total_sent() const { return total_; }

  /// Forgets what is queued, but for the rest of a message of which a part is already out.
  void drop_unsent_messages();

 private:
  struct End {
    std::uint64_t at;  // absolute, as total_
    Duration gap;
  };

  Shape shape_;
  Buffer bytes_;
  std::size_t at_ = 0;
  std::uint64_t total_ = 0;
  std::deque<End> ends_;
  bool mid_message_ = false;
  std::optional<Duration> gap_;      // begins at the next tick
  std::optional<TimePoint> resume_;  // lasts until then
};

}  // namespace amtgate::sim
