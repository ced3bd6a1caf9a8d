#include "amtgate/sim/legacy_soap.h"

#include <array>
#include <optional>
#include <pugixml.hpp>

#include "amtgate/wsman/document.h"
#include "amtgate/wsman/xml_writer.h"

namespace amtgate::sim {
namespace {

using wsman::Instance;
using wsman::XmlWriter;

constexpr std::string_view kNamespaces = "http://schemas.intel.com/platform/client/";
constexpr std::string_view kEnvelope = "http://schemas.xmlsoap.org/soap/envelope/";

// PT_STATUS.
constexpr unsigned kSuccess = 0, kNotPermitted = 0x10, kInvalidParameter = 0x24, kUnsupportedOem = 0x801,
                   kInvalidCommand = 0x803, kInvalidSpecial = 0x804;

// RemoteControl's commands are those of ASF.
constexpr unsigned kReset = 16, kPowerUp = 17, kPowerDown = 18, kPowerCycle = 19, kSetBootOptions = 33;
constexpr unsigned kIntel = 343, kAsf = 4542;
constexpr unsigned kNop = 0, kPxe = 1, kHardDisk = 2, kCd = 5, kOem = 0xc1;

struct Output {
  unsigned status = kSuccess;
  std::vector<std::pair<std::string_view, std::string>> values{};
};

struct Call {
  const Instance& in;
  const Profile& profile;
  Management& management;
  Management::Surroundings& around;
  TimePoint now;
};

std::string general(const Call& c, std::string_view property) {
  return c.management.setting("AMT_GeneralSettings", property);
}

Output get_core_version(const Call& c) {
  return {kSuccess, {{"Version", c.profile.firmware}}};
}
Output get_host_name(const Call& c) {
  return {kSuccess, {{"Host", general(c, "HostName")}}};
}
Output get_domain_name(const Call& c) {
  return {kSuccess, {{"Domain", general(c, "DomainName")}}};
}

/// The sleep state in the low four bits.
Output get_system_power_state(const Call& c) {
  constexpr unsigned kS0 = 0, kS3 = 3, kS4 = 4, kS5 = 5;
  const Power power = c.management.power(c.now);
  const unsigned state = power == Power::On          ? kS0
                         : power == Power::Sleep     ? kS3
                         : power == Power::Hibernate ? kS4
                                                     : kS5;
  return {kSuccess, {{"SystemPowerState", std::to_string(state)}}};
}

Output get_remote_control_capabilities(const Call& c) {
  const unsigned oem =
      (c.management.ider_on() ? 1U : 0U) | (c.management.sol_on() ? 2U : 0U) | 0x18U;  // set-up, pause
  constexpr unsigned kSpecial = 0x1300;                                                // PXE, hard disk, CD
  constexpr unsigned kSystem = 0xf;                                                    // cycle, down, up, reset
  return {kSuccess,
          {{"IanaOemNumber", std::to_string(kIntel)},
           {"OemDefinedCapabilities", std::to_string(oem)},
           {"SpecialCommandsSupported", std::to_string(kSpecial)},
           {"SystemCapabilitiesSupported", std::to_string(kSystem)},
           {"SystemFirmwareCapabilities", "0"}}};
}

Output remote_control(const Call& c) {
  const auto command = c.in.number("Command"), oem = c.in.number("IanaOemNumber");
  if (!command || !oem) return {kInvalidParameter};
  if (oem != kIntel && oem != kAsf) return {kUnsupportedOem};
  const std::uint64_t special = c.in.number("SpecialCommand").value_or(kNop);
  std::optional<std::uint64_t> state;
  switch (*command) {
    case kReset: state = 10; break;
    case kPowerUp: state = 2; break;
    case kPowerDown: state = 8; break;
    case kPowerCycle: state = 5; break;
    case kSetBootOptions: break;
    default: return {kInvalidCommand};
  }
  if (special != kNop && state != 8U) {
    const std::string_view source = special == kPxe        ? "Force PXE Boot"
                                    : special == kHardDisk ? "Force Hard-drive Boot"
                                    : special == kCd       ? "Force CD/DVD Boot"
                                                           : "";
    const bool bios = special == kOem && oem == kIntel && c.in.number("OEMparameters") == 1U;
    if (source.empty() && !bios) return {kInvalidSpecial};
    c.management.boot_once(source, bios);
  }
  if (!state) return {};
  return {c.management.switch_power(*state, c.around, c.now) == 0 ? kSuccess : kNotPermitted};
}

struct Method {
  std::string_view name;
  Output (*run)(const Call&);
};
struct Service {
  std::string_view path, word;
  std::array<Method, 3> methods;
};
constexpr Service kServices[] = {
    {"/SecurityAdministrationService", "SecurityAdministration", {{{"GetCoreVersion", get_core_version}}}},
    {"/NetworkAdministrationService",
     "NetworkAdministration",
     {{{"GetHostName", get_host_name}, {"GetDomainName", get_domain_name}}}},
    {"/RemoteControlService",
     "RemoteControl",
     {{{"GetSystemPowerState", get_system_power_state},
       {"GetRemoteControlCapabilities", get_remote_control_capabilities},
       {"RemoteControl", remote_control}}}},
};

const Service* find(std::string_view path) {
  for (const Service& s : kServices) {
    if (s.path == path) return &s;
  }
  return nullptr;
}

std::string declared(XmlWriter& xml) {
  return R"(<?xml version="1.0" encoding="UTF-8"?>)" + xml.take();
}

LegacyAnswer fault(std::string_view text) {
  XmlWriter xml;
  xml.open("a:Envelope", {{"xmlns:a", kEnvelope}});
  xml.open("a:Body");
  xml.open("a:Fault");
  xml.leaf("faultcode", "a:Client");
  xml.leaf("faultstring", text);
  for (int i = 0; i < 3; ++i) xml.close();
  return {500, declared(xml), "fault: " + std::string(text)};
}

}  // namespace

bool is_legacy_path(std::string_view path) {
  return find(path) != nullptr;
}

bool has_legacy_soap(const Profile& profile, const Management& management) {
  return profile.legacy_soap && management.setting("AMT_GeneralSettings", "WsmanOnlyMode") != "true";
}

LegacyAnswer answer_legacy(std::string_view path, std::string_view envelope, const Profile& profile,
                           Management& management, Management::Surroundings& around, TimePoint now) {
  const Service* service = find(path);
  if (service == nullptr) return fault("no such service");
  const Result<wsman::Document> document = wsman::Document::parse(envelope);
  if (!document) return fault("the request is no SOAP envelope");
  const pugi::xml_node call = wsman::first_element(document->body());
  const std::string_view name = wsman::local_name(call);
  const Instance in = wsman::read_instance(call);
  for (const Method& m : service->methods) {
    if (m.run == nullptr || m.name != name) continue;
    const Output out = m.run({in, profile, management, around, now});
    const std::string space = std::string(kNamespaces) + std::string(service->word) + "/2004/01";
    XmlWriter xml;
    xml.open("a:Envelope", {{"xmlns:a", kEnvelope}, {"xmlns:b", space}});
    xml.open("a:Body");
    xml.open("b:" + std::string(name) + "Response");
    xml.leaf("b:Status", std::to_string(out.status));
    for (const auto& [key, value] : out.values) xml.leaf("b:" + std::string(key), value);
    for (int i = 0; i < 3; ++i) xml.close();
    std::string what(name);
    if (const auto command = in.number("Command")) what += " " + std::to_string(*command);
    return {200, declared(xml), what};
  }
  return fault("no such method in this service");
}

}  // namespace amtgate::sim
