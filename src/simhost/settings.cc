#include "amtgate/simhost/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "amtgate/sim/machine_side.h"

namespace amtgate::simhost {
namespace {

/// What the options gather before it becomes Settings: the profile is chosen first, whatever the order, and then
/// changed by the others.
struct Gathered {
  Settings settings;
  std::string profile = "15";
  std::vector<std::function<Result<void>(Settings&)>> changes;
};

// Each has seven listeners, and the program as many descriptors as sys::raise_open_files() gets it.
constexpr std::uint64_t kMaxMachines = 4096;

Error wrong(std::string detail) {
  return Error{Errc::BadValue, std::move(detail)};
}

Result<std::uint64_t> number(std::string_view text, std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
  std::uint64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size() || n > most) {
    return wrong("number '" + std::string(text) + "'");
  }
  return n;
}

Result<Port> port_or_any(std::string_view text) {
  if (text == "0") return Port{0};
  return parse_port(text);
}

/// An option with a value that changes the settings; `set` gets the text.
template <class F>
std::function<Result<void>(Gathered&, std::string_view)> later(F set) {
  return [set](Gathered& g, std::string_view text) -> Result<void> {
    g.changes.push_back([set, text = std::string(text)](Settings& s) -> Result<void> { return set(s, text); });
    return {};
  };
}

/// Through a parser that gives a Result<T>.
template <class Parse, class Assign>
auto parsed(Parse parse, Assign assign) {
  return later([parse, assign](Settings& s, const std::string& text) -> Result<void> {
    auto r = parse(text);
    if (!r) return r.error();
    assign(s, *r);
    return {};
  });
}

template <class Assign>
auto text(Assign assign) {
  return later([assign](Settings& s, const std::string& value) -> Result<void> {
    assign(s, value);
    return {};
  });
}

template <class Assign>
auto counted(Assign assign, std::uint64_t most = std::numeric_limits<std::uint32_t>::max()) {
  return parsed([most](const std::string& t) { return number(t, most); }, assign);
}

struct Option {
  const char* name;
  const char* value;  // null: a switch
  const char* help;
  std::function<Result<void>(Gathered&, std::string_view)> apply;
};

/// A heading of --help.
Option heading(const char* title) {
  return {nullptr, nullptr, title, {}};
}

/// In the order of --port-base.
std::array<std::pair<sim::Door, Port*>, 7> doors(Settings& s) {
  using enum sim::Door;
  return {{{Plain, &s.plain},
           {Tls, &s.tls},
           {Rfb, &s.rfb},
           {Web, &s.web},
           {WebTls, &s.web_tls},
           {Asf, &s.asf},
           {AsfTls, &s.asf_tls}}};
}

Result<void> set_port(Settings& s, const std::string& text) {
  const std::size_t eq = text.find('=');
  const std::string name = text.substr(0, eq);
  Port* port = nullptr;
  for (const auto& [door, setting] : doors(s)) {
    if (name == sim::name(door)) port = setting;
  }
  if (!port || eq == std::string::npos) {
    return wrong("port '" + text + "' (redirection, redirection-tls, rfb, web, web-tls, asf or asf-tls, then =N)");
  }
  const Result<Port> n = port_or_any(std::string_view(text).substr(eq + 1));
  if (!n) return n.error();
  *port = *n;
  return {};
}

Result<void> set_port_base(Settings& s, const std::string& text) {
  const Result<Port> n = parse_port(text);
  if (!n) return n.error();
  if (n->value > 65529) return wrong("port base '" + text + "' (seven ports must follow each other)");
  std::uint16_t next = n->value;
  for (const auto& [door, port] : doors(s)) *port = Port{next++};
  return {};
}

Result<void> set_sha256(std::string& to, const std::string& text) {
  const bool digits = text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (text.size() != 64 || !digits) return wrong("digest '" + text + "' (64 lower-case hexadecimal digits)");
  to = text;
  return {};
}

const std::vector<Option>& options() {
  using S = Settings&;
  static const std::vector<Option> table = {
      heading("The machine"),
      {"profile", "NAME", "firmware: 8, 9, 11, 12, 15 (default), 16.1, 19, 21, ism",
       [](Gathered& g, std::string_view t) -> Result<void> {
         g.profile = std::string(t);
         return {};
       }},
      {"name", "TEXT", "what the console calls it", text([](S s, const std::string& v) { s.machine.name = v; })},
      {"user", "NAME", "account (default admin)", text([](S s, const std::string& v) { s.machine.user = v; })},
      {"password", "TEXT", "its password (default P@ssw0rd1!)",
       text([](S s, const std::string& v) { s.machine.password = v; })},
      {"setup-bin", "FILE", "was set up by this file just now: its password, features and consent",
       text([](S s, const std::string& v) { s.setup_bin = v; })},
      {"rfb-password", "TEXT", "VNC password of port 5900 (default P@ssw0rd)",
       text([](S s, const std::string& v) { s.machine.rfb_password = v; })},
      {"size", "WxH", "screen (default 1024x768)",
       parsed([](const std::string& t) { return sim::parse_size(t); },
              [](S s, sim::Size v) { s.machine.screen = v; })},
      {"keyboard", "LAYOUT", "its operating system's layout, as XKB names it: logs the text that keys make",
       parsed([](const std::string& t) { return sim::OsKeyboard::load(t); },
              [](S s, std::shared_ptr<sim::OsKeyboard> v) { s.machine.keyboard = std::move(v); })},
      {"still", nullptr, "nothing on the screen moves",
       text([](S s, const std::string&) { s.machine.frame_time = milliseconds(0); })},
      {"frame-file", "FILE", "writes the screen as it was last sent, as PPM",
       text([](S s, const std::string& v) { s.frame_file = v; })},
      {"sessions", "N", "sessions of each kind at once (default 1; 0: no limit)",
       counted([](S s, std::uint64_t v) { s.machine.sessions = static_cast<unsigned>(v); })},
      {"off", "LIST", "switched off in the set-up: kvm, sol, ider, e.g. kvm,ider",
       parsed([](const std::string& t) { return sim::parse_slots(t); },
              [](S s, const std::array<bool, 3>& v) {
                s.machine.off = v;
                if (v[static_cast<std::size_t>(sim::Slot::Kvm)]) s.machine.profile.port5900 = sim::Port5900::Closed;
              })},
      {"consent", nullptr, "user consent is missing: IDER is refused with status 5",
       text([](S s, const std::string&) { s.machine.consent_missing = true; })},
      {"kvm-consent", "HOW", "KVM wants the user's consent: refuse (status 5), prompt (in the picture) or black",
       parsed(
           [](const std::string& t) -> Result<sim::KvmConsent> {
             if (t == "refuse") return sim::KvmConsent::Refuse;
             if (t == "prompt") return sim::KvmConsent::Prompt;
             if (t == "black") return sim::KvmConsent::Black;
             return wrong("'" + t + "' (refuse, prompt or black)");
           },
           [](S s, sim::KvmConsent v) { s.machine.kvm_consent = v; })},
      {"no-rmcp", nullptr, "presence pings (UDP 623) get no answer",
       text([](S s, const std::string&) { s.rmcp = false; })},
      {"closing", "MS", "a session that is over keeps its place for so long (default 0)",
       counted([](S s, std::uint64_t v) { s.machine.closing = milliseconds(v); }, 3'600'000)},

      {"panic-after", "MS", "the console panics so long after each start of a SOL session",
       counted([](S s, std::uint64_t v) { s.machine.panic_after = milliseconds(v); }, 86'400'000)},

      heading("Where it listens"),
      {"listen", "ADDR", "address (default 127.0.0.1)",
       parsed([](const std::string& t) { return IpAddress::parse(t); }, [](S s, IpAddress v) { s.listen = v; })},
      {"machines", "N", "so many machines, on this address and the following ones (default 1)",
       parsed(
           [](const std::string& t) -> Result<std::uint64_t> {
             const Result<std::uint64_t> n = number(t, kMaxMachines);
             if (!n || *n == 0) return wrong("'" + t + "' (1 to " + std::to_string(kMaxMachines) + ")");
             return *n;
           },
           [](S s, std::uint64_t v) { s.machines = static_cast<unsigned>(v); })},
      {"port", "DOOR=N", "DOOR: redirection, redirection-tls, rfb, web, web-tls, asf or asf-tls; 0: any free port",
       later(set_port)},
      {"port-base", "N", "N for 16994, then 16995, 5900, 16992, 16993, 623 and 664 in this order",
       later(set_port_base)},

      heading("Changes to the profile"),
      {"plain", "yes|no", "port 16994",
       parsed(
           [](const std::string& t) -> Result<bool> {
             if (t == "yes" || t == "no") return t == "yes";
             return wrong("'" + t + "' (yes or no)");
           },
           [](S s, bool v) { s.machine.profile.plain_open = v; })},
      {"tls", "yes|no", "no: TLS is not set up yet; its ports are closed until somebody does",
       parsed(
           [](const std::string& t) -> Result<bool> {
             if (t == "yes" || t == "no") return t == "yes";
             return wrong("'" + t + "' (yes or no)");
           },
           [](S s, bool v) { s.machine.profile.tls_open = v; })},
      {"network-restart", "MS", "out of reach for so long when TLS was changed (default 1000)",
       counted([](S s, std::uint64_t v) { s.machine.network_restart = milliseconds(v); }, 60'000)},
      {"methods", "LIST", "authentication methods: 1 password, 3 and 4 digest, e.g. 1,4",
       parsed([](const std::string& t) { return sim::parse_methods(t); },
              [](S s, const std::vector<std::uint8_t>& v) { s.machine.profile.methods = v; })},
      {"qop", "LIST", "that a challenge of method 4 offers (default auth), e.g. 'auth-int, auth'",
       parsed(
           [](const std::string& t) -> Result<std::string> {
             if (t.size() <= 64) return t;
             return wrong("longer than 64 characters");
           },
           [](S s, const std::string& v) { s.machine.profile.qop = v; })},
      {"login-failure", "HOW", "status (default), challenge (a new one, three tries) or close (without a word)",
       parsed(
           [](const std::string& t) -> Result<redir::ServerRole::FailureStyle> {
             using enum redir::ServerRole::FailureStyle;
             if (t == "status") return Empty;
             if (t == "challenge") return FreshChallenge;
             if (t == "close") return Silent;
             return wrong("'" + t + "' (status, challenge or close)");
           },
           [](S s, redir::ServerRole::FailureStyle v) {
             s.machine.login_failure = v;
             s.machine.login_tries = v == redir::ServerRole::FailureStyle::FreshChallenge ? 3 : 1;
           })},
      {"strict-nc", nullptr, "refuse a nonce count of other than 8 digits",
       text([](S s, const std::string&) { s.machine.profile.strict_nonce_count = true; })},
      {"no-strict-nc", nullptr, "take any nonce count",
       text([](S s, const std::string&) { s.machine.profile.strict_nonce_count = false; })},
      {"greeting", "3.8|4.0", "RFB version that KVM greets with",
       parsed([](const std::string& t) { return sim::parse_greeting(t); },
              [](S s, sim::RfbGreeting v) { s.machine.profile.greeting = v; })},
      {"port5900", "HOW", "password, dead, no-password or closed",
       parsed([](const std::string& t) { return sim::parse_port5900(t); },
              [](S s, sim::Port5900 v) { s.machine.profile.port5900 = v; })},
      {"zrle", "FORM", "tiles as zlib, stored, zlib-stored or raw",
       parsed(
           [](const std::string& t) -> Result<rfb::ZrleForm> {
             using enum rfb::ZrleForm;
             if (t == "zlib") return Zlib;
             if (t == "stored") return Stored;
             if (t == "zlib-stored") return ZlibStored;
             if (t == "raw") return RawDeflate;
             return wrong("'" + t + "' (zlib, stored, zlib-stored or raw)");
           },
           [](S s, rfb::ZrleForm v) { s.machine.zrle = v; })},
      {"idle", "SECONDS", "KVM ends without keyboard or mouse (0: never)",
       counted([](S s, std::uint64_t v) { s.machine.profile.idle = seconds(v); }, 1'000'000)},
      {"no-display", "SECONDS", "no display is attached: KVM ends so long after its opening",
       counted([](S s, std::uint64_t v) { s.machine.no_display = seconds(v); }, 3600)},
      {"boot-time", "SECONDS", "out of reach for so long after a reboot",
       counted([](S s, std::uint64_t v) { s.machine.profile.boot_time = seconds(v); }, 3600)},
      {"power-time", "MS", "from a power command to the state it leads to (default 1000)",
       counted([](S s, std::uint64_t v) { s.machine.power_time = milliseconds(v); }, 3'600'000)},
      {"latency", "MS", "from a request over HTTP to its answer (default 0)",
       counted([](S s, std::uint64_t v) { s.machine.latency = milliseconds(v); }, 600'000)},

      heading("TLS"),
      {"cert", "FILE", "certificate, PEM (default: one is made)",
       text([](S s, const std::string& v) { s.cert_file = v; })},
      {"key", "FILE", "its key, PEM", text([](S s, const std::string& v) { s.key_file = v; })},
      {"key-type", "rsa|ec", "of the certificate that is made",
       parsed([](const std::string& t) { return sim::parse_key_type(t); },
              [](S s, sim::KeyType v) { s.machine.profile.key = v; })},
      {"tls-min", "VERSION", "1.0, 1.1, 1.2 or 1.3",
       parsed([](const std::string& t) { return sim::parse_tls_version(t); },
              [](S s, sim::TlsVersion v) { s.machine.profile.tls_min = v; })},
      {"tls-max", "VERSION", "1.0, 1.1, 1.2 or 1.3",
       parsed([](const std::string& t) { return sim::parse_tls_version(t); },
              [](S s, sim::TlsVersion v) { s.machine.profile.tls_max = v; })},
      {"client-ca", "FILE", "demand a client certificate signed by one of these",
       text([](S s, const std::string& v) { s.client_ca_file = v; })},
      {"wrong-cert", nullptr, "another certificate and key on every connection",
       text([](S s, const std::string&) { s.wrong_cert = true; })},

      heading("IDE-R"),
      {"ider", "WHAT", "full (default), sequential, read (no probing), probe (no reading), sample (neither) or idle",
       parsed(
           [](const std::string& t) -> Result<std::string> {
             for (const char* w : {"full", "sequential", "read", "probe", "sample", "idle"}) {
               if (t == w) return t;
             }
             return wrong("'" + t + "' (full, sequential, read, probe, sample or idle)");
           },
           [](S s, const std::string& v) {
             sim::IderPlan& p = s.machine.ider;
             if (v == "idle") p.drives.clear();
             p.probe = v == "full" || v == "probe";
             p.sequential = v != "probe" && v != "sample";
             if (v == "sequential" || v == "probe" || v == "sample") p.random = 0;
           })},
      {"ider-drives", "LIST", "cd, floppy or cd,floppy (default)",
       parsed(
           [](const std::string& t) -> Result<std::vector<sim::Drive>> {
             if (t == "cd") return std::vector{sim::Drive::Cd};
             if (t == "floppy") return std::vector{sim::Drive::Floppy};
             if (t == "cd,floppy") return std::vector{sim::Drive::Cd, sim::Drive::Floppy};
             if (t == "floppy,cd") return std::vector{sim::Drive::Floppy, sim::Drive::Cd};
             return wrong("'" + t + "' (cd, floppy or cd,floppy)");
           },
           [](S s, const std::vector<sim::Drive>& v) { s.machine.ider.drives = v; })},
      {"ider-random", "N", "reads of 2 KiB at random (default 64)",
       counted([](S s, std::uint64_t v) { s.machine.ider.random = static_cast<unsigned>(v); })},
      {"ider-probe", "LIST", "whose commands look first: bios, linux, windows (default bios,linux)",
       parsed(
           [](const std::string& t) -> Result<std::vector<sim::Probe>> {
             std::vector<sim::Probe> out;
             for (std::size_t at = 0; at <= t.size();) {
               const std::string word = t.substr(at, t.find(',', at) - at);
               at += word.size() + 1;
               if (word == "bios") {
                 out.push_back(sim::Probe::Bios);
               } else if (word == "linux") {
                 out.push_back(sim::Probe::Linux);
               } else if (word == "windows") {
                 out.push_back(sim::Probe::Windows);
               } else {
                 return wrong("'" + word + "' (bios, linux or windows)");
               }
             }
             return out;
           },
           [](S s, const std::vector<sim::Probe>& v) { s.machine.ider.probes = v; })},
      {"ider-sample", "N", "single blocks from the first to the last, evenly spread (default 0)",
       counted([](S s, std::uint64_t v) { s.machine.ider.sample = static_cast<unsigned>(v); })},
      {"ider-writes", "N", "writes at random places of the floppy (default 0)",
       counted([](S s, std::uint64_t v) { s.machine.ider.writes = static_cast<unsigned>(v); })},
      {"ider-resets", "N", "resets of the bus in the middle of transfers (default 0)",
       counted([](S s, std::uint64_t v) { s.machine.ider_resets = static_cast<unsigned>(v); })},
      {"ider-repeat", "N", "how often all of it (default 1; 0: until the end)",
       counted([](S s, std::uint64_t v) { s.machine.ider.repeat = static_cast<unsigned>(v); })},
      {"ider-sha256", "DIGEST", "what the CD's image must come to",
       later([](S s, const std::string& t) { return set_sha256(s.machine.ider.sha256, t); })},
      {"ider-sha256-floppy", "DIGEST", "what the floppy's image must come to",
       later([](S s, const std::string& t) { return set_sha256(s.machine.ider.sha256_floppy, t); })},

      heading("Bulk, for measurements"),
      {"bulk", nullptr, "large SOL messages (16000 bytes), no gaps", text([](S s, const std::string&) {
         s.machine.sol_message = sim::kMaxSolMessage;
         s.machine.gap = Duration{};
       })},
      {"kvm-stream", "N", "KVM sends N MiB of raw bytes instead of RFB (0: without end)",
       counted([](S s, std::uint64_t v) { s.machine.kvm_stream = v * 1024 * 1024; }, 1'000'000'000)},

      heading("Faults"),
      {"fault", "STAGE:KIND[:N[:TIMES]]",
       "stages connect tls start auth open stream wsman; kinds close reset stall garbage unknown[=ID] refuse; after "
       "N bytes "
       "of that stage (wsman: requests that change something); TIMES connections (all)",
       parsed([](const std::string& t) { return sim::parse_fault(t); },
              [](S s, const sim::Fault& v) { s.machine.faults.push_back(v); })},
      {"one-byte", nullptr, "one byte in a segment and TLS record",
       text([](S s, const std::string&) { s.machine.shape = sim::UnitQueue::Shape::OneByte; })},
      {"glue", nullptr, "everything there is in one segment",
       text([](S s, const std::string&) { s.machine.shape = sim::UnitQueue::Shape::Glued; })},
      {"gap", "MS", "rest behind 0x21, 0x29 and the like on plain TCP (default 50)",
       counted([](S s, std::uint64_t v) { s.machine.gap = milliseconds(v); }, 60'000)},
      {"slow-reader", "BYTES/S", "reads no faster",
       counted([](S s, std::uint64_t v) { s.slow_reader = v; }, 1'000'000'000)},
      {"heartbeats", "MS", "unsolicited heartbeats in SOL and IDE-R",
       counted([](S s, std::uint64_t v) { s.machine.heartbeat = milliseconds(v); }, 3'600'000)},

      heading("Output"),
      {"log", "FILE", "JSON lines; - is standard output", text([](S s, const std::string& v) { s.log_file = v; })},
      {"quiet", nullptr, "print nothing but the line that says ready",
       text([](S s, const std::string&) { s.quiet = true; })},
  };
  return table;
}

const Option* find(std::string_view name) {
  for (const Option& o : options()) {
    if (o.name && o.name == name) return &o;
  }
  return nullptr;
}

Result<Settings> finish(Gathered& g) {
  Settings s = std::move(g.settings);
  Result<sim::Profile> profile = sim::find_profile(g.profile);
  if (!profile) return profile.error();
  s.machine.profile = std::move(*profile);
  s.machine.screen = s.machine.profile.screen;
  for (const auto& change : g.changes) {
    const Result<void> r = change(s);
    if (!r) return r.error();
  }
  if (s.cert_file.empty() != s.key_file.empty()) return wrong("--cert and --key belong together");
  if (!s.machine.profile.tls_open && !s.machine.profile.plain_open) {
    return wrong("--tls no: this firmware never goes without TLS");
  }
  if (s.machine.profile.tls_min > s.machine.profile.tls_max) {
    return wrong("--tls-min is above --tls-max, " + std::string(name(s.machine.profile.tls_max)));
  }
  return s;
}

}  // namespace

std::string help() {
  std::string out = "usage: amtgate-sim [options]\nOne simulated Intel AMT machine. See amtgate-sim(1).\n";
  for (const Option& o : options()) {
    if (!o.name) {
      out += "\n" + std::string(o.help) + ":\n";
      continue;
    }
    std::string left = "  --" + std::string(o.name) + (o.value ? " " + std::string(o.value) : "");
    left.resize(std::max<std::size_t>(left.size() + 1, 27), ' ');
    out += left + o.help + "\n";
  }
  out += "\n  --help, --version, --assumptions   what of the profiles nobody has confirmed on hardware\n";
  return out;
}

std::vector<Settings> each_machine(const Settings& settings) {
  std::vector<Settings> out(settings.machines, settings);
  std::array<std::uint8_t, 16> bytes{};
  const std::span<const std::uint8_t> first = settings.listen.bytes();
  std::ranges::copy(first, bytes.begin());
  for (std::size_t n = 0; n < out.size(); ++n) {
    if (settings.machines > 1) out[n].machine.name += std::to_string(n + 1);
    out[n].listen =
        settings.listen.is_v4() ? IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}) : IpAddress::v6(bytes);
    for (std::size_t i = first.size(); i-- > 0 && ++bytes[i] == 0;) {
    }
  }
  return out;
}

Result<std::variant<Settings, Print>> parse_arguments(std::span<const char* const> arguments) {
  Gathered g;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view word = arguments[i];
    if (word == "--help" || word == "-h") return std::variant<Settings, Print>(Print{help()});
    if (word == "--version") return std::variant<Settings, Print>(Print{"amtgate-sim " AMTGATE_VERSION "\n"});
    if (word == "--assumptions") {
      Print p;
      for (const std::string_view a : sim::assumptions()) p.text += std::string(a) + "\n";
      return std::variant<Settings, Print>(std::move(p));
    }
    const Error unknown = wrong("unknown argument '" + std::string(word) + "'; --help lists the options");
    if (!word.starts_with("--")) return unknown;
    word.remove_prefix(2);
    const std::size_t eq = word.find('=');
    const Option* option = find(word.substr(0, eq));
    if (!option) return unknown;
    std::string_view value;
    if (eq != std::string_view::npos) {
      if (!option->value) return wrong("--" + std::string(option->name) + " takes no value");
      value = word.substr(eq + 1);
    } else if (option->value) {
      if (++i == arguments.size()) {
        return wrong("--" + std::string(option->name) + " needs a value: " + option->value);
      }
      value = arguments[i];
    }
    // The name of the option in front of what is wrong with its value, also when that shows only later.
    const Result<void> applied = option->apply(g, value);
    if (!applied) return wrong("--" + std::string(option->name) + ": " + applied.error().detail);
    if (!g.changes.empty() && option->apply && option->name != std::string_view("profile")) {
      g.changes.back() = [change = std::move(g.changes.back()), option](Settings& s) -> Result<void> {
        const Result<void> r = change(s);
        if (!r) return wrong("--" + std::string(option->name) + ": " + r.error().detail);
        return {};
      };
    }
  }
  Result<Settings> s = finish(g);
  if (!s) return s.error();
  return std::variant<Settings, Print>(std::move(*s));
}

}  // namespace amtgate::simhost
