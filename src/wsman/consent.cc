#include "amtgate/wsman/consent.h"

#include <algorithm>
#include <array>

namespace amtgate::wsman {
namespace {

constexpr const char* kService = "IPS_OptInService";

Result<void> call(Caller& machine, std::string_view method, Instance in = Instance(kService)) {
  const Result<Instance> done = invoke(machine, method, std::move(in));
  if (!done) return done.error();
  return {};
}

}  // namespace

std::string_view policy_name(const Consent& c) {
  return c.policy == 0 ? "none" : c.policy == 1 ? "kvm" : "all";
}

std::string_view state_name(const Consent& c) {
  constexpr std::array<std::string_view, 5> kNames = {"not started", "requested", "displayed", "given", "in session"};
  return kNames[static_cast<std::size_t>(c.state)];
}

Result<Consent> read_consent(Caller& machine) {
  const Result<Instance> i = get(machine, kService);
  if (!i && i.error().code == Errc::Unsupported) {
    return Error{Errc::Unsupported, "its firmware does not ask for consent (before AMT 6)"};
  }
  if (!i) return i.error();
  const auto policy = i->number("OptInRequired"), state = i->number("OptInState");
  if (!policy || !state || *state > 4) return Error{Errc::BadValue, "IPS_OptInService without its state"};
  Consent out;
  out.policy = *policy;
  out.state = static_cast<Consent::State>(*state);
  out.can_modify = i->boolean("CanModifyOptInPolicy").value_or(false);
  out.code_seconds = i->number("OptInCodeTimeout").value_or(0);
  return out;
}

Result<Consent> start_consent(Caller& machine) {
  const Result<Consent> now = read_consent(machine);
  if (!now || now->given()) return now;
  if (now->policy == 0) return Error{Errc::Refused, "its user is not asked (policy none); there is nothing to start"};
  if (now->state != Consent::State::NotStarted) {
    if (const Result<void> done = call(machine, "CancelOptIn"); !done) return done.error();
  }
  if (const Result<void> done = call(machine, "StartOptIn"); !done) return done.error();
  return read_consent(machine);
}

Result<Consent> send_consent_code(Caller& machine, std::string_view code) {
  const bool digits = code.size() == 6 && std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return Error{Errc::BadValue, "a code that is no six digits"};
  const Result<Consent> before = read_consent(machine);
  if (!before || before->given()) return before;
  if (before->state == Consent::State::NotStarted) {
    return Error{Errc::Refused, "it shows no code; `amtgate consent start` makes it show one"};
  }
  Instance in(kService);
  // A number on the wire: no noughts in front.
  const std::size_t first = std::min(code.find_first_not_of('0'), code.size() - 1);
  in.add("OptInCode", std::string(code.substr(first)));
  const Result<void> done = call(machine, "SendOptInCode", std::move(in));
  if (!done && done.error().code != Errc::Refused) return done.error();
  const Result<Consent> after = read_consent(machine);
  if (!after || after->given()) return after;
  if (done) return Error{Errc::Refused, "it took the code, and is " + std::string(state_name(*after))};
  return Error{Errc::Refused,
               after->state == Consent::State::Displayed
                   ? "wrong code; it still shows one, try again"
                   : "wrong code, and the last try; `amtgate consent start` makes it show another one"};
}

Result<Consent> cancel_consent(Caller& machine) {
  const Result<Consent> now = read_consent(machine);
  if (!now || now->state == Consent::State::NotStarted) return now;
  if (const Result<void> done = call(machine, "CancelOptIn"); !done) return done.error();
  return read_consent(machine);
}

}  // namespace amtgate::wsman
