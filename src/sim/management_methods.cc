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
      {"AMT_PublicKeyManagementService", "AddTrustedRootCertificate", &Management::add_root},
      {"AMT_PublicKeyManagementService", "AddCertificate", &Management::add_certificate},
      {"AMT_PublicKeyManagementService", "AddKey", &Management::add_key},
      {"AMT_PublicKeyManagementService", "GenerateKeyPair", &Management::make_key},
      {"AMT_PublicKeyManagementService", "GeneratePKCS10RequestEx", &Management::sign_request},
      {"CIM_BootConfigSetting", "ChangeBootOrder", &Management::change_boot_order},
      {"CIM_BootService", "SetBootConfigRole", &Management::set_boot_role},
      {"AMT_EthernetPortSettings", "SetLinkPreference", &Management::set_link_preference},
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
  if (towards_ && now >= arrives_) {
    power_ = *towards_;
    towards_.reset();
    show_power();
  }
  Instance& consent = only("IPS_OptInService");
  opt_in_.settle(power_ == Power::On, seconds(consent.number("OptInCodeTimeout").value_or(0)), now);
  consent.set("OptInState", std::to_string(static_cast<unsigned>(opt_in_.state())));
  only("AMT_MessageLog").set("CurrentNumberOfRecords", std::to_string(event_log_.size()));
  only("AMT_AuditLog").set("CurrentNumberOfRecords", std::to_string(audit_log_.size()));
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
  return switch_power(state, around, now);
}

std::uint64_t Management::switch_power(std::uint64_t state, Surroundings& around, TimePoint now) {
  settle(now);
  const bool on = power_ == Power::On;
  const auto go = [&](Power to) {
    towards_ = to;
    arrives_ = now + options_.power_time;
    return kDone;
  };
  switch (state) {
    case 2:
      if (on) return kInvalidTransition;
      around.boot = boot(now);
      return go(Power::On);
    case 5:   // power cycle
    case 10:  // reset
      if (!on) return kInvalidTransition;
      if (state == 5 && around.sessions) return kFailed;
      around.reboot = true;
      around.boot = boot(now);
      return go(Power::On);
    case 8: return !on ? kInvalidTransition : around.sessions ? kFailed : go(Power::Off);
    case 11: return on ? kDone : kInvalidTransition;
    case 4:
    case 7:
    case 12:
    case 14:
      if (profile_.name == "8") return 1;  // since 9.0
      if (!on) return kInvalidTransition;
      if (state == 14) {
        around.reboot = true;
        around.boot = boot(now);
      }
      return go(state == 4 ? Power::Sleep : state == 7 ? Power::Hibernate : state == 12 ? Power::Off : Power::On);
    default: return kInvalidParameter;
  }
}

// --- boot

namespace {

constexpr std::string_view kSourcePrefix = "Intel(r) AMT: ";

std::string_view instance_id(const wsman::Reference& reference) {
  for (const wsman::Selector& s : reference.selectors) {
    const auto* text = std::get_if<std::string>(&s.value);
    if (s.name == "InstanceID" && text != nullptr) return *text;
  }
  return {};
}

}  // namespace

std::string Management::boot(TimePoint now) {
  Instance& settings = only("AMT_BootSettingData");
  std::string out;
  const auto add = [&](bool on, std::string_view word) {
    if (on) out += (out.empty() ? "" : " ") + std::string(word);
  };
  if (boot_armed_) {
    add(!boot_source_.empty(), boot_source_);
    add(settings.boolean("BIOSSetup").value_or(false), "bios");
    add(settings.boolean("UseIDER").value_or(false),
        settings.number("IDERBootDevice") == 1U ? "ider-cd" : "ider-floppy");
    add(settings.boolean("UseSOL").value_or(false), "sol");
  }
  // All of it is for one boot.
  for (const char* name : {"BIOSPause", "BIOSSetup", "UseIDER", "UseSOL"}) settings.set(name, "false");
  settings.set("OptionsCleared", "true");
  boot_armed_ = false;
  boot_source_.clear();
  constexpr std::uint8_t kProgress = 2, kInfo = 2, kBios = 34;
  for (const std::uint8_t step :
       std::initializer_list<std::uint8_t>{1, 2, 9, 19}) {  // memory, disks, video, the operating system
    event_log_.add(clock(now), 15, kProgress, kInfo, kBios, {0x40, step});
  }
  return out.empty() ? "default" : out;
}

