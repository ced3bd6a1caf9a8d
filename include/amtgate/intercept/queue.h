// Queue: reads first packets from an NFQUEUE, asks the classifier whose they are, and answers: on it goes, with our
// mark if it is caught. The rules behind it act on the mark (rules/plan.h).
#pragma once

#include <cstdint>
#include <memory>

#include "amtgate/base/result.h"
#include "amtgate/net/loop.h"
#include "amtgate/packet/classifier.h"

namespace amtgate::intercept {

struct QueueOptions {
  std::uint16_t number = 0;
  std::uint32_t mark = 0;  // given to caught packets
};

class Queue {
 public:
  /// Packets that wait in the kernel for a verdict at most. What comes while it is full goes on untouched
  /// (NFQA_CFG_F_FAIL_OPEN): an overrun never loses a stranger's packet.
  static constexpr std::uint32_t kMaxWaiting = 16384;

  struct Stats {
    std::uint64_t caught = 0;
    std::uint64_t passed = 0;
    std::uint64_t malformed = 0;  // of the passed: no packet that can be read
    std::uint64_t overruns = 0;   // the socket's buffer was full; those packets went on untouched
  };

  /// Binds the queue; packets wait until start(). Needs CAP_NET_ADMIN. Errors: Busy (another program has the queue),
  /// System (no right, no such kernel feature), each with what to do.
  static Result<std::unique_ptr<Queue>> open(const QueueOptions& options);
  virtual ~Queue() = default;

  /// On the loop's thread, as stop(). From start() on packets are judged.
  virtual void start(net::Loop& loop) = 0;
  /// Unbinds: the rules' fail mode applies from here on.
  virtual void stop() = 0;
  /// From any thread; counts from the next packet on.
  virtual void set_classifier(std::shared_ptr<const packet::Classifier> classifier) = 0;
  /// From any thread.
  virtual Stats stats() const = 0;
};

}  // namespace amtgate::intercept
