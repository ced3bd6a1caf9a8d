#include "amtgate/cli/fence.h"

#include <optional>

namespace amtgate::cli {
namespace {

using wsman::PowerAction;
using wsman::PowerStatus;

// AMT drops connections now and then, and its network is away for a moment when the PC goes off.
constexpr unsigned kFirstLooks = 2;
// Firmware takes no second power command within some seconds of the first.
constexpr Duration kBetweenRefused = seconds(3);
constexpr Duration kBetweenTaken = seconds(10);
constexpr unsigned kMostAsked = 4;

bool hopeless(Errc code) {
  return code == Errc::AuthFailed || code == Errc::Untrusted || code == Errc::Unsupported || code == Errc::BadValue;
}

bool is_off(const PowerStatus& s) {
  return wsman::reached(PowerAction::Off, s.state);
}

class Work {
 public:
  Work(wsman::Caller& machine, const FencePlan& plan, const FenceWorld& world)
      : machine_(machine), plan_(plan), world_(world) {}

  Result<PowerStatus> first_look() {
    for (unsigned n = 1;; ++n) {
      Result<PowerStatus> now = look();
      // Who cannot be reached has been tried on every port already.
      if (now || hopeless(now.error().code) || now.error().code == Errc::Unreachable || n == kFirstLooks) return now;
      world_.sleep(plan_.between);
    }
  }

  /// Asks, and looks until it is there.
  Result<PowerStatus> lead(PowerAction action) {
    const TimePoint until = world_.now() + plan_.patience;
    const char* word = action == PowerAction::On ? "on" : "off";
    std::optional<TimePoint> asked;
    bool taken = false;
    unsigned times = 0;
    std::string last;
    while (true) {
      const Result<PowerStatus> now = look();
      if (now && wsman::reached(action, now->state)) return *now;
      if (!now && hopeless(now.error().code)) return now.error();
      last = now ? "it is " + wsman::power_state_name(now->state) : now.error().detail;
      const bool due = !asked || world_.now() - *asked >= (taken ? kBetweenTaken : kBetweenRefused);
      if (now && due && times < kMostAsked) {
        asked = world_.now();
        ++times;
        const Result<void> done = request(action, *now, until - world_.now());
        if (done) {
          taken = true;
          world_.sleep(plan_.wait);
        } else {
          last = done.error().detail;
          if (hopeless(done.error().code)) return done.error();
          if (times == kMostAsked && !taken && done.error().code == Errc::Refused) return done.error();
        }
      }
      if (world_.now() >= until) {
        return Error{Errc::Timeout, std::string("not ") + word + " after " +
                                        std::to_string(std::chrono::duration_cast<seconds>(plan_.patience).count()) +
                                        " s: " + last};
      }
      world_.sleep(plan_.between);
    }
  }

  Result<PowerStatus> switch_on(unsigned tries) {
    while (true) {
      Result<PowerStatus> on = lead(PowerAction::On);
      if (on || hopeless(on.error().code) || --tries == 0) return on;
      world_.say("once more: " + on.error().detail);
    }
  }

  /// The machine goes off and on by itself. Its state does not show that it did; that it took the command does.
  Result<PowerStatus> cycle(const PowerStatus& now) {
    Result<void> taken = request(PowerAction::Cycle, now, plan_.patience);
    if (!taken && taken.error().code == Errc::Refused) taken = request(PowerAction::Reset, now, plan_.patience);
    if (!taken) return taken.error();
    world_.sleep(plan_.wait + plan_.between);
    return switch_on(1 + plan_.retry_on);
  }

 private:
  Result<PowerStatus> look() {
    Result<PowerStatus> now = wsman::power_status(machine_);
    world_.say(now ? "it is " + wsman::power_state_name(now->state) : now.error().detail);
    return now;
  }

  Result<void> request(PowerAction action, const PowerStatus& now, Duration left) {
    Result<void> done = world_.request(machine_, action, now, left);
    world_.say("asked for " + std::to_string(static_cast<unsigned>(action)) + ": " +
               (done ? "taken" : done.error().detail));
    return done;
  }

  wsman::Caller& machine_;
  const FencePlan& plan_;
  const FenceWorld& world_;
};

Fenced fenced(const PowerStatus& s, bool already) {
  return {is_off(s), wsman::power_state_name(s.state), already, ""};
}

}  // namespace

Result<Fenced> fence(wsman::Caller& machine, const FencePlan& plan, const FenceWorld& world) {
  Work work(machine, plan, world);
  const Result<PowerStatus> before = work.first_look();
  if (!before) return before.error();
  switch (plan.action) {
    case FenceAction::Status: return fenced(*before, true);
    case FenceAction::On: {
      if (wsman::reached(PowerAction::On, before->state)) return fenced(*before, true);
      const Result<PowerStatus> on = work.switch_on(1 + plan.retry_on);
      if (!on) return on.error();
      return fenced(*on, false);
    }
    case FenceAction::Off: {
      if (is_off(*before)) return fenced(*before, true);
      const Result<PowerStatus> off = work.lead(PowerAction::Off);
      if (!off) return off.error();
      return fenced(*off, false);
    }
    case FenceAction::Reboot: break;
  }
  if (plan.cycle && !is_off(*before)) {
    const Result<PowerStatus> on = work.cycle(*before);
    if (!on) return on.error();
    return fenced(*on, false);
  }
  Result<PowerStatus> off = *before;
  if (!is_off(*before)) off = work.lead(PowerAction::Off);
  if (!off) return off.error();
  const Result<PowerStatus> on = work.switch_on(1 + plan.retry_on);
  if (on) return fenced(*on, false);
  // It was off, and what it held in memory is gone: that is what the cluster asked for.
  Fenced out = fenced(*off, false);
  out.trouble = on.error().detail;
  return out;
}

}  // namespace amtgate::cli
