// ServedImage: a medium as a session's drive reads it: what is read is counted, and there is patience for a whole
// command of the host, which waits about 30 s for one, however many of its blocks have come.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "amtgate/image/medium.h"
#include "amtgate/net/loop.h"

namespace amtgate::gateway {

/// Of all images that a drive of a target has had.
struct DriveTotals {
  std::uint64_t bytes = 0;
  std::uint64_t reads = 0;   // commands of the machine that got bytes
  std::uint64_t errors = 0;  // reads that failed
};

class ServedImage final : public ider::BlockSource {
 public:
  /// `medium` outlives this. `command`: which one of the session is being carried out, another number for each.
  /// `resume`: the read that was told Later is worth another try; from the loop.
  /// `totals` outlives this, and is added to.
  ServedImage(net::Loop& loop, image::Medium& medium, std::string target, DriveTotals& totals,
              std::function<std::uint64_t()> command, std::function<void()> resume)
      : loop_(loop),
        medium_(medium),
        target_(std::move(target)),
        totals_(totals),
        command_of_(std::move(command)),
        late_(loop, std::move(resume)) {}

  std::uint32_t block_size() const override { return medium_.block_size(); }
  ider::SectorCount blocks() const override { return medium_.blocks(); }
  Result<ider::Fetch> read(ider::Lba first, MutableBytes out) override;
  Result<ider::Fetch> read_pieces(ider::Lba first, std::span<const MutableBytes> pieces) override;
  bool peek(ider::Lba first, std::span<const MutableBytes> pieces) override;
  bool confirm() override;

  /// Bytes.
  std::uint64_t served() const { return own_.bytes; }
  std::uint64_t reads() const { return own_.reads; }
  std::uint64_t errors() const { return own_.errors; }
  /// Bytes a second, lately.
  std::uint64_t rate() const;

 private:
  Result<ider::Fetch> judge(Result<ider::Fetch> got, ider::Lba first, std::size_t n);
  bool late();
  void count(std::size_t n);
  std::uint64_t per_second(Duration passed) const;

  net::Loop& loop_;
  image::Medium& medium_;
  const std::string target_;
  DriveTotals& totals_;
  std::function<std::uint64_t()> command_of_;
  net::Timer late_;
  std::uint64_t command_ = 0;  // that waits
  TimePoint until_{};
  DriveTotals own_;
  std::uint64_t counted_ = 0;  // the command that was counted last
  std::size_t peeked_ = 0;
  std::uint64_t lately_ = 0;
  std::uint64_t rate_ = 0;
  TimePoint since_{};
};

}  // namespace amtgate::gateway
