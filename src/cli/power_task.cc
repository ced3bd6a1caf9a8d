#include "amtgate/cli/power_task.h"

#include <algorithm>
#include <thread>

#include "amtgate/control/protocol.h"
#include "amtgate/wsman/redirection_listener.h"

namespace amtgate::cli {
namespace {

constexpr Duration kPause = milliseconds(500);
constexpr unsigned kReopenTries = 5;

/// The listener, once more while the machine is busy with what it was asked for.
Result<void> reopen(wsman::Caller& machine, const FreedPower& how) {
  Result<bool> done = wsman::set_listener(machine, true);
  for (unsigned i = 1; i < kReopenTries && !done; ++i) {
    how.pause(kPause);
    done = wsman::set_listener(machine, true);
  }
  if (done) return {};
  return Error{done.error().code,
               "its redirection listener was switched off for this and could not be switched on "
               "again (" +
                   done.error().detail + "); `amtgate setup` does that"};
}

/// AMT needs some time to see that a session is over.
constexpr Duration kClosing = seconds(10);
/// Viewers are tried for again by then, should this program be gone.
constexpr Duration kParked = seconds(60);

}  // namespace

Parking parking_at(const Common& common, const std::string& target) {
  const auto ask = [&common](const std::string& request) { (void)ask_daemon(common, request); };
  return {[ask, target](const std::string& what) { ask(control::request_park(target, what, kParked)); },
          [ask, target] { ask(control::request_unpark(target)); }};
}

FreedPower freed_power() {
  return {kClosing, [](Duration d) { std::this_thread::sleep_for(d); }};
}

Result<void> power_with_parking(wsman::Caller& machine, wsman::PowerAction action, const wsman::PowerStatus& now,
                                const Parking& parking, const FreedPower& how) {
  Result<void> asked = wsman::request_power(machine, action, now);
  const bool off = action == wsman::PowerAction::Off;
  if (asked || asked.error().code != Errc::Refused || !(off || action == wsman::PowerAction::Cycle)) return asked;
  // What it does not allow in this state is refused for another reason than sessions.
  const bool possible = now.available.empty() ||
                        std::ranges::find(now.available, static_cast<std::uint64_t>(action)) != now.available.end();
  if (!possible) return asked;
  parking.park(off ? "is being switched off" : "is being switched off and on");
  const Result<bool> was = wsman::set_listener(machine, false);
  if (!was || !*was) {
    // Nothing to close: it was refused for something else, or its account may not.
    parking.unpark();
    return asked;
  }
  Duration waited{};
  do {
    how.pause(kPause);
    waited += kPause;
    asked = wsman::request_power(machine, action, now);
  } while (!asked && asked.error().code == Errc::Refused && waited < how.patience);
  const Result<void> open = reopen(machine, how);
  parking.unpark();
  if (!asked) return asked;
  return open;
}

}  // namespace amtgate::cli
