// OptIn: how a machine asks for its user's consent: the state behind IPS_OptInService.
//
// Source: Intel's class reference (states, time limits, ReturnValues), MeshCommander (the order of the calls). The
// ReturnValue for a wrong code is a guess.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "amtgate/auth/random.h"
#include "amtgate/base/time.h"
#include "amtgate/wsman/request.h"

namespace amtgate::sim {

class OptIn {
 public:
  enum class State : std::uint8_t { NotStarted = 0, Requested = 1, Displayed = 2, Received = 3, InSession = 4 };

  /// `random` makes codes and must outlive this; null: they count up.
  explicit OptIn(auth::RandomSource* random) : random_(random) {}

  /// A method of the class: its ReturnValue. Empty: there is no such method.
  std::optional<std::uint64_t> invoke(const wsman::Request& request, TimePoint now);
  /// What time brings. The code is shown by a machine that is on; `limit`: for so long.
  void settle(bool on, Duration limit, TimePoint now);

  State state() const { return state_; }
  bool granted() const { return state_ == State::Received || state_ == State::InSession; }
  /// The six digits on the machine's screen; empty when it shows none.
  const std::string& code() const;
  /// Given in another way: typed at the machine.
  void grant() { state_ = State::Received; }
  /// A session of the kind that needs it has begun.
  void used();

 private:
  std::uint64_t take_code(std::string_view digits, TimePoint now);
  void make_code();

  auth::RandomSource* random_;
  State state_ = State::NotStarted;
  std::string code_;
  unsigned wrong_ = 0, made_ = 0;
  std::optional<TimePoint> shown_at_, blocked_until_;
};

}  // namespace amtgate::sim
