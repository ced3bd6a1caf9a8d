#include "amtgate/wsman/feature_setup.h"

namespace amtgate::wsman {
namespace {

constexpr std::uint64_t kIder = 1, kSol = 2, kBase = 32768;
constexpr std::uint64_t kConsentNone = 0, kConsentAll = 0xffffffff;

class Setter {
 public:
  Setter(Caller& machine, const FeatureWish& wish, bool only_look)
      : machine_(machine), wish_(wish), only_look_(only_look) {}

  Result<FeatureChanges> run() {
    Result<void> done = redirection();
    if (done && wish_.kvm) done = kvm();
    if (done) done = consent();
    if (done) return std::move(out_);
    std::string before;
    for (const std::string& c : out_.changes) before += (before.empty() ? " (done before: " : "; ") + c;
    if (!before.empty() && !only_look_) before += ")";
    return Error{done.error().code, done.error().detail + (only_look_ ? "" : before)};
  }

 private:
  Result<void> redirection() {
    Result<Instance> service = get(machine_, "AMT_RedirectionService");
    if (!service) return service.error();
    const std::uint64_t now = service->number("EnabledState").value_or(kBase);
    const std::uint64_t wanted = now | (wish_.ider ? kIder : 0) | (wish_.sol ? kSol : 0);
    if (wanted != now) {
      Instance in("AMT_RedirectionService");
      in.add("RequestedState", std::to_string(wanted));
      const Result<void> done =
          change(std::string((wanted & ~now & kSol) != 0 ? "serial console" : "") +
                     ((wanted & ~now) == (kSol | kIder) ? " and " : "") +
                     ((wanted & ~now & kIder) != 0 ? "drives" : "") + ": off -> on",
                 [&]() -> Result<Instance> { return invoke(machine_, "RequestStateChange", in); });
      if (!done) return done;
      service->set("EnabledState", std::to_string(wanted));
    }
    if (service->boolean("ListenerEnabled") == true) return {};
    service->set("ListenerEnabled", "true");
    return change("redirection listener: off -> on", [&] { return put(machine_, *service); });
  }

  Result<void> kvm() {
    const Result<Instance> sap = get(machine_, "CIM_KVMRedirectionSAP");
    if (!sap && sap.error().code == Errc::Unsupported) {
      return Error{Errc::Unsupported, "its firmware has no KVM (Standard Manageability)"};
    }
    if (!sap) return sap.error();
    const auto state = sap->number("EnabledState");
    if (state == 2U || state == 6U) return {};
    const Result<Instance> data = get(machine_, "IPS_KVMRedirectionSettingData");
    if (data && data->boolean("EnabledByMEBx") == false) {
      return Error{Errc::Refused,
                   "KVM is switched off in the firmware's own set-up (MEBx); only there it can be "
                   "switched on"};
    }
    Instance in("CIM_KVMRedirectionSAP");
    in.add("RequestedState", "2");
    return change("KVM: off -> on", [&] { return invoke(machine_, "RequestStateChange", in); });
  }

  Result<void> consent() {
    Result<Instance> service = get(machine_, "IPS_OptInService");
    if (!service && service.error().code == Errc::Unsupported) return {};  // before AMT 6 nobody is asked
    if (!service) return service.error();
    const std::uint64_t needed = service->number("OptInRequired").value_or(kConsentNone);
    const bool matters = needed == kConsentAll || (wish_.kvm && needed != kConsentNone);
    if (!matters) return {};
    const std::string what = needed == kConsentAll ? "everything" : "KVM";
    if (!wish_.no_consent) {
      out_.notes.push_back("a user at the machine has to consent to " + what);
      return {};
    }
    if (service->number("CanModifyOptInPolicy") == 0U) {
      return Error{Errc::Refused, "the firmware does not let the consent be switched off (client control mode)"};
    }
    service->set("OptInRequired", "0");
    return change("consent to " + what + ": needed -> not needed", [&] { return put(machine_, *service); });
  }

  template <class Do>
  Result<void> change(std::string what, const Do& make) {
    if (!only_look_) {
      const Result<Instance> done = make();
      if (!done) return done.error();
    }
    out_.changes.push_back(std::move(what));
    return {};
  }

  Caller& machine_;
  const FeatureWish& wish_;
  const bool only_look_;
  FeatureChanges out_;
};

}  // namespace

Result<FeatureChanges> set_features(Caller& machine, const FeatureWish& wish, bool only_look) {
  return Setter(machine, wish, only_look).run();
}

}  // namespace amtgate::wsman