void Management::boot_once(std::string_view source, bool bios) {
  boot_source_ = source;
  only("AMT_BootSettingData").set("BIOSSetup", bios ? "true" : "false");
  boot_armed_ = true;
}

std::uint64_t Management::change_boot_order(const Request& request, Instance&, Surroundings&, TimePoint) {
  constexpr std::uint64_t kInvalidReference = 4, kAccessDenied = 6;
  const wsman::Reference* source = request.body.reference("Source");
  if (source == nullptr) {
    boot_source_.clear();
    return kDone;
  }
  if (needs_consent()) return kAccessDenied;
  const std::string_view id = instance_id(*source);
  if (one("CIM_BootSourceSetting", {{"InstanceID", std::string(id)}}) == nullptr) return kInvalidReference;
  const Instance& settings = only("AMT_BootSettingData");
  if (settings.boolean("BIOSSetup").value_or(false) || settings.boolean("BIOSPause").value_or(false)) {
    return kInvalidParameter;  // a forced source excludes them
  }
  boot_source_ = id.substr(kSourcePrefix.size());
  return kDone;
}

std::uint64_t Management::set_boot_role(const Request& request, Instance&, Surroundings&, TimePoint) {
  const wsman::Reference* config = request.body.reference("BootConfigSetting");
  const std::uint64_t role = request.body.number("Role").value_or(0);
  if (config == nullptr || config->class_name != "CIM_BootConfigSetting") return 4;
  if (role != 1 && role != 32768) return kInvalidParameter;
  boot_armed_ = role == 1;
  return kDone;
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

// --- set-up

std::uint64_t Management::get_uuid(const Request&, Instance& output, Surroundings&, TimePoint) {
  output.add("UUID", "E67jVdK/u2EXoIiu3XA36g==");
  return kDone;
}

std::uint64_t Management::commit(const Request&, Instance&, Surroundings& around, TimePoint) {
  return tls_.commit(classes_, around.network);
}

// --- certificates and keys

std::uint64_t Management::add_root(const Request& request, Instance& output, Surroundings&, TimePoint) {
  return tls_.add_certificate(classes_, request, output, true);
}

std::uint64_t Management::add_certificate(const Request& request, Instance& output, Surroundings&, TimePoint) {
  return tls_.add_certificate(classes_, request, output, false);
}

std::uint64_t Management::add_key(const Request& request, Instance& output, Surroundings&, TimePoint) {
  return tls_.add_key(classes_, request, output);
}

std::uint64_t Management::make_key(const Request& request, Instance& output, Surroundings&, TimePoint) {
  return tls_.make_key(classes_, request, output);
}

std::uint64_t Management::sign_request(const Request& request, Instance& output, Surroundings&, TimePoint) {
  return tls_.sign_request(classes_, request, output);
}

// --- time

std::uint64_t Management::set_link_preference(const Request& request, Instance&, Surroundings&, TimePoint) {
  const auto wanted = request.body.number("LinkPreference");
  Instance* port = one("AMT_EthernetPortSettings", request.selectors);
  if (port == nullptr || !port->has("LinkPreference") || !wanted || *wanted < 1 || *wanted > 2) {
    return kPtInvalidParameter;
  }
  port->set("LinkPreference", std::to_string(*wanted));
  return kDone;
}

std::int64_t Management::clock(TimePoint now) const {
  return options_.epoch + clock_off_ + std::chrono::duration_cast<std::chrono::seconds>(now - began_).count();
}

std::uint64_t Management::get_time(const Request&, Instance& output, Surroundings&, TimePoint now) {
  output.add("Ta0", std::to_string(clock(now)));
  return kDone;
}

std::uint64_t Management::set_time(const Request& request, Instance&, Surroundings&, TimePoint now) {
  const auto ta0 = request.body.number("Ta0"), tm1 = request.body.number("Tm1"), tm2 = request.body.number("Tm2");
  constexpr std::uint64_t kMost = 0xffffffff;
  if (!ta0 || !tm1 || !tm2 || *ta0 > kMost || *tm1 > kMost || *tm2 > kMost) return kPtInvalidParameter;
  const std::int64_t ta3 = clock(now);
  clock_off_ += (static_cast<std::int64_t>(*tm1 + *tm2) - (static_cast<std::int64_t>(*ta0) + ta3)) / 2;
  return kDone;
}

}  // namespace amtgate::sim
