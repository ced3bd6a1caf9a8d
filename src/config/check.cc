// What keys mean together.
#include <algorithm>
#include <map>

#include "amtgate/config/draft.h"
#include "amtgate/config/machine.h"
#include "amtgate/config/values.h"

namespace amtgate::config {
namespace {

const char* family_name(const IpAddress& a) {
  return a.is_v4() ? "IPv4" : "IPv6";
}

class Checker {
 public:
  Checker(Draft& draft, Sources sources) : draft_(draft), sources_(sources) {}

  void run() {
    gateway();
    intercept();
    exclusive("defaults");
    for (const Target& t : draft_.config.targets) target(t);
    shared_addresses();
    shared_serial();
  }

 private:
  void mistake(Place at, std::string text) {
    draft_.mistakes.push_back({sources_[at.source].name, at.line, std::move(text)});
  }
  void warn(Place at, std::string text) {
    draft_.warnings.push_back({sources_[at.source].name, at.line, std::move(text)});
  }
  // Mistakes of a target that no key stands for are named at its section's line.
  void mistake(const Target& t, std::string text) { draft_.mistakes.push_back({t.file, t.line, std::move(text)}); }
  void warn(const Target& t, std::string text) { draft_.warnings.push_back({t.file, t.line, std::move(text)}); }

  // The later of two keys: the one that was added to what stood there.
  Place later(const Target& t, const std::string& a, const std::string& b) const {
    const Place pa = draft_.place(t, a);
    const Place pb = draft_.place(t, b);
    return std::pair(pa.source, pa.line) < std::pair(pb.source, pb.line) ? pb : pa;
  }

  void gateway() {
    const Gateway& g = draft_.config.gateway;
    if (g.cert.empty() != g.key.empty()) {
      mistake(draft_.place("gateway", g.cert.empty() ? "key" : "cert"),
              g.cert.empty() ? "key without cert" : "cert without key");
    }
  }

  void intercept() {
    const Intercept& i = draft_.config.intercept;
    if (std::ranges::find(i.ports, i.port) != i.ports.end()) {
      const Place at = draft_.place("intercept", "port");
      mistake(at.line != 0 ? at : draft_.place("intercept", "ports"),
              "port: " + std::to_string(i.port.value) + " is one of the ports that are caught");
    }
    const auto& metrics = draft_.config.gateway.metrics;
    if (metrics && metrics->port == i.port) {
      const Place at = draft_.place("gateway", "metrics");
      mistake(at.line != 0 ? at : draft_.place("intercept", "port"),
              "metrics: port " + std::to_string(i.port.value) + " is the transparent listener's");
    }
  }

  // Two keys of one section that cannot both have a value. (A target's takes the place of the other one in
  // [defaults].)
  void exclusive(const std::string& section, const char* one, const char* other) {
    const Place a = draft_.place(section, one);
    const Place b = draft_.place(section, other);
    if (a.line == 0 || b.line == 0 || a.empty || b.empty) return;
    mistake(std::pair(a.source, a.line) < std::pair(b.source, b.line) ? b : a,
            std::string(one) + " and " + other + " exclude each other");
  }
  void exclusive(const std::string& section) {
    exclusive(section, "password", "password_file");
    exclusive(section, "tls_ca", "tls_pin");
  }

  void target(const Target& t) {
    exclusive("target " + t.name);
    addresses(t);
    certificates(t);
    if (t.password.empty() && t.password_file.empty() && t.client_auth != ClientAuth::Passthrough) {
      warn(t, "target " + t.name + " has no password: write password_file =");
    }
    images(t);
    if (t.plaintext_auth && t.tls == TlsMode::No) {
      warn(later(t, "plaintext_auth", "tls"), "plaintext_auth: without TLS the password can be read on the way");
    }
    if (t.vnc_security == VncSecurity::Password && t.vnc_password_file.empty()) {
      mistake(draft_.place(t, "vnc_security"), "vnc_security = password needs vnc_password_file");
    }
    if (t.vnc_security == VncSecurity::None && !t.vnc_password_file.empty()) {
      warn(draft_.place(t, "vnc_password_file"),
           "vnc_password_file has no effect without vnc_security = password or tls");
    }
    if (t.vnc_mode == VncMode::Splice) spliced(t);
    serial(t);
  }

  /// The serial console of a machine, where the gateway has the session itself.
  void serial(const Target& t) {
    if (!t.shares_serial()) {
      if (const Place at = draft_.place(t, "sol_buffer"); at.line != 0 && t.sol_buffer != Target{}.sol_buffer) {
        warn(at, "sol_buffer has no effect without sol_listen");
      }
      return;
    }
    const char* key = t.sol_listen.empty() ? "sol_log" : "sol_listen";
    const auto single = [](const Host& host) {
      const auto* network = std::get_if<Network>(&host);
      return network == nullptr || network->is_single();
    };
    if (!t.amt && (t.address.size() > 1 || !std::ranges::all_of(t.address, single))) {
      mistake(draft_.place(t, key), std::string(key) + ": target " + t.name + " is more than one machine");
    }
    if (!t.serves(Service::Sol)) {
      mistake(later(t, key, "services"), std::string(key) + ": `services` of target " + t.name + " leaves out sol");
    }
    if (t.client_auth == ClientAuth::Passthrough) {
      mistake(later(t, key, "client_auth"), std::string(key) +
                                                ": not with client_auth = passthrough, whose clients have the "
                                                "machine's one serial session to themselves");
    }
    for (const SerialDoor& door : t.sol_listen) {
      if (door.kind == SerialDoor::Kind::Pty || t.client_auth != ClientAuth::Users) continue;
      const bool this_host = std::ranges::all_of(t.allow, [](const Network& n) {
        return n.address.is_loopback() && n.prefix >= (n.address.is_v4() ? 8U : 128U);
      });
      if (this_host) continue;
      mistake(later(t, "sol_listen", "allow"), "sol_listen: " + to_string(door) +
                                                   " cannot ask who somebody is, as client_auth = users wants it: "
                                                   "leave `allow` empty (this host alone), or use pty:");
      break;
    }
  }

