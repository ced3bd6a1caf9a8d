#include "amtgate/wsman/power.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace amtgate::wsman {
namespace {

constexpr std::array<PowerWord, 9> kWords = {
    {{"on", PowerAction::On, "switch it on"},
     {"off", PowerAction::Off, "switch it off at once"},
     {"cycle", PowerAction::Cycle, "off and on again"},
     {"reset", PowerAction::Reset, "restart it at once"},
     {"sleep", PowerAction::Sleep, "S3; its operating system must take part"},
     {"hibernate", PowerAction::Hibernate, "S4; its operating system must take part"},
     {"soft-off", PowerAction::SoftOff, "ask its operating system to shut down"},
     {"soft-reset", PowerAction::SoftReset, "ask its operating system to restart"},
     {"interrupt", PowerAction::Interrupt, "a diagnostic interrupt (NMI)"}}};

std::string allowed(const PowerStatus& now) {
  std::string out;
  for (const PowerWord& w : kWords) {
    if (std::ranges::find(now.available, static_cast<std::uint64_t>(w.action)) == now.available.end()) continue;
    out += (out.empty() ? "" : ", ") + std::string(w.word);
  }
  return out.empty() ? "nothing" : out;
}

}  // namespace

std::span<const PowerWord> power_words() {
  return kWords;
}

std::string power_state_name(std::uint64_t state) {
  switch (state) {
    case 2: return "on";
    case 3: return "light sleep";
    case 4: return "sleep";
    case 6: return "off (hard)";
    case 7: return "hibernate";
    case 8: return "off";
    default: return "state " + std::to_string(state);
  }
}

Result<PowerStatus> power_status(Caller& machine) {
  const Result<Instance> i = get(machine, "CIM_AssociatedPowerManagementService");
  if (!i) return i.error();
  const auto state = i->number("PowerState");
  if (!state) return Error{Errc::BadValue, "CIM_AssociatedPowerManagementService without a PowerState"};
  PowerStatus out{*state, {}};
  for (const std::string_view text : i->texts("AvailableRequestedPowerStates")) {
    std::uint64_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (ec == std::errc{} && end == text.data() + text.size()) out.available.push_back(n);
  }
  return out;
}

Result<void> request_power(Caller& machine, PowerAction action, const PowerStatus& now) {
  const auto number = static_cast<std::uint64_t>(action);
  if (!now.available.empty() && std::ranges::find(now.available, number) == now.available.end()) {
    return Error{Errc::Refused, "it is " + power_state_name(now.state) + " and allows " + allowed(now)};
  }
  Instance in("CIM_PowerManagementService");
  in.add("PowerState", std::to_string(number));
  in.add("ManagedElement",
         Reference{"CIM_ComputerSystem", {{"CreationClassName", "CIM_ComputerSystem"}, {"Name", "ManagedSystem"}}});
  const Result<Instance> done = invoke(machine, "RequestPowerStateChange", std::move(in));
  if (done) return {};
  const bool off = action == PowerAction::Off || action == PowerAction::Cycle;
  if (!off || done.error().code != Errc::Refused) return done.error();
  return Error{Errc::Refused,
               done.error().detail +
                   "; AMT does not switch off while its screen, console or drives are in use (`amtgate "
                   "sessions`)"};
}

bool reached(PowerAction action, std::uint64_t state) {
  switch (action) {
    case PowerAction::On:
    case PowerAction::Cycle:
    case PowerAction::Reset:
    case PowerAction::Interrupt:
    case PowerAction::SoftReset: return state == 2;
    case PowerAction::Off:
    case PowerAction::SoftOff: return state == 8 || state == 6;
    case PowerAction::Sleep: return state == 4 || state == 3;
    case PowerAction::Hibernate: return state == 7;
  }
  return false;
}

}  // namespace amtgate::wsman
