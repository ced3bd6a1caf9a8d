// What the methods of a machine's classes do. Each gives its ReturnValue. Source: Intel's class reference.
#include <algorithm>
#include <array>

#include "amtgate/sim/management.h"

namespace amtgate::sim {
namespace {

using wsman::Instance;
using wsman::Request;

constexpr std::uint64_t kDone = 0, kFailed = 2, kInvalidParameter = 5, kInvalidTransition = 4097;
constexpr std::uint64_t kPtInvalidParameter = 36;

}  // namespace

const std::vector<Management::Method>& Management::methods() {
  static const std::vector<Method> table = {
      {"CIM_PowerManagementService", "RequestPowerStateChange", &Management::request_power},
      {"AMT_RedirectionService", "RequestStateChange", &Management::change_redirection},
      {"CIM_KVMRedirectionSAP", "RequestStateChange", &Management::change_kvm},
      {"AMT_WebUIService", "RequestStateChange", &Management::change_web_ui},
      {"AMT_SetupAndConfigurationService", "GetUuid", &Management::get_uuid},
      {"AMT_SetupAndConfigurationService", "CommitChanges", &Management::commit},
      {"AMT_TimeSynchronizationService", "GetLowAccuracyTimeSynch", &Management::get_time},
      {"AMT_TimeSynchronizationService", "SetHighAccuracyTimeSynch", &Management::set_time},
  };
  return table;
}

// --- power

Power Management::power(TimePoint now) {
  settle(now);
  return power_;
}

void Management::settle(TimePoint now) {
  if (!towards_ || now < arrives_) return;
  power_ = *towards_;
  towards_.reset();
  show_power();
}

void Management::show_power() {
  Instance& shown = only("CIM_AssociatedPowerManagementService");
  shown.set("PowerState", std::to_string(static_cast<unsigned>(power_)));
  shown.erase("AvailableRequestedPowerStates");
  if (profile_.name == "8") return;  // the property came with 9.0
  const std::vector<unsigned> states =
      power_ == Power::On ? std::vector<unsigned>{10, 8, 5, 11, 4, 7, 14, 12} : std::vector<unsigned>{2};
  for (const unsigned s : states) shown.add("AvailableRequestedPowerStates", std::to_string(s));
}

std::uint64_t Management::request_power(const Request& request, Instance&, Surroundings& around, TimePoint now) {
  const std::uint64_t state = request.body.number("PowerState").value_or(0);
  const wsman::Reference* element = request.body.reference("ManagedElement");
  if (element == nullptr || element->class_name != "CIM_ComputerSystem") return kInvalidParameter;
  const bool on = power_ == Power::On;
  const auto go = [&](Power to) {
    towards_ = to;
    arrives_ = now + options_.power_time;
    return kDone;
  };
  switch (state) {
    case 2: return on ? kInvalidTransition : go(Power::On);
    case 5:   // power cycle
    case 10:  // reset
      if (!on) return kInvalidTransition;
      if (state == 5 && around.sessions) return kFailed;
      around.reboot = true;
      return go(Power::On);
    case 8: return !on ? kInvalidTransition : around.sessions ? kFailed : go(Power::Off);
    case 11: return on ? kDone : kInvalidTransition;
    case 4:
    case 7:
    case 12:
    case 14:
      if (profile_.name == "8") return 1;  // since 9.0
      if (!on) return kInvalidTransition;
      if (state == 14) around.reboot = true;
      return go(state == 4 ? Power::Sleep : state == 7 ? Power::Hibernate : state == 12 ? Power::Off : Power::On);
    default: return kInvalidParameter;
  }
}

// --- services on and off

std::uint64_t Management::change_redirection(const Request& request, Instance&, Surroundings&, TimePoint) {
  const std::uint64_t state = request.body.number("RequestedState").value_or(0);
  if (state < 32768 || state > 32771) return kInvalidParameter;
  only("AMT_RedirectionService").set("EnabledState", std::to_string(state));
  return kDone;
}

std::uint64_t Management::change_kvm(const Request& request, Instance&, Surroundings&, TimePoint) {
  const std::uint64_t state = request.body.number("RequestedState").value_or(0);
  if (state != 2 && state != 3) return kInvalidParameter;
  Instance& kvm = only("CIM_KVMRedirectionSAP");
  kvm.set("RequestedState", std::to_string(state));
  kvm.set("EnabledState", state == 2 ? "6" : "3");
  return kDone;
}

std::uint64_t Management::change_web_ui(const Request& request, Instance&, Surroundings&, TimePoint) {
  const std::uint64_t state = request.body.number("RequestedState").value_or(0);
  if (state != 2 && state != 3) return kInvalidParameter;
  only("AMT_WebUIService").set("EnabledState", std::to_string(state)).set("RequestedState", std::to_string(state));
  return kDone;
}

// --- set-up, time

std::uint64_t Management::get_uuid(const Request&, Instance& output, Surroundings&, TimePoint) {
  output.add("UUID", "E67jVdK/u2EXoIiu3XA36g==");
  return kDone;
}

std::uint64_t Management::commit(const Request&, Instance&, Surroundings&, TimePoint) {
  return kDone;
}

std::uint64_t Management::get_time(const Request&, Instance& output, Surroundings&, TimePoint now) {
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(now - began_).count();
  output.add("Ta0", std::to_string(options_.epoch + clock_off_ + since));
  return kDone;
}

std::uint64_t Management::set_time(const Request& request, Instance&, Surroundings&, TimePoint now) {
  const auto ta0 = request.body.number("Ta0"), tm1 = request.body.number("Tm1"), tm2 = request.body.number("Tm2");
  constexpr std::uint64_t kMost = 0xffffffff;
  if (!ta0 || !tm1 || !tm2 || *ta0 > kMost || *tm1 > kMost || *tm2 > kMost) return kPtInvalidParameter;
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(now - began_).count();
  const std::int64_t ta3 = options_.epoch + clock_off_ + since;
  clock_off_ += (static_cast<std::int64_t>(*tm1 + *tm2) - (static_cast<std::int64_t>(*ta0) + ta3)) / 2;
  return kDone;
}

}  // namespace amtgate::sim
