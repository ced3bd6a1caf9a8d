#include "amtgate/cli/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "amtgate/sys/log.h"

namespace amtgate::cli {

std::string to_text(const std::vector<Check>& checks, bool all) {
  std::string out;
  std::size_t failed = 0;
  std::size_t skipped = 0;
  std::size_t passed = 0;
  for (const Check& check : checks) {
    passed += check.state == Check::State::Pass;
    failed += check.state == Check::State::Fail;
    skipped += check.state == Check::State::Skip;
    if (check.state != Check::State::Fail && !all) continue;
    const char* const word = check.state == Check::State::Fail ? "FAIL" : name(check.state);
    const std::string what = check.name + (check.about.empty() ? "" : " (" + check.about + ")");
    out += fmt::format("{}  {}: {}\n", word, what, check.text);
    if (!check.remedy.empty()) out += fmt::format("      -> {}\n", check.remedy);
  }
  return out + fmt::format("{} passed, {} failed, {} skipped\n", passed, failed, skipped);
}

std::string to_json(const std::vector<Check>& checks) {
  nlohmann::json out = nlohmann::json::array();
  for (const Check& check : checks) {
    out.push_back({{"check", check.name},
                   {"about", check.about},
                   {"state", name(check.state)},
                   {"text", check.text},
                   {"remedy", check.remedy}});
  }
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

int doctor(const config::Config& config, const DoctorOptions& options) {
  for (const std::string& wanted : options.targets) {
    if (config.find(wanted) != nullptr) continue;
    std::fprintf(stderr, "amtgate: doctor: there is no target '%s' in the configuration\n", wanted.c_str());
    return 2;
  }
  const Facts facts = gather(config);
  std::vector<Check> checks = judge(config, facts);
  if (!options.local_only) {
    // What the dialer tells the daemon's log is in the checks.
    log::set_level(log::Level::Error);
    for (Check& check : try_targets(config, facts, options.targets)) checks.push_back(std::move(check));
  }
  std::fputs((options.json ? to_json(checks) : to_text(checks, true)).c_str(), stdout);
  return std::ranges::any_of(checks, [](const Check& c) { return c.state == Check::State::Fail; }) ? 1 : 0;
}

}  // namespace amtgate::cli
