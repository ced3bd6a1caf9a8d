// BusyWait: whether it pays to look for events for some microseconds before the processor is given away.
//
// To sleep and to be woken takes a thread longer than a near machine takes to ask again. Who serves one machine, one
// command at a time, may therefore look for the next command first, as kernels do before they halt a virtual
// processor. It is done only as long as it has just paid: a machine that takes its time costs nothing but two looks
// at the clock.
#pragma once

#include "amtgate/base/time.h"

namespace amtgate::net {

/// The decision alone; no clock, no descriptors (net/loop.h has those). A wait begins when there is nothing left to
/// do and ends with the first event.
class BusyWait {
 public:
  /// Never looked for longer: about what it costs to be woken.
  static constexpr Duration kMost = std::chrono::microseconds(60);
  /// A wait slept through that was no longer than this may, looked through, have been shorter than kMost.
  static constexpr Duration kNear = std::chrono::microseconds(150);
  /// Waits slept through at most before it is tried again, however often it was in vain.
  static constexpr unsigned kMostPause = 256;

  /// How long to look in the wait that begins now; zero: sleep at once.
  Duration patience() const { return near_ && pause_left_ == 0 ? kMost : Duration::zero(); }
  /// Something came while it was looked for.
  void found() { pause_ = 0; }
  /// Nothing had come by then, if it was looked for at all; the wait was this long at last.
  void slept(Duration whole, bool looked) {
    if (looked) {  // in vain: each time it is left alone twice as long
      pause_ = pause_ == 0 ? 1 : pause_ < kMostPause ? 2 * pause_ : kMostPause;
      pause_left_ = pause_;
    } else if (pause_left_ > 0) {
      --pause_left_;
    }
    near_ = whole <= kNear;
  }

 private:
  bool near_ = false;  // the last wait was short
  unsigned pause_ = 0, pause_left_ = 0;
};

}  // namespace amtgate::net
