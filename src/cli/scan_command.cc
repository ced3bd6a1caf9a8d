// scan: AMT machines in a network.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "amtgate/cli/address_ranges.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/scan.h"
#include "amtgate/cli/scanner.h"
#include "amtgate/cli/terminal.h"
#include "amtgate/config/load.h"

namespace amtgate::cli {
namespace {

constexpr unsigned kMaxRate = 1000;

struct Wanted {
  std::vector<std::string> networks;
  unsigned rate = 50;
  bool yes = false;
};

/// The configuration, where whoever asks may read it: a scan is of use without.
config::Config known(const Common& common) {
  config::Parsed parsed = config::load(common.config);
  return parsed.config ? std::move(*parsed.config) : config::Config{};
}

/// The target that clients mean with this address, or whose AMT is there.
std::string target_at(const config::Config& config, const IpAddress& address) {
  const auto is = [&](const config::Host& host) {
    const auto* network = std::get_if<Network>(&host);
    return network != nullptr && network->contains(address);
  };
  for (const config::Target& target : config.targets) {
    if (target.amt ? is(*target.amt) : std::ranges::any_of(target.address, is)) return target.name;
  }
  return {};
}

class Progress {
 public:
  ~Progress() {
    if (drawn_) std::fputs("\r\033[K", stderr);
  }
  void operator()(std::size_t done, std::size_t all, std::size_t found) {
    if (!shown_ || (done == done_ && found == found_)) return;
    done_ = done;
    found_ = found;
    drawn_ = true;
    draw_line(std::to_string(done) + " of " + std::to_string(all) + " addresses, " + std::to_string(found) +
              " found");
  }

 private:
  const bool shown_ = ::isatty(STDERR_FILENO) != 0;
  bool drawn_ = false;
  std::size_t done_ = SIZE_MAX, found_ = 0;
};

void print(const Common& common, const std::map<IpAddress, Found>& found, const config::Config& config) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  std::vector<std::vector<std::string>> rows = {{"ADDRESS", "AMT", "SET UP", "PORTS", "PING", "TARGET"}};
  for (const auto& [address, f] : found) {
    const std::string target = target_at(config, address);
    std::string ports;
    nlohmann::ordered_json numbers = nlohmann::ordered_json::array();
    for (const Port port : f.ports) {
      ports += (ports.empty() ? "" : " ") + std::to_string(port.value);
      numbers.push_back(port.value);
    }
    const std::string product = f.banner ? f.banner->product : std::string();
    json.push_back({{"address", address.to_string()},
                    {"version", version_of(f)},
                    {"provisioning", provisioning_of(f)},
                    {"ports", std::move(numbers)},
                    {"rmcp", f.pong.has_value()},
                    {"product", product},
                    {"target", target.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(target)}});
    rows.push_back({address.to_string(), version_of(f), provisioning_of(f), ports, f.pong ? "yes" : "no", target});
  }
  if (common.json) {
    std::puts(json.dump().c_str());
  } else if (rows.size() > 1) {
    std::fputs(table(rows).c_str(), stdout);
  }
}

int run_scan(const Common& common, const Wanted& wanted) {
  std::vector<AddressRange> ranges;
  std::uint64_t all = 0;
  for (const std::string& text : wanted.networks) {
    const Result<AddressRange> range = parse_address_range(text);
    if (!range) return fail(kUsage, range.error().detail);
    all += range->count;
    ranges.push_back(*range);
  }
  if (all > kManyAddresses && !wanted.yes) {
    return fail(kUsage, "these are " + std::to_string(all) + " addresses, " +
                            human_duration(static_cast<std::int64_t>(all / wanted.rate)) + " at --rate " +
                            std::to_string(wanted.rate) + "; --yes scans them all the same");
  }
  const Result<std::vector<IpAddress>> addresses = addresses_of(ranges);
  if (!addresses) return fail(kUsage, addresses.error().detail);
  const config::Config config = known(common);
  ScanOptions options;
  options.rate = wanted.rate;
  // The mark keeps our own rules from catching this: the machines answer, not the gateway. Only root may set one.
  if (::geteuid() == 0) {
    options.mark = config.intercept.mark + 1;
  } else {
    std::fputs(
        "amtgate: not root: where this host's gateway catches its own connections, it answers for its targets\n",
        stderr);
  }
  Result<std::map<IpAddress, Found>> found = std::map<IpAddress, Found>{};
  {
    Progress progress;
    found = scan(*addresses, options, std::ref(progress));
  }
  if (!found) return fail(exit_code(found.error().code), "scan: " + found.error().detail);
  print(common, *found, config);
  if (!common.json) {
    std::fprintf(stderr, "%zu of %zu addresses have AMT\n", found->size(), addresses->size());
  }
  return kDone;
}

}  // namespace

Run scan_command(CLI::App& app, const Common& common) {
  const auto wanted = std::make_shared<Wanted>();
  app.add_option("NET", wanted->networks, "192.0.2.0/24, 192.0.2.10-20, 192.0.2.10 or 2001:db8::1")->required();
  app.add_option("--rate", wanted->rate, "addresses a second (50)")
      ->option_text("N")
      ->check(CLI::Range(1U, kMaxRate));
  app.add_flag("--yes", wanted->yes, "also where there are more than 65536 addresses");
  return [&common, wanted] { return run_scan(common, *wanted); };
}

}  // namespace amtgate::cli
