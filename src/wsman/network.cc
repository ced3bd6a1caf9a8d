#include "amtgate/wsman/network.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "amtgate/base/inet.h"

namespace amtgate::wsman {
namespace {

std::string text_of(const Instance& i, std::string_view name) {
  return std::string(i.text(name).value_or(""));
}

/// Nothing where the firmware lacks the class.
Result<std::vector<Item>> all_of(Caller& machine, std::string_view class_name,
                                 EnumerationMode mode = EnumerationMode::Objects) {
  Result<std::vector<Item>> items = enumerate(machine, class_name, mode);
  if (!items && items.error().code == Errc::Unsupported) return std::vector<Item>();
  return items;
}

std::string key(const Reference& r, std::string_view name) {
  const auto at = std::ranges::find(r.selectors, name, &Selector::name);
  const auto* text = at == r.selectors.end() ? nullptr : std::get_if<std::string>(&at->value);
  return text == nullptr ? std::string() : *text;
}

/// What associates a port with IPS_IPv6PortSettings, where IsCurrent says whether they count.
struct Ipv6Switch {
  Instance association;
  std::string settings;  // their InstanceID
  bool on() const { return association.number("IsCurrent") == 1U; }
};
Result<std::vector<Ipv6Switch>> ipv6_switches(Caller& machine) {
  const Result<std::vector<Item>> items = all_of(machine, "CIM_ElementSettingData");
  if (!items) return items.error();
  std::vector<Ipv6Switch> out;
  for (const Item& item : *items) {
    const Reference* settings = item.instance.reference("SettingData");
    if (settings == nullptr || settings->class_name != "IPS_IPv6PortSettings") continue;
    out.push_back({item.instance, key(*settings, "InstanceID")});
  }
  return out;
}

/// Both number their instances alike: 0 is the wired port, 1 the wireless one.
bool same_port(std::string_view a, std::string_view b) {
  return !a.empty() && !b.empty() && a.back() == b.back();
}

NetworkPort port_of(const Instance& i) {
  NetworkPort p;
  p.id = text_of(i, "InstanceID");
  p.wireless = p.id.ends_with("1") || i.number("PhysicalConnectionType") == 3U;
  p.mac = text_of(i, "MACAddress");
  std::ranges::replace(p.mac, '-', ':');
  p.link = i.boolean("LinkIsUp");
  p.dhcp = i.boolean("DHCPEnabled");
  p.address = text_of(i, "IPAddress");
  p.mask = text_of(i, "SubnetMask");
  p.gateway = text_of(i, "DefaultGateway");
  p.dns = text_of(i, "PrimaryDNS");
  p.dns2 = text_of(i, "SecondaryDNS");
  const auto preference = i.number("LinkPreference");
  p.link_preference = preference == 1U ? "me" : preference == 2U ? "host" : "";
  return p;
}

const char* word(bool on) {
  return on ? "on" : "off";
}
std::string shown(std::string_view text) {
  return text.empty() ? "(none)" : std::string(text);
}

class Setter {
 public:
  Setter(Caller& machine, const NetworkWish& wish, bool only_look)
      : machine_(machine), wish_(wish), only_look_(only_look) {}

  Result<NetworkChanges> run() {
    for (const auto plan : {&Setter::plan_general, &Setter::plan_ipv6, &Setter::plan_link, &Setter::plan_wired}) {
      const Result<void> planned = (this->*plan)();
      if (!planned) return planned.error();
    }
    if (only_look_) return std::move(out_);
    if (!out_.risks.empty() && !wish_.force) {
      return Error{Errc::Refused, out_.risks.front() + "; --force does it all the same"};
    }
    std::string before;
    for (const Step& step : steps_) {
      const Result<Instance> done = step.act();
      const std::string end = before.empty() ? "" : " (done before: " + before + ")";
      if (!done) return Error{done.error().code, step.what + ": " + done.error().detail + end};
      before += (before.empty() ? "" : "; ") + step.what;
    }
    return std::move(out_);
  }

 private:
  struct Step {
    std::string what;
    std::function<Result<Instance>()> act;
  };

