#include "amtgate/wsman/inventory.h"

#include <algorithm>
#include <array>
#include <utility>

namespace amtgate::wsman {
namespace {

struct Kind {
  std::string_view class_name, kind;
};
constexpr std::array<Kind, 8> kKinds = {{{"CIM_Chassis", "chassis"},
                                         {"CIM_Card", "board"},
                                         {"CIM_BIOSElement", "bios"},
                                         {"CIM_Processor", "processor"},
                                         {"CIM_PhysicalMemory", "memory"},
                                         {"CIM_MediaAccessDevice", "disk"},
                                         {"CIM_Battery", "battery"},
                                         {"CIM_PowerSupply", "power supply"}}};

/// BIOSes fill fields up with blanks.
std::string text_of(const Instance& i, std::string_view name) {
  std::string_view t = i.text(name).value_or("");
  while (!t.empty() && t.front() == ' ') t.remove_prefix(1);
  while (!t.empty() && t.back() == ' ') t.remove_suffix(1);
  return std::string(t);
}

template <std::size_t N>
std::string word(const std::array<std::pair<std::uint64_t, std::string_view>, N>& words,
                 const std::optional<std::uint64_t>& number) {
  for (const auto& [n, text] : words) {
    if (number == n) return std::string(text);
  }
  return "";
}

std::string memory_details(const Instance& i) {
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 9> kTypes = {{{18, "DDR"},
                                                                                 {19, "DDR2"},
                                                                                 {24, "DDR3"},
                                                                                 {26, "DDR4"},
                                                                                 {27, "LPDDR"},
                                                                                 {29, "LPDDR3"},
                                                                                 {30, "LPDDR4"},
                                                                                 {34, "DDR5"},
                                                                                 {35, "LPDDR5"}}};
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 3> kForms = {
      {{9, "DIMM"}, {11, "row of chips"}, {13, "SODIMM"}}};
  const std::string type = word(kTypes, i.number("MemoryType")), form = word(kForms, i.number("FormFactor"));
  return type + (type.empty() || form.empty() ? "" : " ") + form;
}

Part part_of(std::string_view kind, const Instance& i) {
  Part p;
  p.kind = kind;
  p.maker = text_of(i, "Manufacturer");
  p.model = text_of(i, "Model");
  p.serial = text_of(i, "SerialNumber");
  p.version = text_of(i, "Version");
  if (kind == "bios") p.details = text_of(i, "ReleaseDate").substr(0, 10);
  if (kind == "processor" || kind == "disk" || kind == "battery" || kind == "power supply") {
    p.name = text_of(i, "DeviceID");
  }
  if (kind == "processor") p.mhz = i.number("MaxClockSpeed");
  if (kind == "memory") {
    p.name = text_of(i, "BankLabel");
    p.model = text_of(i, "PartNumber");
    p.bytes = i.number("Capacity");
    p.mhz = i.number("ConfiguredMemoryClockSpeed");
    if (!p.mhz || *p.mhz == 0) p.mhz = i.number("MaxMemorySpeed");
    p.details = memory_details(i);
  }
  constexpr std::uint64_t kMostKilobytes = UINT64_MAX / 1000;
  const auto kilobytes = i.number("MaxMediaSize");
  if (kind == "disk" && kilobytes && *kilobytes <= kMostKilobytes) p.bytes = *kilobytes * 1000;
  return p;
}

}  // namespace

Result<std::vector<Part>> read_inventory(Caller& machine) {
  std::vector<Part> out;
  std::optional<Error> refused;
  const auto items = [&](std::string_view class_name) -> Result<std::vector<Item>> {
    Result<std::vector<Item>> some = enumerate(machine, class_name);
    if (some || (some.error().code != Errc::Unsupported && some.error().code != Errc::Refused)) return some;
    if (some.error().code == Errc::Refused && !refused) refused = some.error();
    return std::vector<Item>();
  };
  for (const Kind& k : kKinds) {
    const Result<std::vector<Item>> some = items(k.class_name);
    if (!some) return some.error();
    for (const Item& item : *some) out.push_back(part_of(k.kind, item.instance));
  }
  // A processor's name on the market is its chip's version.
  const Result<std::vector<Item>> chips = items("CIM_Chip");
  if (!chips) return chips.error();
  for (const Item& item : *chips) {
    const std::string tag = text_of(item.instance, "Tag");
    for (Part& p : out) {
      if (p.kind != "processor" || p.name != tag) continue;
      p.model = text_of(item.instance, "Version");
      if (p.maker.empty()) p.maker = text_of(item.instance, "Manufacturer");
    }
  }
  if (out.empty() && refused) return *refused;
  return out;
}

}  // namespace amtgate::wsman
