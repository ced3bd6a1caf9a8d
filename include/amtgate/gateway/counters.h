// Counters of one worker: written by it, read by whoever asks, without a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "amtgate/base/result.h"
#include "amtgate/base/service.h"

namespace amtgate::gateway {

class Counter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value() + n, std::memory_order_relaxed);
  }  // one writer: no lock prefix
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct Counters {
  static constexpr std::size_t kServices = 5;
  static constexpr std::size_t kCodes = 11;

  Counter accepted;                       // connections that the kernel handed over
  Counter bypassed;                       // of those, relayed plainly: no target
  Counter denied;                         // refused by `allow`
  Counter shed;                           // of those, reset without words: too many a second
  Counter login_refused;                  // a client's own login failed
  std::array<Counter, kServices> opened;  // sessions joined, by Service
  std::array<Counter, kCodes> failed;     // ended before they were joined, by Errc
  Counter to_device_bytes;                // of sessions that have ended
  Counter to_client_bytes;
  Counter spliced_bytes;

  Counter& opened_of(Service s) { return opened[static_cast<std::size_t>(s)]; }
  std::uint64_t failed_of_code(Errc code) const { return failed[static_cast<std::size_t>(code)].value(); }
  Counter& failed_of(Errc code) { return failed[static_cast<std::size_t>(code)]; }
};

}  // namespace amtgate::gateway