  void note(const std::string& what, const std::string& from, const std::string& to) {
    out_.changes.push_back(what + ": " + from + " -> " + to);
  }
  template <class T, class Show>
  void set(Instance& i, std::string_view name, const char* what, const std::optional<T>& wanted, const T& now,
           const Show& show) {
    if (!wanted || *wanted == now) return;
    note(what, show(now), show(*wanted));
    i.set(name, show_raw(*wanted));
  }
  static std::string show_raw(bool on) { return on ? "true" : "false"; }
  static std::string show_raw(std::uint64_t n) { return std::to_string(n); }
  static std::string show_raw(const std::string& text) { return text; }

  Result<void> plan_general() {
    if (!wish_.ping && !wish_.rmcp && !wish_.idle_minutes && !wish_.host_name && !wish_.domain) return {};
    const Result<Instance> now = get(machine_, "AMT_GeneralSettings");
    if (!now) return now.error();
    const auto lacks = [&](const char* name, bool wanted) { return wanted && !now->has(name); };
    if (lacks("PingResponseEnabled", wish_.ping.has_value()) ||
        lacks("RmcpPingResponseEnabled", wish_.rmcp.has_value()) ||
        lacks("IdleWakeTimeout", wish_.idle_minutes.has_value())) {
      return Error{Errc::Unsupported, "its firmware has no such setting of ping, RMCP ping or the idle time-out"};
    }
    Instance i = *now;
    const std::size_t before = out_.changes.size();
    const auto on_off = [](bool on) { return std::string(word(on)); };
    const auto number = [](std::uint64_t n) { return std::to_string(n) + " min"; };
    const auto text = [](const std::string& t) { return shown(t); };
    set(i, "PingResponseEnabled", "ping", wish_.ping, now->boolean("PingResponseEnabled").value_or(false), on_off);
    set(i, "RmcpPingResponseEnabled", "RMCP ping", wish_.rmcp,
        now->boolean("RmcpPingResponseEnabled").value_or(false), on_off);
    set(i, "IdleWakeTimeout", "idle time-out", wish_.idle_minutes, now->number("IdleWakeTimeout").value_or(0),
        number);
    set(i, "HostName", "host name", wish_.host_name, text_of(*now, "HostName"), text);
    set(i, "DomainName", "domain", wish_.domain, text_of(*now, "DomainName"), text);
    if (out_.changes.size() == before) return {};
    steps_.push_back({"general settings", [this, i = std::move(i)] { return put(machine_, i); }});
    return {};
  }

  Result<void> plan_ipv6() {
    if (!wish_.ipv6) return {};
    const Result<std::vector<Ipv6Switch>> all = ipv6_switches(machine_);
    if (!all) return all.error();
    const auto wired = std::ranges::find_if(
        *all, [](const Ipv6Switch& s) { return s.settings.empty() || s.settings.back() == '0'; });
    if (wired == all->end()) return Error{Errc::Unsupported, "its firmware has no IPv6 (before AMT 6)"};
    if (wired->on() == *wish_.ipv6) return {};
    note("IPv6", word(wired->on()), word(*wish_.ipv6));
    if (!*wish_.ipv6 && wish_.over_ipv6) {
      out_.risks.emplace_back("the machine is reached over IPv6, and would be no more without it");
    }
    Instance i = wired->association;
    i.set("IsCurrent", *wish_.ipv6 ? "1" : "2");
    std::vector<Selector> keys;
    for (const char* name : {"ManagedElement", "SettingData"}) {
      if (const Reference* r = i.reference(name)) keys.push_back({name, *r});
    }
    steps_.push_back({"IPv6", [this, i = std::move(i), keys = std::move(keys)] { return put(machine_, i, keys); }});
    return {};
  }

  Result<std::optional<Instance>> port(bool wireless) {
    const Result<std::vector<Item>> items = all_of(machine_, "AMT_EthernetPortSettings");
    if (!items) return items.error();
    for (const Item& item : *items) {
      if (port_of(item.instance).wireless == wireless) return std::optional(item.instance);
    }
    return std::optional<Instance>();
  }

