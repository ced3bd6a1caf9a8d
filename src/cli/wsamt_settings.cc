#include <charconv>

#include "amtgate/cli/wsamt_commands.h"

namespace amtgate::cli {
namespace {

using Arguments = WsamtCommand::Arguments;
using Say = WsamtCommand::Say;
using wsman::Instance;

constexpr const char* kGeneral = "AMT_GeneralSettings";
constexpr const char* kKvm = "IPS_KVMRedirectionSettingData";
constexpr const char* kRedirection = "AMT_RedirectionService";

std::string on_off(bool on) {
  return on ? "on" : "off";
}

Result<unsigned> number(const std::string& text, unsigned least, unsigned most) {
  unsigned n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec == std::errc{} && end == text.data() + text.size() && n >= least && n <= most) return n;
  return Error{Errc::BadValue,
               "'" + text + "' (a number from " + std::to_string(least) + " to " + std::to_string(most) + ")"};
}

/// A property: what is put in it for a word, and what is said for what is in it.
struct Setting {
  const char* name;
  const char* class_name;
  const char* property;
  const char* help;
  enum class Kind { Switch, Number, Zero } kind = Kind::Switch;
  unsigned least = 0, most = 0;  // of a number
  const char* unit = "";
};

constexpr Setting kSettings[] = {
    {"rfbport", kKvm, "Is5900PortEnabled", "AMT's own VNC port 5900"},
    {"timeout", kKvm, "SessionTimeout", "minutes without input that end a KVM session; 0: never",
     Setting::Kind::Number, 0, 255, "MINUTES"},
    {"redirport", kRedirection, "ListenerEnabled", "the redirection listener"},
    {"ping", kGeneral, "PingResponseEnabled", "answers to ping"},
    {"rmcp", kGeneral, "RmcpPingResponseEnabled", "answers to RMCP's ping"},
    {"idle", kGeneral, "IdleWakeTimeout", "minutes that it stays awake while the PC sleeps", Setting::Kind::Number, 1,
     65535, "MINUTES"},
    {"dhcpv6", kGeneral, "DHCPv6ConfigurationTimeout", "seconds that it looks for a DHCPv6 server",
     Setting::Kind::Number, 0, 0xffffffff, "SECONDS"},
    {"wsman", kGeneral, "WsmanOnlyMode", "WS-Management alone: shuts amttool's old interface"},
    {"outgoingv6", kGeneral, "PreferredAddressFamily", "IPv6 for what it sends itself", Setting::Kind::Zero},
    {"amtnet", kGeneral, "AMTNetworkEnabled", "AMT on the network; off can be taken back on the machine itself alone",
     Setting::Kind::Zero},
};

Result<void> set(wsman::Caller& machine, const Setting& s, const std::string& word) {
  std::string value;
  if (s.kind == Setting::Kind::Number) {
    const Result<unsigned> n = number(word, s.least, s.most);
    if (!n) return n.error();
    value = std::to_string(*n);
  } else {
    const Result<bool> on = wsamt_switch(word);
    if (!on) return on.error();
    value = s.kind == Setting::Kind::Switch ? (*on ? "true" : "false") : (*on ? "1" : "0");
  }
  Result<Instance> now = wsman::get(machine, s.class_name);
  if (!now) return now.error();
  if (!now->has(s.property)) {
    return Error{Errc::Unsupported, std::string("this firmware has no ") + s.class_name + "." + s.property};
  }
  now->set(s.property, value);
  const Result<Instance> done = wsman::put(machine, std::move(*now));
  if (!done) return done.error();
  return {};
}

Result<void> show(wsman::Caller& machine, const Setting& s, const Say& say) {
  const Result<Instance> now = wsman::get(machine, s.class_name);
  if (!now) return now.error();
  if (!now->has(s.property)) {
    return Error{Errc::Unsupported, std::string("this firmware has no ") + s.class_name + "." + s.property};
  }
  if (s.kind == Setting::Kind::Number) {
    say(std::string(now->text(s.property).value_or("")));
  } else {
    say(on_off(now->boolean(s.property).value_or(false)));
  }
  return {};
}

WsamtCommand command(const Setting& s) {
  const bool number = s.kind == Setting::Kind::Number;
  return {s.name,
          number ? "[" + std::string(s.unit) + "]" : "[on|off]",
          s.help,
          0,
          1,
          [&s](wsman::Caller& machine, Arguments args, const Say& say) {
            return args.empty() ? show(machine, s, say) : set(machine, s, args[0]);
          }};
}

Result<void> request_state(wsman::Caller& machine, const char* class_name, unsigned state) {
  Instance in(class_name);
  in.add("RequestedState", std::to_string(state));
  const Result<Instance> done = wsman::invoke(machine, "RequestStateChange", std::move(in));
  if (!done) return done.error();
  return {};
}

/// CIM's EnabledState: 2 on, 3 off, 6 on and nobody there.
WsamtCommand service(const char* name, const char* class_name, const char* help) {
  return {name,
          "[on|off]",
          help,
          0,
          1,
          [class_name](wsman::Caller& machine, Arguments args, const Say& say) -> Result<void> {
            if (!args.empty()) {
              const Result<bool> on = wsamt_switch(args[0]);
              return on ? request_state(machine, class_name, *on ? 2 : 3) : Result<void>(on.error());
            }
            const Result<Instance> now = wsman::get(machine, class_name);
            if (!now) return now.error();
            const std::uint64_t state = now->number("EnabledState").value_or(0);
            say(on_off(state == 2 || state == 6));
            return {};
          }};
}

/// AMT_RedirectionService's EnabledState: 32768, and 1 for IDE-R, and 2 for SOL. As the old utility has it, switching
/// one of them switches the other off.
WsamtCommand redirection(const char* name, unsigned bits, const char* help) {
  return {
      name, "[on|off]", help, 0, 1, [bits](wsman::Caller& machine, Arguments args, const Say& say) -> Result<void> {
        constexpr unsigned kNothing = 32768;
        if (!args.empty()) {
          const Result<bool> on = wsamt_switch(args[0]);
          return on ? request_state(machine, kRedirection, kNothing + (*on ? bits : 0)) : Result<void>(on.error());
        }
        const Result<Instance> now = wsman::get(machine, kRedirection);
        if (!now) return now.error();
        say(on_off((now->number("EnabledState").value_or(kNothing) & bits) == bits));
        return {};
      }};
}

/// AMT's rule for the password of port 5900. Source: Intel's class reference.
Result<void> check_rfb_password(const std::string& password) {
  bool upper = false, lower = false, digit = false, special = false, wrong = password.size() != 8;
  for (const char c : password) {
    if (c >= 'A' && c <= 'Z') {
      upper = true;
    } else if (c >= 'a' && c <= 'z') {
      lower = true;
    } else if (c >= '0' && c <= '9') {
      digit = true;
    } else if (c > ' ' && c < 127 && c != '"' && c != ',' && c != ':') {
      special |= c != '_';
    } else {
      wrong = true;
    }
  }
  if (upper && lower && digit && special && !wrong) return {};
  return Error{
      Errc::BadValue,
      "the password of port 5900 has exactly 8 characters, among them an upper-case and a lower-case letter, "
      "a digit and a special one ('_' is none), and none of \" , :"};
}

Result<void> rfb_password(wsman::Caller& machine, Arguments args, const Say&) {
  if (args.empty()) return Error{Errc::BadValue, "AMT does not tell the password of port 5900; give a new one"};
  if (Result<void> good = check_rfb_password(args[0]); !good) return good;
  Result<Instance> now = wsman::get(machine, kKvm);
  if (!now) return now.error();
  now->set("RFBPassword", args[0]);
  const Result<Instance> done = wsman::put(machine, std::move(*now));
  if (!done) return done.error();
  return {};
}

/// Before AMT 7 the KVM settings alone hold it; later IPS_OptInService has the last word.
Result<void> opt_in(wsman::Caller& machine, Arguments args, const Say& say) {
  Result<Instance> kvm = wsman::get(machine, kKvm);
  if (!kvm) return kvm.error();
  Result<Instance> service = wsman::get(machine, "IPS_OptInService");
  if (!service && service.error().code != Errc::Unsupported) return service.error();
  const bool asked = service && service->number("OptInRequired").value_or(0) != 0;
  const bool policy = kvm->boolean("OptInPolicy").value_or(false);
  if (args.empty()) {
    say(on_off(asked || policy));
    return {};
  }
  const Result<bool> on = wsamt_switch(args[0]);
  if (!on) return on.error();
  if (service && asked != *on) {
    if (service->number("CanModifyOptInPolicy") == 0U) {
      return Error{Errc::Refused, "the firmware does not let the consent be changed (client control mode)"};
    }
    service->set("OptInRequired", *on ? "1" : "0");
    if (const Result<Instance> done = wsman::put(machine, std::move(*service)); !done) return done.error();
  }
  if (policy == *on) return {};
  kvm->set("OptInPolicy", *on ? "true" : "false");
  const Result<Instance> done = wsman::put(machine, std::move(*kvm));
  if (!done) return done.error();
  return {};
}

}  // namespace

Result<bool> wsamt_switch(const std::string& word) {
  for (const char* yes : {"on", "1", "true", "yes", "enable"}) {
    if (word == yes) return true;
  }
  for (const char* no : {"off", "0", "false", "no", "disable"}) {
    if (word == no) return false;
  }
  return Error{Errc::BadValue, "'" + word + "' (on or off)"};
}

std::vector<WsamtCommand> wsamt_settings() {
  std::vector<WsamtCommand> out;
  out.push_back({"rfbpass", "PASSWORD", "the password of port 5900: exactly 8 characters", 0, 1, rfb_password});
  out.push_back(service("rfbservice", "CIM_KVMRedirectionSAP", "KVM: screen, keyboard and mouse"));
  out.push_back({"optin", "[on|off]", "whether a user at the machine has to consent to KVM", 0, 1, opt_in});
  for (const Setting& s : kSettings) out.push_back(command(s));
  out.push_back(service("webui", "AMT_WebUIService", "AMT's own web page"));
  out.push_back(redirection("ider", 1, "drives; off, or on without the serial console"));
  out.push_back(redirection("sol", 2, "the serial console; off, or on without drives"));
  out.push_back(redirection("solider", 3, "both"));
  return out;
}

}  // namespace amtgate::cli
