// The instances of a set-up machine, with values as Intel's firmware has them. Source: fixtures of go-wsman-messages,
// Intel's class reference.
#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "amtgate/sim/management.h"

namespace amtgate::sim {
namespace {

using wsman::Instance;
using wsman::Reference;
using Texts = std::initializer_list<std::pair<const char*, std::string>>;

Instance make(const char* class_name, Texts texts) {
  Instance out(class_name);
  for (const auto& [name, value] : texts) out.add(name, value);
  return out;
}

/// A service of the firmware has these four keys.
Instance service(const char* class_name, const char* name, Texts texts, const char* system = "Intel(r) AMT") {
  Instance out = make(class_name, texts);
  out.add("CreationClassName", class_name).add("Name", name);
  out.add("SystemCreationClassName", "CIM_ComputerSystem").add("SystemName", system);
  return out;
}

Instance version(const char* id, std::string text) {
  return make("CIM_SoftwareIdentity", {{"InstanceID", id}, {"IsEntity", "true"}, {"VersionString", std::move(text)}});
}

unsigned generation(const Profile& p) {
  unsigned n = 0;
  for (const char c : p.firmware) {
    if (c < '0' || c > '9') break;
    n = 10 * n + static_cast<unsigned>(c - '0');
  }
  return n;
}

const char* flag(bool on) {
  return on ? "true" : "false";
}

}  // namespace

std::vector<std::string_view> key_names(std::string_view c) {
  if (c == "CIM_ComputerSystem") return {"CreationClassName", "Name"};
  if (c == "AMT_TLSCredentialContext") return {"ElementInContext", "ElementProvidingContext"};
  if (c == "AMT_TLSProtocolEndpointCollection") return {"ElementName"};
  if (c == "CIM_AssociatedPowerManagementService") return {"ServiceProvided", "UserOfService"};
  if (c == "CIM_ComputerSystemPackage") return {"Antecedent", "Dependent"};
  if (c == "AMT_MessageLog" || c == "AMT_AuditLog") return {"CreationClassName", "Name"};
  if (c == "CIM_ElementSettingData") return {"ManagedElement", "SettingData"};
  if (c == "CIM_Processor" || c == "CIM_MediaAccessDevice") {
    return {"CreationClassName", "DeviceID", "SystemCreationClassName", "SystemName"};
  }
  if (c == "CIM_BIOSElement")
    return {"Name", "SoftwareElementID", "SoftwareElementState", "TargetOperatingSystem", "Version"};
  if (c == "CIM_Chip" || c == "CIM_Card" || c == "CIM_Chassis" || c == "CIM_PhysicalMemory") {
    return {"CreationClassName", "Tag"};
  }
  constexpr std::array<std::string_view, 11> kServices = {
      "AMT_AuthorizationService",       "CIM_BootService",
      "AMT_RedirectionService",         "AMT_SetupAndConfigurationService",
      "AMT_TimeSynchronizationService", "AMT_WebUIService",
      "CIM_KVMRedirectionSAP",          "CIM_PowerManagementService",
      "IPS_HostBasedSetupService",      "IPS_OptInService",
      "AMT_PublicKeyManagementService"};
  if (std::ranges::find(kServices, c) != kServices.end()) {
    return {"CreationClassName", "Name", "SystemCreationClassName", "SystemName"};
  }
  return {"InstanceID"};
}

bool is_read_only(std::string_view c, std::string_view p) {
  if (p == "ElementName" || p == "InstanceID" || p == "CreationClassName" || p == "Name" || p == "SystemName" ||
      p == "SystemCreationClassName") {
    return true;
  }
  if (c == "AMT_GeneralSettings") {
    return p == "DigestRealm" || p == "NetworkInterfaceEnabled" || p == "OemID" || p == "PowerSource" ||
           p == "PrivacyLevel";
  }
  if (c == "IPS_KVMRedirectionSettingData") return p == "EnabledByMEBx" || p == "GrayscalePixelFormatSupported";
  if (c == "IPS_OptInService") return p == "OptInState" || p == "CanModifyOptInPolicy";
  if (c == "AMT_BootSettingData") return p == "BIOSLastStatus" || p == "OptionsCleared";
  if (c == "AMT_EthernetPortSettings") {
    return p == "MACAddress" || p == "LinkIsUp" || p == "PhysicalConnectionType" || p == "LinkPreference";
  }
  if (c == "CIM_ElementSettingData") return p != "IsCurrent";
  // Written as a whole or by methods only.
  return c != "AMT_RedirectionService" && c != "AMT_TLSSettingData";
}

std::map<std::string, std::vector<Instance>, std::less<>> firmware_classes(const Profile& p,
                                                                           const ManagementOptions& o) {
  const unsigned amt = generation(p);
  std::map<std::string, std::vector<Instance>, std::less<>> all;
  const auto put = [&](Instance i) { all[i.class_name()].push_back(std::move(i)); };

  for (const auto& [id, text] :
       std::initializer_list<std::pair<const char*, std::string>>{{"Flash", p.firmware},
                                                                  {"Netstack", p.firmware},
                                                                  {"AMTApps", p.firmware},
                                                                  {"AMT", p.firmware},
                                                                  {"Sku", p.kvm ? "16392" : "16400"},
                                                                  {"VendorID", "8086"},
                                                                  {"Build Number", "1706"},
                                                                  {"Recovery Version", p.firmware},
                                                                  {"Recovery Build Num", "1706"},
                                                                  {"Legacy Mode", "False"},
                                                                  {"AMT FW Core Version", p.firmware}}) {
    put(version(id, text));
  }

  Instance general = make("AMT_GeneralSettings", {{"DDNSPeriodicUpdateInterval", "1440"},
                                                  {"DDNSTTL", "900"},
                                                  {"DDNSUpdateByDHCPServerEnabled", "true"},
                                                  {"DDNSUpdateEnabled", "false"},
                                                  {"DHCPv6ConfigurationTimeout", "0"},
                                                  {"DigestRealm", o.realm},
                                                  {"DomainName", "example.org"},
                                                  {"ElementName", "Intel(r) AMT: General Settings"},
                                                  {"HostName", o.host_name},
                                                  {"HostOSFQDN", o.host_name + ".example.org"},
                                                  {"IdleWakeTimeout", "65535"},
                                                  {"InstanceID", "Intel(r) AMT: General Settings"},
                                                  {"NetworkInterfaceEnabled", "true"},
                                                  {"PingResponseEnabled", "true"},
                                                  {"PowerSource", "0"},
                                                  {"PreferredAddressFamily", "0"},
                                                  {"PresenceNotificationInterval", "0"},
                                                  {"PrivacyLevel", "0"},
                                                  {"RmcpPingResponseEnabled", "true"},
                                                  {"SharedFQDN", "true"},
                                                  {"WsmanOnlyMode", "false"}});
  if (amt >= 9) general.add("AMTNetworkEnabled", "1");
  if (amt >= 15) general.add("ThunderboltDockEnabled", "0");
  put(std::move(general));

  put(service("AMT_SetupAndConfigurationService", "Intel(r) AMT Setup and Configuration Service",
              {{"ElementName", "Intel(r) AMT Setup and Configuration Service"},
               {"EnabledState", "5"},
               {"PasswordModel", "1"},
               {"ProvisioningMode", "1"},
               {"ProvisioningServerOTP", "AAAAAAAAAAA="},
               {"ProvisioningState", "2"},
               {"RequestedState", "12"},
               {"ZeroTouchConfigurationEnabled", "true"}}));
  put(service("IPS_HostBasedSetupService", "Intel(r) AMT Host Based Setup Service",
              {{"CurrentControlMode", "2"},
               {"AllowedControlModes", "2"},
               {"AllowedControlModes", "1"},
               {"ElementName", "Intel(r) AMT Host Based Setup Service"}}));
  put(service("AMT_TimeSynchronizationService", "Intel(r) AMT Time Synchronization Service",
              {{"ElementName", "Intel(r) AMT Time Synchronization Service"},
               {"EnabledState", "5"},
               {"LocalTimeSyncEnabled", "0"},
               {"RequestedState", "12"},
               {"TimeSource", "1"}}));
  put(service("AMT_WebUIService", "Intel(r) AMT Web UI Service",
              {{"ElementName", "Intel(r) AMT Web UI Service"}, {"EnabledState", "2"}, {"RequestedState", "2"}}));

  put(service("AMT_AuthorizationService", "Intel(r) AMT Authorization Service",
              {{"AllowHttpQopAuthOnly", "1"},
               {"ElementName", "Intel(r) AMT Authorization Service"},
               {"EnabledState", "5"},
               {"RequestedState", "12"}}));

  const unsigned redirection = 32768U + (o.off[1] ? 0U : 1U) + (o.off[0] ? 0U : 2U);
  put(service("AMT_RedirectionService", "Intel(r) AMT Redirection Service",
              {{"ElementName", "Intel(r) AMT Redirection Service"},
               {"EnabledState", std::to_string(redirection)},
               {"ListenerEnabled", "true"}}));
  if (p.kvm) {
    put(service("CIM_KVMRedirectionSAP", "KVM Redirection Service Access Point",
                {{"ElementName", "KVM Redirection Service Access Point"},
                 {"EnabledState", o.off[2] ? "3" : "6"},
                 {"KVMProtocol", "4"},
                 {"RequestedState", o.off[2] ? "3" : "2"}},
                "ManagedSystem"));
    Instance kvm =
        make("IPS_KVMRedirectionSettingData", {{"DefaultScreen", "0"},
                                               {"ElementName", "Intel(r) KVM Redirection Settings"},
                                               {"EnabledByMEBx", "true"},
                                               {"InstanceID", "Intel(r) KVM Redirection Settings"},
                                               {"Is5900PortEnabled", flag(p.port5900 == Port5900::Password)},
                                               {"OptInPolicy", flag(o.consent || o.kvm_consent)},
                                               {"OptInPolicyTimeout", "300"},
                                               {"RFBPassword", ""},
                                               {"SessionTimeout", std::to_string(p.idle / std::chrono::minutes(1))}});
    if (amt >= 16) kvm.add("GrayscalePixelFormatSupported", flag(p.gray_formats));
    put(std::move(kvm));
  }
  put(service("IPS_OptInService", "Intel(r) AMT OptIn Service",
              {{"CanModifyOptInPolicy", "1"},
               {"ElementName", "Intel(r) AMT OptIn Service"},
               {"OptInCodeTimeout", "120"},
               {"OptInDisplayTimeout", "300"},
               {"OptInRequired", o.consent       ? "4294967295"
                                 : o.kvm_consent ? "1"
                                                 : "0"},
               {"OptInState", "0"}}));

  for (const char* id : {"Intel(r) AMT 802.3 TLS Settings", "Intel(r) AMT LMS TLS Settings"}) {
    Instance tls = make("AMT_TLSSettingData", {{"AcceptNonSecureConnections", flag(p.plain_open)},
                                               {"ElementName", id},
                                               {"Enabled", flag(p.tls_open)},
                                               {"InstanceID", id},
                                               {"MutualAuthentication", "false"}});
    if (!p.plain_open) tls.add("NonSecureConnectionsSupported", "true");
    put(std::move(tls));
  }
  put(make("AMT_EthernetPortSettings", {{"DHCPEnabled", "true"},
                                        {"DefaultGateway", "192.0.2.1"},
                                        {"ElementName", "Intel(r) AMT Ethernet Port Settings"},
                                        {"IPAddress", "192.0.2.10"},
                                        {"InstanceID", "Intel(r) AMT Ethernet Port Settings 0"},
                                        {"LinkIsUp", "true"},
                                        {"LinkPolicy", "1"},
                                        {"LinkPolicy", "14"},
                                        {"LinkPolicy", "16"},
                                        {"MACAddress", "02-00-5e-10-00-01"},
                                        {"PhysicalConnectionType", "0"},
                                        {"PrimaryDNS", "192.0.2.1"},
                                        {"SharedMAC", "true"},
                                        {"SubnetMask", "255.255.255.0"}}));

  const Reference system{"CIM_ComputerSystem",
                         {{"CreationClassName", "CIM_ComputerSystem"}, {"Name", "ManagedSystem"}}};
  put(make("CIM_ComputerSystem", {{"CreationClassName", "CIM_ComputerSystem"},
                                  {"ElementName", "Managed System"},
                                  {"EnabledState", "5"},
                                  {"Name", "ManagedSystem"},
                                  {"RequestedState", "12"}}));
  Instance package = make("CIM_ComputerSystemPackage", {{"PlatformGUID", "13AEE355D2BFBB6117A088AEDD7037EA"}});
  package.add("Antecedent", Reference{"CIM_Chassis", {{"CreationClassName", "CIM_Chassis"}, {"Tag", "CIM_Chassis"}}});
  package.add("Dependent", system);
  put(std::move(package));
  put(service(
      "CIM_PowerManagementService", "Intel(r) AMT Power Management Service",
      {{"ElementName", "Intel(r) AMT Power Management Service"}, {"EnabledState", "5"}, {"RequestedState", "12"}}));
  Instance power("CIM_AssociatedPowerManagementService");
  power.add("ServiceProvided", Reference{"CIM_PowerManagementService",
                                         {{"CreationClassName", "CIM_PowerManagementService"},
                                          {"Name", "Intel(r) AMT Power Management Service"},
                                          {"SystemCreationClassName", "CIM_ComputerSystem"},
                                          {"SystemName", "Intel(r) AMT"}}});
  power.add("UserOfService", system);
  put(std::move(power));

  put(make("AMT_BootSettingData", {{"BIOSLastStatus", "0"},
                                   {"BIOSLastStatus", "0"},
                                   {"BIOSPause", "false"},
                                   {"BIOSSetup", "false"},
                                   {"BootMediaIndex", "0"},
                                   {"ConfigurationDataReset", "false"},
                                   {"ElementName", "Intel(r) AMT Boot Configuration Settings"},
                                   {"FirmwareVerbosity", "0"},
                                   {"ForcedProgressEvents", "false"},
                                   {"IDERBootDevice", "0"},
                                   {"InstanceID", "Intel(r) AMT:BootSettingData 0"},
                                   {"LockKeyboard", "false"},
                                   {"LockPowerButton", "false"},
                                   {"LockResetButton", "false"},
                                   {"LockSleepButton", "false"},
                                   {"OptionsCleared", "true"},
                                   {"OwningEntity", "Intel(r) AMT"},
                                   {"ReflashBIOS", "false"},
                                   {"UseIDER", "false"},
                                   {"UseSOL", "false"},
                                   {"UseSafeMode", "false"},
                                   {"UserPasswordBypass", "false"}}));
  put(make("AMT_BootCapabilities", {{"BIOSPause", "false"},
                                    {"BIOSReflash", "false"},
                                    {"BIOSSetup", "true"},
                                    {"ElementName", "Intel(r) AMT: Boot Capabilities"},
                                    {"ForceCDorDVDBoot", "true"},
                                    {"ForceDiagnosticBoot", "false"},
                                    {"ForceHardDriveBoot", "true"},
                                    {"ForceHardDriveSafeModeBoot", "false"},
                                    {"ForcePXEBoot", "true"},
                                    {"IDER", "true"},
                                    {"InstanceID", "Intel(r) AMT:BootCapabilities 0"},
                                    {"SOL", "true"}}));
  put(make("CIM_BootConfigSetting", {{"ElementName", "Intel(r) AMT: Boot Configuration"},
                                     {"InstanceID", "Intel(r) AMT: Boot Configuration 0"}}));
  put(service("CIM_BootService", "Intel(r) AMT Boot Service",
              {{"ElementName", "Intel(r) AMT Boot Service"}, {"EnabledState", "2"}, {"RequestedState", "12"}}));
  for (const auto& [id, path] : std::initializer_list<std::pair<const char*, const char*>>{
           {"Intel(r) AMT: Force Hard-drive Boot", "CIM:Hard-Disk:1"},
           {"Intel(r) AMT: Force PXE Boot", "CIM:Network:1"},
           {"Intel(r) AMT: Force CD/DVD Boot", "CIM:CD/DVD:1"}}) {
    put(make("CIM_BootSourceSetting", {{"ElementName", "Intel(r) AMT: Boot Source"},
                                       {"FailThroughSupported", "2"},
                                       {"InstanceID", id},
                                       {"StructuredBootString", path}}));
  }

  put(make("CIM_Chassis", {{"ChassisPackageType", "0"},
                           {"CreationClassName", "CIM_Chassis"},
                           {"ElementName", "Managed System Chassis"},
                           {"Manufacturer", "amtgate"},
                           {"Model", "Simulated PC"},
                           {"PackageType", "3"},
                           {"SerialNumber", "SIM0001"},
                           {"Tag", "CIM_Chassis"},
                           {"Version", "1"}}));
  for (Instance& i : hardware_classes(p)) put(std::move(i));
  put(make("AMT_MessageLog", {{"Capabilities", "4"},
                              {"CreationClassName", "AMT_MessageLog"},
                              {"CurrentNumberOfRecords", "0"},
                              {"ElementName", "Intel(r) AMT:MessageLog 1"},
                              {"EnabledState", "2"},
                              {"MaxNumberOfRecords", "390"},
                              {"MaxRecordSize", "21"},
                              {"Name", "Intel(r) AMT:MessageLog 1"},
                              {"RequestedState", "12"}}));
  put(make("AMT_AuditLog", {{"AuditState", "19"},
                            {"CreationClassName", "AMT_AuditLog"},
                            {"CurrentNumberOfRecords", "0"},
                            {"ElementName", "Intel(r) AMT:Audit Log"},
                            {"EnabledState", "2"},
                            {"MaxNumberOfRecords", "1000"},
                            {"Name", "Intel(r) AMT:Audit Log"},
                            {"RequestedState", "12"}}));
  put(make("CIM_Chip", {{"CreationClassName", "CIM_Chip"},
                        {"ElementName", "Managed System Processor Chip"},
                        {"Manufacturer", "Intel(R) Corporation"},
                        {"Tag", "CPU 0"},
                        {"Version", "Simulated CPU"}}));
  return all;
}

}  // namespace amtgate::sim
