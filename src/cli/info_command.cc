// info: what machines say of themselves.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "amtgate/cli/commands.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/device/web_client.h"
#include "amtgate/sys/clock.h"
#include "amtgate/wsman/machine_info.h"
#include "amtgate/wsman/power.h"

namespace amtgate::cli {
namespace {

std::string features(const wsman::MachineInfo& i) {
  std::string out;
  const auto add = [&](const std::optional<bool>& on, const char* word) {
    if (on && *on) out += (out.empty() ? "" : " ") + std::string(word);
  };
  add(i.kvm, "kvm");
  add(i.sol, "sol");
  add(i.ider, "ider");
  add(i.port5900, "5900");
  add(i.web_ui, "web");
  if (i.redirection && !*i.redirection) out += (out.empty() ? "" : " ") + std::string("(listener off)");
  return out;
}

std::string tls_word(const wsman::MachineInfo& i) {
  if (!i.tls) return "";
  if (!*i.tls) return "off";
  return std::string(i.mutual.value_or(false) ? "mutual" : "on") + (i.plain_too.value_or(false) ? ", plain too" : "");
}

nlohmann::json to_json(const wsman::MachineInfo& i) {
  nlohmann::json j = {{"version", i.version},
                      {"host_name", i.host_name},
                      {"uuid", i.uuid},
                      {"setup", i.setup},
                      {"power", wsman::power_state_name(i.power)},
                      {"consent", i.consent}};
  const auto add = [&](const char* name, const std::optional<bool>& on) {
    j[name] = on ? nlohmann::json(*on) : nlohmann::json();
  };
  add("redirection", i.redirection);
  add("sol", i.sol);
  add("ider", i.ider);
  add("kvm", i.kvm);
  add("port5900", i.port5900);
  add("web_ui", i.web_ui);
  add("tls", i.tls);
  add("plain_too", i.plain_too);
  add("mutual", i.mutual);
  j["clock_ahead_seconds"] = i.clock_ahead ? nlohmann::json(*i.clock_ahead) : nlohmann::json();
  return j;
}

}  // namespace

Run info_command(CLI::App& app, const Common& common) {
  const auto fleet = add_fleet_options(app);
  return [&common, fleet] {
    return run_fleet(
        common, *fleet, {"VERSION", "POWER", "HOST", "SETUP", "FEATURES", "CONSENT", "TLS", "CLOCK", "UUID"},
        [](wsman::Caller& machine) -> Result<Row> {
          const std::int64_t wall =
              std::chrono::duration_cast<std::chrono::seconds>(sys::wall_now().time_since_epoch()).count();
          const Result<wsman::MachineInfo> i = wsman::machine_info(machine, wall);
          if (!i) return i.error();
          nlohmann::json json = to_json(*i);
          const device::WebRoute route = device::route_of(machine);
          json["device"] = route.device.to_string();
          json["connection"] = route.tls;
          return Row{{i->version, wsman::power_state_name(i->power), i->host_name, i->setup, features(*i), i->consent,
                      tls_word(*i), i->clock_ahead ? clock_word(*i->clock_ahead) : "", i->uuid},
                     std::make_shared<nlohmann::json>(std::move(json))};
        });
  };
}

}  // namespace amtgate::cli
