// consent: of the users who sit at the machines.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "amtgate/cli/actions.h"
#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/cli/terminal.h"
#include "amtgate/wsman/consent.h"

namespace amtgate::cli {
namespace {

std::string advice(const wsman::Consent& c) {
  using enum wsman::Consent::State;
  if (c.state == Requested) return "it is off, and shows the digits when it is on: `amtgate power on`";
  if (c.state != Displayed) return "";
  const std::string limit = c.code_seconds > 0 ? " for " + std::to_string(c.code_seconds) + " s" : "";
  return "its screen shows six digits" + limit + ": `amtgate consent code DIGITS`";
}

Result<Row> row(const Result<wsman::Consent>& c) {
  if (!c) return c.error();
  nlohmann::json json = {
      {"policy", policy_name(*c)}, {"state", state_name(*c)}, {"given", c->given()}, {"can_modify", c->can_modify}};
  json["code_seconds"] = c->code_seconds > 0 ? nlohmann::json(c->code_seconds) : nlohmann::json();
  return Row{{std::string(policy_name(*c)), std::string(state_name(*c)), advice(*c)},
             std::make_shared<nlohmann::json>(std::move(json))};
}

const std::vector<std::string>& heading() {
  static const std::vector<std::string> kHeading = {"POLICY", "CONSENT", "NOTE"};
  return kHeading;
}

Run simple(CLI::App& app, const Common& common, Result<wsman::Consent> (*act)(wsman::Caller&)) {
  const auto fleet = add_fleet_options(app);
  return [&common, fleet, act] {
    return run_fleet(common, *fleet, heading(), [act](wsman::Caller& machine) { return row(act(machine)); });
  };
}

Run code(CLI::App& app, const Common& common) {
  const auto digits = std::make_shared<std::string>();
  app.add_option("DIGITS", *digits, "what the machine's screen shows; - to be asked for it")->required();
  const auto fleet = add_fleet_options(app);
  return [&common, digits, fleet] {
    if (*digits == "-") {
      const Result<std::string> typed = ask_secret("Six digits: ");
      if (!typed) return fail(kUsage, typed.error().detail);
      *digits = *typed;
    }
    if (digits->size() != 6 || digits->find_first_not_of("0123456789") != std::string::npos) {
      return fail(kUsage, "the code is the six digits that the machine's screen shows");
    }
    return run_fleet(common, *fleet, heading(),
                     [digits](wsman::Caller& machine) { return row(wsman::send_consent_code(machine, *digits)); });
  };
}

}  // namespace

Run consent_command(CLI::App& app, const Common& common) {
  Actions actions(app);
  actions.add("state", "whether users are asked, and have consented",
              [&](CLI::App& a) { return simple(a, common, wsman::read_consent); });
  actions.add("start", "ask: the machine's screen shows six digits",
              [&](CLI::App& a) { return simple(a, common, wsman::start_consent); });
  actions.add("code", "the digits that the user told", [&](CLI::App& a) { return code(a, common); });
  actions.add("cancel", "ask no more, and take back what was given",
              [&](CLI::App& a) { return simple(a, common, wsman::cancel_consent); });
  return actions.run();
}

}  // namespace amtgate::cli