  Result<void> plan_link() {
    if (!wish_.link_preference) return {};
    const Result<std::optional<Instance>> wireless = port(true);
    if (!wireless) return wireless.error();
    if (!*wireless)
      return Error{Errc::Unsupported, "it has no wireless port, whose link somebody could be preferred for"};
    const NetworkPort now = port_of(**wireless);
    if (now.link_preference == *wish_.link_preference) return {};
    note("wireless link", shown(now.link_preference), *wish_.link_preference);
    if (*wish_.link_preference == "host") {
      out_.risks.emplace_back("AMT lets go of the wireless link, and may be out of reach over it");
    }
    Instance in("AMT_EthernetPortSettings");
    in.add("LinkPreference", *wish_.link_preference == "me" ? "1" : "2").add("Timeout", "300");
    steps_.push_back({"wireless link", [this, in = std::move(in), id = now.id] {
                        return invoke(machine_, "SetLinkPreference", in, {{"InstanceID", id}});
                      }});
    return {};
  }

  Result<void> plan_wired() {
    const bool fixed = wish_.address || wish_.mask || wish_.gateway || wish_.dns || wish_.dns2;
    if (!wish_.dhcp && !fixed) return {};
    const Result<std::optional<Instance>> wired = port(false);
    if (!wired) return wired.error();
    if (!*wired) return Error{Errc::Unsupported, "it has no wired port"};
    Instance i = **wired;
    const NetworkPort now = port_of(i);
    const std::size_t before = out_.changes.size();
    if (wish_.dhcp.value_or(false)) {
      if (now.dhcp == true) return {};
      note("DHCP", "off", "on");
      i.set("DHCPEnabled", "true");
      for (const char* name : {"IPAddress", "SubnetMask", "DefaultGateway", "PrimaryDNS", "SecondaryDNS"})
        i.erase(name);
      out_.risks.emplace_back("with DHCP the machine may get another address than the one it is reached at");
    } else {
      if (now.dhcp.value_or(true)) {
        if (!wish_.address) {
          return Error{Errc::BadValue, "it has DHCP now; without that it needs --address and --mask"};
        }
        note("DHCP", "on", "off");
        out_.risks.emplace_back("a fixed address that does not fit its network would put it out of reach");
      }
      i.set("DHCPEnabled", "false");
      const auto set_text = [&](const char* name, const char* what, const std::optional<std::string>& wanted,
                                const std::string& is) {
        set(i, name, what, wanted, is, [](const std::string& t) { return shown(t); });
      };
      set_text("IPAddress", "address", wish_.address, now.address);
      set_text("SubnetMask", "mask", wish_.mask, now.mask);
      set_text("DefaultGateway", "gateway", wish_.gateway, now.gateway);
      set_text("PrimaryDNS", "name server", wish_.dns, now.dns);
      set_text("SecondaryDNS", "second name server", wish_.dns2, now.dns2);
      const auto differs = [](const std::optional<std::string>& wanted, const std::string& is) {
        return wanted && *wanted != is;
      };
      if (differs(wish_.address, now.address)) {
        out_.risks.emplace_back("the machine would be at " + *wish_.address + " instead of " + shown(now.address));
      } else if (differs(wish_.mask, now.mask) || differs(wish_.gateway, now.gateway)) {
        out_.risks.emplace_back("with another mask or gateway it may be out of reach");
      }
    }
    if (out_.changes.size() == before) return {};
    steps_.push_back({"addresses", [this, i = std::move(i), id = now.id]() -> Result<Instance> {
                        Result<Instance> done = put(machine_, i, {{"InstanceID", id}});
                        if (done || done.error().code == Errc::Refused || done.error().code == Errc::Unsupported) {
                          return done;
                        }
                        return Error{done.error().code,
                                     done.error().detail +
                                         "; whether it took the addresses is not known: look for it "
                                         "at the new one"};
                      }});
    return {};
  }

