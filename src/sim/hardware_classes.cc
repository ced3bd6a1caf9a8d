// What a simulated machine is made of, and its wireless port and IPv6. Source: fixtures of go-wsman-messages for
// which properties there are; the values are made up.
#include <initializer_list>
#include <utility>

#include "amtgate/sim/management.h"

namespace amtgate::sim {
namespace {

using wsman::Instance;
using wsman::Reference;

Instance make(const char* class_name, std::initializer_list<std::pair<const char*, std::string>> texts) {
  Instance out(class_name);
  for (const auto& [name, value] : texts) out.add(name, value);
  return out;
}

Instance device(const char* class_name, const std::string& id,
                std::initializer_list<std::pair<const char*, std::string>> texts) {
  Instance out = make(class_name, texts);
  out.add("CreationClassName", class_name).add("DeviceID", id);
  out.add("SystemCreationClassName", "CIM_ComputerSystem").add("SystemName", "ManagedSystem");
  return out;
}

}  // namespace

std::vector<Instance> hardware_classes(const Profile& profile) {
  const bool old = profile.name == "8" || profile.name == "9";  // DDR3, and nobody told the configured clock
  std::vector<Instance> out;
  out.push_back(make("CIM_Card", {{"CanBeFRUed", "true"},
                                  {"CreationClassName", "CIM_Card"},
                                  {"ElementName", "Managed System Base Board"},
                                  {"Manufacturer", "amtgate"},
                                  {"Model", "Simulated board"},
                                  {"PackageType", "9"},
                                  {"SerialNumber", "BRD0001 "},
                                  {"Tag", "CIM_Card"},
                                  {"Version", "A1"}}));
  Instance bios = make("CIM_BIOSElement", {{"ElementName", "Primary BIOS"},
                                           {"Manufacturer", "amtgate"},
                                           {"Name", "Primary BIOS"},
                                           {"PrimaryBIOS", "true"},
                                           {"SoftwareElementID", "SIM1.10"},
                                           {"SoftwareElementState", "2"},
                                           {"TargetOperatingSystem", "66"},
                                           {"Version", "SIM1.10"}});
  bios.add("ReleaseDate", wsman::Datetime{"2023-05-04T00:00:00Z"});
  out.push_back(std::move(bios));
  out.push_back(device("CIM_Processor", "CPU 0",
                       {{"CPUStatus", "1"},
                        {"CurrentClockSpeed", "2400"},
                        {"ElementName", "Managed System CPU"},
                        {"EnabledState", "2"},
                        {"ExternalBusClockSpeed", "100"},
                        {"Family", "198"},
                        {"HealthState", "0"},
                        {"MaxClockSpeed", "4200"},
                        {"OperationalStatus", "0"},
                        {"RequestedState", "12"},
                        {"Role", "Central"},
                        {"Stepping", "2"},
                        {"UpgradeMethod", "2"}}));
  for (const char* bank : {"BANK 0", "BANK 2"}) {
    Instance memory = make("CIM_PhysicalMemory", {{"BankLabel", bank},
                                                  {"Capacity", "8589934592"},
                                                  {"CreationClassName", "CIM_PhysicalMemory"},
                                                  {"ElementName", "Managed System Memory Chip"},
                                                  {"FormFactor", "13"},
                                                  {"IsSpeedInMhz", "true"},
                                                  {"Manufacturer", "amtgate"},
                                                  {"MaxMemorySpeed", old ? "1600" : "3200"},
                                                  {"MemoryType", old ? "24" : "26"},
                                                  {"PartNumber", "SIM-8G            "},
                                                  {"SerialNumber", bank[5] == '0' ? "MEM0001" : "MEM0002"},
                                                  {"Speed", "0"},
                                                  {"Tag", std::string(bank) + " (#0)"}});
    if (!old) memory.add("ConfiguredMemoryClockSpeed", "2933");
    out.push_back(std::move(memory));
  }
  for (const auto& [id, kilobytes] : std::initializer_list<std::pair<const char*, const char*>>{
           {"MEDIA DEV 0", "512110190"}, {"MEDIA DEV 1", "2000398934"}}) {
    out.push_back(device("CIM_MediaAccessDevice", id,
                         {{"Capabilities", "4"},
                          {"ElementName", "Managed System Media Access Device"},
                          {"EnabledDefault", "2"},
                          {"EnabledState", "0"},
                          {"MaxMediaSize", kilobytes},
                          {"OperationalStatus", "0"},
                          {"RequestedState", "12"},
                          {"Security", "2"}}));
  }

  out.push_back(make("IPS_IPv6PortSettings", {{"CurrentAddressInfo", "fe80::5eff:fe10:1,0,1"},
                                              {"ElementName", "Intel(r) IPS IPv6 Settings"},
                                              {"IPv6Address", ""},
                                              {"InstanceID", "Intel(r) IPS IPv6 Settings 0"},
                                              {"InterfaceIDType", "1"}}));
  Instance association = make("CIM_ElementSettingData", {{"IsCurrent", "2"}, {"IsDefault", "0"}, {"IsNext", "0"}});
  association.add("ManagedElement", Reference{"CIM_EthernetPort",
                                              {{"CreationClassName", "CIM_EthernetPort"},
                                               {"DeviceID", "Intel(r) AMT Ethernet Port 0"},
                                               {"SystemCreationClassName", "CIM_ComputerSystem"},
                                               {"SystemName", "Intel(r) AMT"}}});
  association.add("SettingData", Reference{"IPS_IPv6PortSettings", {{"InstanceID", "Intel(r) IPS IPv6 Settings 0"}}});
  out.push_back(std::move(association));
  if (old) return out;
  out.push_back(make("AMT_EthernetPortSettings", {{"ConsoleTcpMaxRetransmissions", "5"},
                                                  {"DHCPEnabled", "true"},
                                                  {"ElementName", "Intel(r) AMT Ethernet Port Settings"},
                                                  {"InstanceID", "Intel(r) AMT Ethernet Port Settings 1"},
                                                  {"LinkControl", "2"},
                                                  {"LinkIsUp", "false"},
                                                  {"LinkPreference", "2"},
                                                  {"MACAddress", "02-00-5e-10-00-02"},
                                                  {"PhysicalConnectionType", "3"},
                                                  {"WLANLinkProtectionLevel", "1"}}));
  return out;
}

}  // namespace amtgate::sim
