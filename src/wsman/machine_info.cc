#include "amtgate/wsman/machine_info.h"

namespace amtgate::wsman {
namespace {

/// Nothing where the firmware or the account has it not; an error of the transport ends all.
class Asker {
 public:
  explicit Asker(Caller& machine) : machine_(machine) {}

  std::optional<Instance> get(std::string_view class_name, std::vector<Selector> keys = {}) {
    if (failed_) return std::nullopt;
    return take(wsman::get(machine_, class_name, std::move(keys)));
  }
  std::optional<Instance> invoke(std::string_view class_name, std::string_view method) {
    if (failed_) return std::nullopt;
    return take(wsman::invoke(machine_, method, Instance(std::string(class_name))));
  }
  const std::optional<Error>& failed() const { return failed_; }

 private:
  std::optional<Instance> take(Result<Instance> got) {
    if (got) return std::move(*got);
    const Errc code = got.error().code;
    if (code != Errc::Unsupported && code != Errc::Refused && code != Errc::BadValue) failed_ = got.error();
    return std::nullopt;
  }

  Caller& machine_;
  std::optional<Error> failed_;
};

std::string text_of(const std::optional<Instance>& i, std::string_view name) {
  return i ? std::string(i->text(name).value_or("")) : std::string();
}

}  // namespace

std::string format_uuid(std::string_view guid) {
  if (guid.size() != 32 || guid.find_first_not_of("0123456789ABCDEFabcdef") != std::string_view::npos) {
    return std::string(guid);
  }
  // SMBIOS has the first three fields little-endian.
  constexpr std::size_t kOrder[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  std::string out;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    for (const char c : guid.substr(2 * kOrder[i], 2)) {
      out += static_cast<char>(c >= 'A' && c <= 'F' ? c + 32 : c);
    }
  }
  return out;
}

Result<MachineInfo> machine_info(Caller& machine, std::int64_t wall) {
  const Result<Instance> general = get(machine, "AMT_GeneralSettings");
  if (!general) return general.error();
  Asker ask(machine);
  MachineInfo out;
  out.host_name = general->text("HostName").value_or("");
  const std::string_view domain = general->text("DomainName").value_or("");
  if (!out.host_name.empty() && !domain.empty()) out.host_name += "." + std::string(domain);
  if (out.host_name.empty()) out.host_name = general->text("HostOSFQDN").value_or("");
  out.version = text_of(ask.get("CIM_SoftwareIdentity", {{"InstanceID", "AMT"}}), "VersionString");
  out.uuid = format_uuid(text_of(ask.get("CIM_ComputerSystemPackage"), "PlatformGUID"));
  if (const auto power = ask.get("CIM_AssociatedPowerManagementService")) {
    out.power = power->number("PowerState").value_or(0);
  }

  const auto host_based = ask.get("IPS_HostBasedSetupService");
  if (host_based) {
    const std::uint64_t mode = host_based->number("CurrentControlMode").value_or(0);
    out.setup = mode == 2 ? "admin" : mode == 1 ? "client" : "none";
  } else if (const auto setup = ask.get("AMT_SetupAndConfigurationService")) {
    const bool done = setup->number("ProvisioningState") == 2U;
    out.setup = !done ? "none" : setup->number("ProvisioningMode") == 4U ? "client" : "admin";
  }

  if (const auto r = ask.get("AMT_RedirectionService")) {
    out.redirection = r->boolean("ListenerEnabled");
    if (const auto state = r->number("EnabledState")) {
      out.ider = (*state & 1U) != 0;
      out.sol = (*state & 2U) != 0;
    }
  }
  if (const auto kvm = ask.get("CIM_KVMRedirectionSAP")) {
    const auto state = kvm->number("EnabledState");
    out.kvm = state == 2U || state == 6U;
  }
  if (out.kvm) {
    if (const auto kvm = ask.get("IPS_KVMRedirectionSettingData")) out.port5900 = kvm->boolean("Is5900PortEnabled");
  }
  if (const auto web = ask.get("AMT_WebUIService")) out.web_ui = web->number("EnabledState") == 2U;
  if (const auto consent = ask.get("IPS_OptInService")) {
    const std::uint64_t needed = consent->number("OptInRequired").value_or(0);
    out.consent = needed == 0 ? "none" : needed == 1 ? "kvm" : "all";
  }
  if (const auto tls = ask.get("AMT_TLSSettingData", {{"InstanceID", "Intel(r) AMT 802.3 TLS Settings"}})) {
    out.tls = tls->boolean("Enabled");
    out.plain_too = tls->boolean("AcceptNonSecureConnections");
    out.mutual = tls->boolean("MutualAuthentication");
  }
  if (const auto time = ask.invoke("AMT_TimeSynchronizationService", "GetLowAccuracyTimeSynch")) {
    if (const auto ta0 = time->number("Ta0"); ta0 && *ta0 <= 0xffffffffU) {
      out.clock_ahead = static_cast<std::int64_t>(*ta0) - wall;
    }
  }
  if (ask.failed()) return *ask.failed();
  return out;
}

}  // namespace amtgate::wsman
