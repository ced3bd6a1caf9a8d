#include <algorithm>
#include <utility>

#include "amtgate/sim/console.h"
#include "amtgate/sim/feature.h"

namespace amtgate::sim {
namespace {

constexpr std::size_t kBlock = 1024 * 1024;
constexpr std::size_t kPiece = 64 * 1024;  // divides kBlock

Bytes pattern() {
  static const Buffer block = [] {
    Buffer b(kBlock);
    fill_stream(b, 0, true);
    return b;
  }();
  return block;
}

class RawStream final : public Feature {
 public:
  RawStream(FeatureHost& host, std::uint64_t total) : host_(host), total_(total) {}

  Result<void> receive(Bytes in, TimePoint /*now*/) override {
    taken_ += in.size();
    return {};
  }

  void produce(TimePoint /*now*/) override {
    // Refilled when empty, not topped up: then no byte of the queue is ever moved.
    if (host_.queued() != 0) return;
    while (host_.queued() < kHighMark && (total_ == 0 || sent_ < total_)) {
      const std::uint64_t left = total_ == 0 ? kPiece : std::min<std::uint64_t>(kPiece, total_ - sent_);
      host_.send(pattern().subspan(static_cast<std::size_t>(sent_ % kBlock), static_cast<std::size_t>(left)));
      sent_ += left;
      if (!std::exchange(opened_, true)) host_.opened();
    }
  }

  void ended(TimePoint /*now*/) override { host_.log(JsonLine("raw").add("sent", sent_).add("taken", taken_)); }

 private:
  FeatureHost& host_;
  std::uint64_t total_;
  std::uint64_t sent_ = 0;
  std::uint64_t taken_ = 0;
  bool opened_ = false;
};

}  // namespace

std::unique_ptr<Feature> make_raw_stream(FeatureHost& host, std::uint64_t total) {
  return std::make_unique<RawStream>(host, total);
}

}  // namespace amtgate::sim