  /// Two targets at one door, or in one file.
  void shared_serial() {
    std::map<std::string, const Target*> seen;
    const auto use = [&](const std::string& what, const Target& t, const char* key) {
      const auto [was, first] = seen.emplace(what, &t);
      if (first) return;
      mistake(draft_.place(t, key), std::string(key) + ": " + what + " is that of target " + was->second->name);
    };
    for (const Target& t : draft_.config.targets) {
      for (const SerialDoor& door : t.sol_listen) {
        use(door.kind == SerialDoor::Kind::Pty ? door.path : door.at.to_string(), t, "sol_listen");
      }
      if (!t.sol_log.empty()) use(t.sol_log, t, "sol_log");
    }
  }

  /// An image is for one machine; which one must be clear.
  void images(const Target& t) {
    if (t.image.empty() && t.image_floppy.empty()) return;
    const Result<Machine> machine = find_machine(draft_.config, t.name);
    if (t.address.empty() || machine) return;
    mistake(draft_.place(t, t.image.empty() ? "image_floppy" : "image"),
            "image: target " + t.name + " is more than one machine, and an image is for one: write a target for it");
  }

  /// What only translation gives.
  void spliced(const Target& t) {
    if (!t.keyboard.empty()) {
      warn(draft_.place(t, "keyboard"),
           "keyboard: no effect with vnc_mode = splice: keys go through as they are then");
    }
    if (t.vnc_security == VncSecurity::Tls) {
      warn(draft_.place(t, "vnc_security"),
           "vnc_security: not with vnc_mode = splice, which refuses viewers of this target then");
    }
    if (t.vnc_share == VncShare::View) {
      warn(draft_.place(t, "vnc_share"), "vnc_share: no effect with vnc_mode = splice: a screen has one viewer then");
    }
    if (t.record_vnc) {
      warn(draft_.place(t, "record"),
           "record: vnc has no effect with vnc_mode = splice: nobody reads the picture then");
    }
    if (t.frame_buffer_limit) {
      warn(draft_.place(t, "frame_buffer_limit"),
           "frame_buffer_limit: no effect with vnc_mode = splice: the viewer chooses the depth then");
    }
  }

  void addresses(const Target& t) {
    if (t.address.empty()) {
      // An address that was there and wrong has been named already.
      if (draft_.place("target " + t.name, "address").line == 0) mistake(t, "target " + t.name + " has no address");
      return;
    }
    if (t.amt) {
      for (const Host& host : t.address) {
        const auto* network = std::get_if<Network>(&host);
        if (network == nullptr || network->is_single()) continue;
        mistake(later(t, "amt", "address"), "amt names one machine, but address has the network " + to_string(host) +
                                                " with one in each address");
        return;
      }
    }
    if (t.source) source(t);
  }

  // The source address must be able to reach at least one of the places where the AMT may be.
  void source(const Target& t) {
    std::vector<Host> reached = t.address;
    if (t.amt) reached = {*t.amt};
    for (const Host& host : reached) {
      const auto* network = std::get_if<Network>(&host);
      if (network == nullptr || network->address.family() == t.source->family()) return;
    }
    mistake(later(t, "source", t.amt ? "amt" : "address"), std::string("source is an ") + family_name(*t.source) +
                                                               " address, but " + (t.amt ? "amt" : "address") +
                                                               " is not");
  }

  void certificates(const Target& t) {
    if (t.tls_cert.empty() != t.tls_key.empty()) {
      mistake(draft_.place(t, t.tls_cert.empty() ? "tls_key" : "tls_cert"),
              t.tls_cert.empty() ? "tls_key without tls_cert" : "tls_cert without tls_key");
    }
    if (!t.tls_name.empty() && t.tls_ca.empty()) {
      warn(later(t, "tls_name", "tls_ca"), "tls_name has no effect without tls_ca");
    }
    if (t.tls != TlsMode::No) return;
    const std::pair<const char*, bool> unused[] = {
        {"tls_ca", !t.tls_ca.empty()}, {"tls_pin", !t.tls_pin.empty()}, {"tls_cert", !t.tls_cert.empty()}};
    for (const auto& [key, set] : unused) {
      if (set) warn(later(t, key, "tls"), std::string(key) + " has no effect with tls = no");
    }
  }

  // The same address or network in two targets: nobody could say which one is meant. A network around another, or
  // around an address, is fine: the longest prefix wins.
  void shared_addresses() {
    struct Use {
      const Host* host;
      const Target* target;
    };
    std::vector<Use> uses;
    for (const Target& t : draft_.config.targets) {
      for (const Host& host : t.address) uses.push_back({&host, &t});
    }
    std::ranges::stable_sort(uses, [](const Use& a, const Use& b) { return *a.host < *b.host; });
    for (std::size_t i = 1; i < uses.size(); ++i) {
      if (*uses[i].host != *uses[i - 1].host) continue;
      const Target& first = *uses[i - 1].target;
      const Target& second = *uses[i].target;
      mistake(draft_.place(second, "address"), "address: " + to_string(*uses[i].host) + " is the address of target " +
                                                   first.name + " at " + first.file + ":" +
                                                   std::to_string(first.line));
    }
  }

  Draft& draft_;
  Sources sources_;
};

}  // namespace

void check_draft(Draft& draft, Sources sources) {
  Checker(draft, sources).run();
}

}  // namespace amtgate::config
