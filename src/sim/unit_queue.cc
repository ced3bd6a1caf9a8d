#include "amtgate/sim/unit_queue.h"

#include <cassert>

namespace amtgate::sim {
namespace {

// Sent bytes may lie in front of the others up to here: queues that empty in between are never moved.
constexpr std::size_t kCompactAbove = 512 * 1024;

}  // namespace

void UnitQueue::push(Bytes message, Duration gap) {
  if (message.empty()) return;
  append(bytes_, message);
  ends_.push_back({total_ + size(), shape_ == Shape::Glued ? Duration{} : gap});
}

Bytes UnitQueue::output() const {
  if (empty() || gap_ || resume_) return {};
  const Bytes all = Bytes(bytes_).subspan(at_);
  switch (shape_) {
    case Shape::PerMessage: return all.first(static_cast<std::size_t>(ends_.front().at - total_));
    case Shape::OneByte: return all.first(1);
    case Shape::Glued: break;
  }
  return all;
}

void UnitQueue::sent(std::size_t n) {
  assert(n <= output().size());
  at_ += n;
  total_ += n;
  mid_message_ = true;
  while (!ends_.empty() && ends_.front().at <= total_) {
    if (ends_.front().gap > Duration{}) gap_ = ends_.front().gap;
    mid_message_ = ends_.front().at < total_;
    ends_.pop_front();
  }
  if (at_ == bytes_.size()) {
    bytes_.clear();
    at_ = 0;
  } else if (at_ > kCompactAbove && at_ > bytes_.size() / 2) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ = 0;
  }
}

std::optional<TimePoint> UnitQueue::deadline() const {
  if (gap_) return TimePoint::min();
  return resume_;
}

void UnitQueue::tick(TimePoint now) {
  if (gap_) {
    resume_ = now + *gap_;
    gap_.reset();
  } else if (resume_ && now >= *resume_) {
    resume_.reset();
  }
}

void UnitQueue::end_gap() {
  gap_.reset();
  resume_.reset();
}

void UnitQueue::drop_unsent_messages() {
  const std::size_t keep = mid_message_ && !ends_.empty() ? static_cast<std::size_t>(ends_.front().at - total_) : 0;
  bytes_.resize(at_ + keep);
  while (ends_.size() > (keep != 0 ? 1U : 0U)) ends_.pop_back();
}

}  // namespace amtgate::sim
