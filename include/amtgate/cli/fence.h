// Fencing: a machine that a cluster does not trust any more is switched off, or on again, and looked at until it is
// there. Success without having seen it would let two machines write the same disk.
#pragma once

#include <functional>
#include <string>

#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/wsman/caller.h"
#include "amtgate/wsman/power.h"

namespace amtgate::cli {

enum class FenceAction { On, Off, Reboot, Status };

struct FencePlan {
  FenceAction action = FenceAction::Status;
  bool cycle = false;               // Reboot by one command; where the machine refuses that, by a reset
  Duration patience = seconds(20);  // for each state that is to be reached
  Duration wait{};                  // behind each command, before the first look
  Duration between = seconds(1);    // looks
  unsigned retry_on = 1;            // further tries to switch on, each with its own patience
};

/// Time, where steps are told, and how the machine is asked; the program's own, or a test's.
struct FenceWorld {
  std::function<TimePoint()> now;
  std::function<void(Duration)> sleep;
  std::function<void(const std::string&)> say = [](const std::string&) {};
  /// As wsman::request_power(); it may take `left` to make way first.
  std::function<Result<void>(wsman::Caller&, wsman::PowerAction, const wsman::PowerStatus&, Duration left)> request =
      [](wsman::Caller& machine, wsman::PowerAction action, const wsman::PowerStatus& before, Duration /*left*/) {
        return wsman::request_power(machine, action, before);
      };
};

struct Fenced {
  bool off = false;      // what it was seen to be at the end; everything but off counts as on, sleep too
  std::string state;     // in words
  bool already = false;  // nothing had to be done
  std::string trouble;   // Reboot: it is off, and did not come on again. That it is fenced counts
};

/// Errors: whatever kept it from being seen where it should be. Never later than retry_on + 2 patiences, beside what
/// the Caller takes for its last answer.
Result<Fenced> fence(wsman::Caller& machine, const FencePlan& plan, const FenceWorld& world);

}  // namespace amtgate::cli
