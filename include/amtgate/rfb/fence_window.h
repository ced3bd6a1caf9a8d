// FenceWindow: how far ahead of a viewer a server that is not asked may run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace amtgate::rfb {

/// Every update that is pushed has a fence behind it, and what the viewer has not answered is on its way or waits in
/// it. Without this the kernel's buffers and the network's would fill up, and the viewer see seconds ago.
class FenceWindow {
 public:
  /// So much may be on its way: half a second at 1 Mbit/s. More where an update is larger: there are always
  /// kMinUpdates, so that none has to wait for the answer to the one before.
  static constexpr std::size_t kBytes = 64U << 10U;
  static constexpr std::size_t kMinUpdates = 2;
  static constexpr std::size_t kMaxUpdates = 64;

  bool open() const;
  /// An update of so many bytes goes out; the number is for its fence. Empty: it gets none, there are kMaxUpdates.
  std::optional<std::uint32_t> sent(std::size_t bytes);
  /// The fence of that number was answered, which answers all before it. Numbers that nobody waits for are ignored.
  void answered(std::uint32_t number);

 private:
  struct Update {
    std::uint32_t number;
    std::size_t bytes;
  };
  std::deque<Update> updates_;
  std::size_t bytes_ = 0;
  std::uint32_t next_ = 1;
};

}  // namespace amtgate::rfb
