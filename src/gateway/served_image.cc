#include "amtgate/gateway/served_image.h"

#include "amtgate/sys/log.h"

namespace amtgate::gateway {
namespace {

constexpr Duration kRateOver = seconds(1);
constexpr Duration kIdle = seconds(3);

std::size_t bytes_of(std::span<const MutableBytes> pieces) {
  std::size_t all = 0;
  for (const MutableBytes& p : pieces) all += p.size();
  return all;
}

}  // namespace

Result<ider::Fetch> ServedImage::read(ider::Lba first, MutableBytes out) {
  return judge(medium_.read(first, out), first, out.size());
}

Result<ider::Fetch> ServedImage::read_pieces(ider::Lba first, std::span<const MutableBytes> pieces) {
  Result<ider::Fetch> got = medium_.read_pieces(first, pieces);
  // What is not there, or broken, the role asks for again piece by piece: then it counts.
  if (!got || *got != ider::Fetch::Done) return got;
  count(bytes_of(pieces));
  return got;
}

bool ServedImage::peek(ider::Lba first, std::span<const MutableBytes> pieces) {
  peeked_ = bytes_of(pieces);
  return medium_.peek(first, pieces);
}

bool ServedImage::confirm() {
  if (!medium_.confirm()) return false;
  count(peeked_);
  return true;
}

Result<ider::Fetch> ServedImage::judge(Result<ider::Fetch> got, ider::Lba first, std::size_t n) {
  if (got && *got == ider::Fetch::Later && late()) got = Error{Errc::Timeout, "the image does not come in time"};
  if (!got) {
    ++own_.errors;
    ++totals_.errors;
    static log::RateLimit limit(0.2, 3);
    log::warn(limit, "image.read_failed", {{"target", target_}, {"block", first.value}, {"why", got.error().detail}});
  } else if (*got == ider::Fetch::Done) {
    count(n);
  }
  return got;
}

bool ServedImage::late() {
  const std::uint64_t now = command_of_();
  if (now == command_) return loop_.now() >= until_;
  command_ = now;
  until_ = loop_.now() + image::kReadPatience;
  late_.arm(image::kReadPatience + milliseconds(10));
  return false;
}

std::uint64_t ServedImage::rate() const {
  const Duration passed = loop_.now() - since_;
  if (passed > kIdle) return 0;
  return passed >= kRateOver ? per_second(passed) : rate_;
}

void ServedImage::count(std::size_t n) {
  own_.bytes += n;
  totals_.bytes += n;
  if (const std::uint64_t command = command_of_(); command != counted_ || own_.reads == 0) {
    counted_ = command;
    ++own_.reads;
    ++totals_.reads;
  }
  const Duration passed = loop_.now() - since_;
  if (passed >= kRateOver) {
    rate_ = passed > kIdle ? 0 : per_second(passed);
    since_ = loop_.now();
    lately_ = 0;
  }
  lately_ += n;
}

std::uint64_t ServedImage::per_second(Duration passed) const {
  return static_cast<std::uint64_t>(static_cast<double>(lately_) / std::chrono::duration<double>(passed).count());
}

}  // namespace amtgate::gateway
