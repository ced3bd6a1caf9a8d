// inventory: what machines are made of.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "amtgate/cli/care_commands.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/wsman/inventory.h"

namespace amtgate::cli {
namespace {

std::string size_word(const wsman::Part& p) {
  if (!p.bytes) return "";
  if (p.kind == "memory") return human_bytes(*p.bytes);
  // Disks are sold in powers of ten.
  char text[32];
  std::snprintf(text, sizeof text, "%.0f GB", static_cast<double>(*p.bytes) / 1e9);
  return text;
}

Row row(const std::vector<wsman::Part>& parts) {
  Row out;
  nlohmann::json list = nlohmann::json::array();
  for (const wsman::Part& p : parts) {
    std::string details = p.details;
    const auto add = [&](const std::string& more) {
      if (!more.empty()) details += (details.empty() ? "" : ", ") + more;
    };
    if (p.mhz && *p.mhz > 0) add(std::to_string(*p.mhz) + " MHz");
    if (!p.version.empty()) add("version " + p.version);
    out.more.push_back({p.kind, p.name, size_word(p), p.maker, p.model, p.serial, details});
    nlohmann::json part = {{"kind", p.kind},     {"name", p.name},       {"maker", p.maker},    {"model", p.model},
                           {"serial", p.serial}, {"version", p.version}, {"details", p.details}};
    part["bytes"] = p.bytes ? nlohmann::json(*p.bytes) : nlohmann::json();
    part["mhz"] = p.mhz ? nlohmann::json(*p.mhz) : nlohmann::json();
    list.push_back(std::move(part));
  }
  out.json = std::make_shared<nlohmann::json>(nlohmann::json{{"parts", std::move(list)}});
  return out;
}

}  // namespace

Run inventory_command(CLI::App& app, const Common& common) {
  const auto fleet = add_fleet_options(app);
  return [&common, fleet] {
    return run_fleet(common, *fleet, {"PART", "NAME", "SIZE", "MAKER", "MODEL", "SERIAL", "DETAILS"},
                     [](wsman::Caller& machine) -> Result<Row> {
                       const Result<std::vector<wsman::Part>> parts = wsman::read_inventory(machine);
                       if (!parts) return parts.error();
                       return row(*parts);
                     });
  };
}

}  // namespace amtgate::cli
