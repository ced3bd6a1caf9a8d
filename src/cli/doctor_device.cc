#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <variant>

#include "amtgate/cli/doctor.h"
#include "amtgate/device/dialer.h"
#include "amtgate/net/loop.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

// The steps of one opening, in order; each is a check. The fourth is named for what is opened.
enum Step : std::size_t { kReachable, kTls, kCertificate, kFeature, kCredentials, kOpen };

const char* check_name(std::size_t step, Service service) {
  switch (step) {
    case kReachable: return "reachable";
    case kTls: return "tls";
    case kCertificate: return "certificate";
    case kFeature: return service == Service::Vnc ? "kvm" : service == Service::Sol ? "sol" : "ider";
    case kCredentials: return "credentials";
    default: return "kvm-open";
  }
}

// Connect, TLS and login have deadlines of their own; this only ends a loop that should have ended by itself.
constexpr Duration kPatience = seconds(60);

/// What is remembered of certificates, in a folder of our own: looking must not make the daemon trust anything, and a
/// file written by root would be out of the daemon's reach.
class Scratch {
 public:
  explicit Scratch(const std::string& state) {
    char pattern[] = "/tmp/amtgate-doctor.XXXXXX";
    if (::mkdtemp(pattern) == nullptr) return;
    folder_ = pattern;
    const Result<std::string> known = sys::read_file(state + "/known_certificates", 64 * 1024 * 1024);
    if (known) (void)sys::write_file(folder_ + "/known_certificates", *known, 0600).has_value();
  }
  ~Scratch() {
    if (folder_.empty()) return;
    ::unlink((folder_ + "/known_certificates").c_str());
    ::rmdir(folder_.c_str());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

/// Which step a failure of the dialer belongs to.
std::size_t step_of(const device::Failure& failure) {
  if (failure.stage == "connect") return kReachable;
  if (failure.stage == "tls") return kTls;
  if (failure.stage == "trust") return kCertificate;
  if (failure.stage == "session start") return kFeature;
  return failure.stage == "KVM open" ? kOpen : kCredentials;
}

std::string remedy(std::size_t step, const config::Target& target) {
  switch (step) {
    case kReachable:
      return "check that the machine has power and is on the network, that `amt` and `interface` of this target are "
             "right, and that AMT's redirection listener is on";
    case kTls: return "try tls = auto; for old firmware tls_min = 1.0";
    case kCertificate:
      return fmt::format(
          "compare the certificate's fingerprint with the machine's; then write it as tls_pin, or forget "
          "the old one: amtgate known forget {}",
          target.name);
    case kFeature:
      return "switch the feature on in AMT's set-up (MEBx) or by configuration; end the session that holds it";
    case kCredentials:
      return fmt::format(
          "check username and password of this target ('{}'); AMT locks an account after some wrong "
          "logins, so wait before trying again",
          target.username);
    default: return "switch KVM on in AMT's set-up (MEBx), and its listener (AMT_KVM redirection) by configuration";
  }
}

std::optional<IpAddress> address_of(const config::Target& target, const Facts& facts) {
  const config::Host* host = target.amt ? &*target.amt : target.address.empty() ? nullptr : &target.address.front();
  if (host == nullptr) return std::nullopt;
  if (const auto* network = std::get_if<Network>(host)) return sample(*network);
  const auto known = facts.names.find(std::get<std::string>(*host));
  if (known == facts.names.end() || known->second.empty()) return std::nullopt;
  return known->second.front();
}

void report(const config::Target& target, Service service,
            const std::variant<device::Opened, device::Failure>& outcome, std::vector<Check>& out) {
  const auto add = [&](std::size_t step, Check::State state, std::string text, std::string mend = {}) {
    out.push_back({check_name(step, service), target.name, state, std::move(text), std::move(mend)});
  };
  const char* const feature = service == Service::Vnc ? "KVM" : service == Service::Sol ? "serial over LAN" : "IDE-R";
  const std::size_t last = service == Service::Vnc ? kOpen : kCredentials;
  if (const auto* opened = std::get_if<device::Opened>(&outcome)) {
    add(kReachable, Check::State::Pass, opened->device.to_string() + " answers");
    if (opened->tls.empty()) {
      add(kTls, Check::State::Pass, "plain, without TLS");
      add(kCertificate, Check::State::Skip, "no TLS, no certificate");
    } else {
      add(kTls, Check::State::Pass, opened->tls);
      add(kCertificate, Check::State::Pass,
          opened->trust == "first_use"
              ? "not seen before: it is trusted at first use; tls_pin or tls_ca makes it certain"
              : "trusted by " + opened->trust);
    }
    add(kFeature, Check::State::Pass, std::string(feature) + " is offered");
    add(kCredentials, Check::State::Pass, fmt::format("user '{}' is let in ({})", target.username, opened->method));
    if (last == kOpen) add(kOpen, Check::State::Pass, "KVM opens");
    return;
  }
  const auto& failure = std::get<device::Failure>(outcome);
  const std::size_t failed = step_of(failure);
  for (std::size_t step = 0; step < failed; ++step) add(step, Check::State::Pass, "done");
  // Somebody works there now: the machine is well.
  if (failure.error.code == Errc::Busy) {
    add(failed, Check::State::Skip, failure.error.detail);
  } else {
    add(failed, Check::State::Fail, failure.error.detail, remedy(failed, target));
  }
  for (std::size_t step = failed + 1; step <= last; ++step) add(step, Check::State::Skip, "not reached");
}

}  // namespace

std::vector<Check> try_targets(const config::Config& config, const Facts& facts,
                               const std::vector<std::string>& targets) {
  std::vector<Check> out;
  const auto whole = [&out](Check::State state, const std::string& about, std::string text, std::string mend = {}) {
    out.push_back({"reachable", about, state, std::move(text), std::move(mend)});
  };
  if (!facts.admin) {
    whole(Check::State::Skip, "", "AMT machines are not asked without root: our own rules would catch the question");
    return out;
  }
  Result<std::unique_ptr<net::Loop>> loop = net::Loop::create();
  const Scratch scratch(config.gateway.state);
  if (!loop || scratch.folder().empty()) {
    whole(Check::State::Skip, "", "AMT machines are not asked: no event loop, or /tmp cannot be written");
    return out;
  }
  device::DialerOptions options;
  options.state = scratch.folder();
  options.mark = config.intercept.mark + 1;
  device::Dialer dialer(options);
  for (const config::Target& target : config.targets) {
    if (!targets.empty() && std::ranges::find(targets, target.name) == targets.end()) continue;
    const std::optional<IpAddress> address = address_of(target, facts);
    if (!address) {
      whole(Check::State::Skip, target.name, "its name does not resolve");
      continue;
    }
    if (target.client_auth == config::ClientAuth::Passthrough && target.password.empty()) {
      whole(Check::State::Skip, target.name, "client_auth = passthrough: there are no credentials to try");
      continue;
    }
    // KVM shows most: it needs all that the others need, and its own switch.
    const Service service = target.serves(Service::Vnc)   ? Service::Vnc
                            : target.serves(Service::Sol) ? Service::Sol
                                                          : Service::Ider;
    std::optional<std::variant<device::Opened, device::Failure>> outcome;
    device::Request request;
    request.target = std::make_shared<const config::Target>(target);
    request.address = *address;
    request.service = service;
    std::unique_ptr<device::Opening> opening =
        dialer.open(**loop, std::move(request), [&outcome](auto done) { outcome = std::move(done); });
    const TimePoint give_up = sys::now() + kPatience;
    while (!outcome && sys::now() < give_up) (*loop)->run_once(milliseconds(200));
    opening.reset();
    if (!outcome) {
      whole(Check::State::Fail, target.name, "no answer within a minute", remedy(kReachable, target));
      continue;
    }
    report(target, service, *outcome, out);
    outcome.reset();
    (*loop)->run_once(milliseconds(0));
  }
  return out;
}

}  // namespace amtgate::cli
