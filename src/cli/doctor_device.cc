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

// Byte 1 of the reply to a session's start (redir::StartStatus).
constexpr std::uint8_t kConsentRequired = 5;

const char* short_name(Service service) {
  return service == Service::Vnc ? "kvm" : service == Service::Sol ? "sol" : "ider";
}
const char* long_name(Service service) {
  return service == Service::Vnc ? "KVM" : service == Service::Sol ? "serial over LAN" : "IDE-R";
}

const char* check_name(std::size_t step, Service service) {
  switch (step) {
    case kReachable: return "reachable";
    case kTls: return "tls";
    case kCertificate: return "certificate";
    case kFeature: return short_name(service);
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

std::string remedy(std::size_t step, const config::Target& target, Service service) {
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
      if (service == Service::Vnc) {
        return "switch KVM on in AMT's set-up (MEBx: Redirection features, KVM) or by configuration "
               "(CIM_KVMRedirectionSAP); Standard Manageability has none: then take vnc out of this target's "
               "services";
      }
      return fmt::format(
          "switch {} on in AMT's set-up (MEBx: Redirection features) or by configuration "
          "(AMT_RedirectionService), or take {} out of this target's services",
          long_name(service), short_name(service));
    case kCredentials:
      return fmt::format(
          "check username and password of this target ('{}'); AMT locks an account after some wrong "
          "logins, so wait before trying again",
          target.username);
    default: return "switch KVM on in AMT's set-up (MEBx: Redirection features, KVM) or by configuration";
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

/// How far asking a machine for one service went.
enum class Asked { Opened, FeatureMissing, Failed };

/// One service's opening as checks. That steps before `told` went well an earlier service of the machine has told.
Asked report(const config::Target& target, Service service, const control::TargetStatus& daemon,
             const std::variant<device::Opened, device::Failure>& outcome, std::size_t told,
             std::vector<Check>& out) {
  const auto add = [&](std::size_t step, Check::State state, std::string text, std::string mend = {}) {
    if (state == Check::State::Pass && step < told && step != kFeature) return;
    out.push_back({check_name(step, service), target.name, state, std::move(text), std::move(mend)});
  };
  const std::size_t last = service == Service::Vnc ? kOpen : kCredentials;
  if (const auto* opened = std::get_if<device::Opened>(&outcome)) {
    add(kReachable, Check::State::Pass, opened->device.to_string() + " answers");
    if (opened->tls.empty()) {
      add(kTls, Check::State::Pass, "plain, without TLS");
      if (told == 0) add(kCertificate, Check::State::Skip, "no TLS, no certificate");
    } else {
      add(kTls, Check::State::Pass, opened->tls);
      add(kCertificate, Check::State::Pass,
          opened->trust == "first_use"
              ? "not seen before: it is trusted at first use; tls_pin or tls_ca makes it certain"
              : "trusted by " + opened->trust);
    }
    add(kFeature, Check::State::Pass, std::string(long_name(service)) + " is offered");
    if (daemon.login_refusals > 0 && told < kOpen) {
      // The daemon has read others, or the machine's were changed since.
      add(kCredentials, Check::State::Fail,
          fmt::format("user '{}' is let in ({}), but the daemon was not: {}", target.username, opened->method,
                      daemon.detail),
          "amtgate reload: the daemon reads the configuration again and forgets what was refused");
      if (last == kOpen) add(kOpen, Check::State::Pass, "KVM opens");
      return Asked::Opened;
    }
    add(kCredentials, Check::State::Pass, fmt::format("user '{}' is let in ({})", target.username, opened->method));
    if (last == kOpen) add(kOpen, Check::State::Pass, "KVM opens");
    return Asked::Opened;
  }
  const auto& failure = std::get<device::Failure>(outcome);
  const std::size_t failed = step_of(failure);
  for (std::size_t step = 0; step < failed; ++step) add(step, Check::State::Pass, "done");
  const bool feature =
      failed == kFeature && failure.error.code != Errc::Closed && failure.error.code != Errc::Timeout;
  if (failure.error.code == Errc::Busy) {
    // Somebody works there now: the machine is well.
    add(failed, Check::State::Skip, failure.error.detail);
  } else if (feature && failure.start_status == kConsentRequired) {
    out.push_back({"consent", target.name, Check::State::Fail, failure.error.detail,
                   "let the user at the machine enter consent when it is asked for, or (in admin control mode) set "
                   "IPS_OptInService OptInRequired to 0"});
  } else {
    std::string text = failure.error.detail;
    if (failed == kCredentials && daemon.login_refusals > 0) text += "; the daemon: " + daemon.detail;
    add(failed, Check::State::Fail, std::move(text), remedy(failed, target, service));
  }
  if (feature) return Asked::FeatureMissing;
  for (std::size_t step = failed + 1; step <= last; ++step) add(step, Check::State::Skip, "not reached");
  return Asked::Failed;
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
    std::size_t told = 0;
    for (const Service service : {Service::Vnc, Service::Sol, Service::Ider}) {
      if (!target.serves(service)) continue;
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
        whole(Check::State::Fail, target.name, "no answer within a minute", remedy(kReachable, target, service));
        break;
      }
      const auto status = facts.daemon.targets.find(target.name);
      const Asked asked =
          report(target, service, status == facts.daemon.targets.end() ? control::TargetStatus{} : status->second,
                 *outcome, told, out);
      outcome.reset();
      (*loop)->run_once(milliseconds(0));
      // A machine that refused the login is not asked again: AMT locks accounts.
      if (asked == Asked::Failed) {
        told = kOpen;
        break;
      }
      told = asked == Asked::Opened ? kOpen : std::max<std::size_t>(told, kFeature);
    }
    if (told == kFeature) {
      out.push_back({"credentials", target.name, Check::State::Skip, "no session was offered to log in to", {}});
    }
  }
  return out;
}

}  // namespace amtgate::cli