  Caller& machine_;
  const NetworkWish& wish_;
  const bool only_look_;
  NetworkChanges out_;
  std::vector<Step> steps_;
};

std::optional<std::uint32_t> v4(const std::string& text) {
  const Result<IpAddress> parsed = IpAddress::parse(text);
  if (!parsed || !parsed->is_v4()) return std::nullopt;
  std::uint32_t n = 0;
  for (const std::uint8_t b : parsed->bytes()) n = n << 8 | b;
  return n;
}

}  // namespace

Result<NetworkSettings> read_network(Caller& machine) {
  const Result<Instance> general = get(machine, "AMT_GeneralSettings");
  if (!general) return general.error();
  NetworkSettings out;
  out.host_name = text_of(*general, "HostName");
  out.domain = text_of(*general, "DomainName");
  out.ping = general->boolean("PingResponseEnabled");
  out.rmcp = general->boolean("RmcpPingResponseEnabled");
  out.idle_minutes = general->number("IdleWakeTimeout");
  const Result<std::vector<Item>> ports = all_of(machine, "AMT_EthernetPortSettings");
  if (!ports) return ports.error();
  for (const Item& item : *ports) out.ports.push_back(port_of(item.instance));
  const Result<std::vector<Ipv6Switch>> switches = ipv6_switches(machine);
  if (!switches) return switches.error();
  const Result<std::vector<Item>> settings6 = all_of(machine, "IPS_IPv6PortSettings");
  if (!settings6) return settings6.error();
  for (NetworkPort& p : out.ports) {
    for (const Ipv6Switch& s : *switches) {
      if (same_port(p.id, s.settings)) p.ipv6 = s.on();
    }
    for (const Item& item : *settings6) {
      if (!same_port(p.id, text_of(item.instance, "InstanceID"))) continue;
      for (const std::string_view a : item.instance.texts("CurrentAddressInfo")) {
        // "address,type,state" on firmware that tells more than the address.
        const std::string_view address = a.substr(0, a.find(','));
        if (!address.empty() && address != "::") p.addresses6.emplace_back(address);
      }
    }
  }
  return out;
}

Result<void> NetworkWish::check() const {
  const auto wrong = [](const std::string& what) { return Error{Errc::BadValue, what}; };
  const auto label = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (host_name && (host_name->empty() || host_name->size() > 63 || !std::ranges::all_of(*host_name, label))) {
    return wrong("host name '" + *host_name + "' (1 to 63 letters, digits and -)");
  }
  const auto dotted = [&](char c) { return label(c) || c == '.'; };
  if (domain && (domain->size() > 191 || !std::ranges::all_of(*domain, dotted))) {
    return wrong("domain '" + *domain + "' (at most 191 letters, digits, - and dots)");
  }
  if (idle_minutes && (*idle_minutes < 1 || *idle_minutes > 65535))
    return wrong("an idle time-out outside 1 to 65535");
  if (link_preference && *link_preference != "me" && *link_preference != "host") {
    return wrong("link preference '" + *link_preference + "' (me, host)");
  }
  if (dhcp.value_or(false) && (address || mask || gateway || dns || dns2)) {
    return wrong("with DHCP the addresses come from there; write either");
  }
  for (const auto* text : {&address, &mask, &gateway, &dns, &dns2}) {
    if (*text && !v4(**text)) return wrong("'" + **text + "' is no IPv4 address");
  }
  if (mask) {
    const std::uint32_t m = *v4(*mask);
    if (m == 0 || std::countl_one(m) + std::countr_zero(m) != 32) return wrong("'" + *mask + "' is no mask");
  }
  if (dhcp == false && !address) return wrong("without DHCP it needs --address and --mask");
  if (address.has_value() != mask.has_value()) return wrong("an address and a mask go together");
  if (address && gateway && ((*v4(*address) ^ *v4(*gateway)) & *v4(*mask)) != 0) {
    return wrong("the gateway " + *gateway + " is not in the network of " + *address + " " + *mask);
  }
  return {};
}

Result<NetworkChanges> set_network(Caller& machine, const NetworkWish& wish, bool only_look) {
  if (const Result<void> fine = wish.check(); !fine) return fine.error();
  return Setter(machine, wish, only_look).run();
}

}  // namespace amtgate::wsman
