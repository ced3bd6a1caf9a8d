#include "amtgate/sim/opt_in.h"

#include <array>
#include <cstdio>

namespace amtgate::sim {
namespace {

constexpr std::uint64_t kDone = 0, kInternal = 1, kInvalidState = 2, kBlocked = 3;
constexpr unsigned kTries = 3;
constexpr Duration kBlock = seconds(60);  // no figure is published

}  // namespace

std::optional<std::uint64_t> OptIn::invoke(const wsman::Request& request, TimePoint now) {
  if (request.method == "StartOptIn") {
    if (blocked_until_ && now < *blocked_until_) return kBlocked;
    if (state_ != State::NotStarted) return kInvalidState;
    make_code();
    state_ = State::Requested;
    shown_at_.reset();
    wrong_ = 0;
    return kDone;
  }
  if (request.method == "CancelOptIn") {
    if (state_ == State::NotStarted) return kInvalidState;
    state_ = State::NotStarted;
    return kDone;
  }
  if (request.method == "SendOptInCode") return take_code(request.body.text("OptInCode").value_or(""), now);
  return std::nullopt;
}

void OptIn::settle(bool on, Duration limit, TimePoint now) {
  if (state_ == State::Requested && on) {
    state_ = State::Displayed;
    shown_at_ = now;
  }
  if (state_ == State::Displayed && shown_at_ && now - *shown_at_ >= limit) state_ = State::NotStarted;
}

std::uint64_t OptIn::take_code(std::string_view digits, TimePoint now) {
  if (state_ != State::Displayed) return kInvalidState;
  // It is a number on the wire, and comes without the noughts in front.
  const std::string padded = std::string(digits.size() < code_.size() ? code_.size() - digits.size() : 0, '0');
  if (padded + std::string(digits) == code_) {
    state_ = State::Received;
    return kDone;
  }
  if (++wrong_ < kTries) return kInternal;
  state_ = State::NotStarted;
  blocked_until_ = now + kBlock;
  return kBlocked;
}

void OptIn::make_code() {
  code_.clear();
  std::array<std::uint8_t, 6> bytes{};
  if (random_ != nullptr) {
    random_->fill(bytes);
    for (const std::uint8_t b : bytes) code_ += static_cast<char>('0' + b % 10);
    return;
  }
  char text[16];
  std::snprintf(text, sizeof text, "%06u", ++made_ % 1'000'000);
  code_ = text;
}

const std::string& OptIn::code() const {
  static const std::string kNone;
  return state_ == State::Displayed ? code_ : kNone;
}

void OptIn::used() {
  if (state_ == State::Received) state_ = State::InSession;
}

}  // namespace amtgate::sim
