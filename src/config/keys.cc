#include "amtgate/config/keys.h"

#include <algorithm>
#include <array>
#include <utility>

#include "amtgate/config/values.h"

namespace amtgate::config {
namespace {

constexpr std::size_t kMaxControlPath = 107;  // sun_path less the final zero
constexpr std::size_t kMaxDoorPath = 255;
constexpr std::size_t kMaxAccount = 32;    // useradd(8)
constexpr std::size_t kMaxUserName = 64;   // AMT takes 32; more only to let it say so itself
constexpr std::size_t kMaxPassword = 128;  // AMT takes 32
constexpr std::uint64_t kMaxFrameBuffer = 1ULL << 30;
constexpr std::uint64_t kMaxSolBuffer = 1ULL << 30;
constexpr std::uint64_t kMaxImageCache = 1ULL << 50;
constexpr std::uint32_t kMaxWorkers = 256;
constexpr std::uint64_t kMaxRecordings = 1ULL << 50;
constexpr std::uint32_t kMaxDays = 36500;

template <class T>
using Order = typename Key<T>::Order;

Error wrong(std::string text) {
  return Error{Errc::BadValue, std::move(text)};
}

// --- words of the enumerations ---------------------------------------------------------------------------

template <class E>
struct Word {
  const char* text;
  E value;
};
template <class E>
constexpr std::array<Word<E>, 0> kWords{};
template <>
constexpr std::array<Word<bool>, 2> kWords<bool>{{{"yes", true}, {"no", false}}};
template <>
constexpr std::array<Word<LogLevel>, 4> kWords<LogLevel>{
    {{"error", LogLevel::Error}, {"warn", LogLevel::Warn}, {"info", LogLevel::Info}, {"debug", LogLevel::Debug}}};
template <>
constexpr std::array<Word<InterceptMode>, 2> kWords<InterceptMode>{
    {{"tproxy", InterceptMode::Tproxy}, {"redirect", InterceptMode::Redirect}}};
template <>
constexpr std::array<Word<Classify>, 2> kWords<Classify>{{{"queue", Classify::Queue}, {"all", Classify::All}}};
template <>
constexpr std::array<Word<FailMode>, 2> kWords<FailMode>{{{"open", FailMode::Open}, {"closed", FailMode::Closed}}};
template <>
constexpr std::array<Word<TlsMode>, 3> kWords<TlsMode>{
    {{"auto", TlsMode::Auto}, {"yes", TlsMode::Yes}, {"no", TlsMode::No}}};
template <>
constexpr std::array<Word<TlsVersion>, 4> kWords<TlsVersion>{
    {{"1.0", TlsVersion::V1_0}, {"1.1", TlsVersion::V1_1}, {"1.2", TlsVersion::V1_2}, {"1.3", TlsVersion::V1_3}}};
template <>
constexpr std::array<Word<Denied>, 2> kWords<Denied>{{{"refuse", Denied::Refuse}, {"pass", Denied::Pass}}};
template <>
constexpr std::array<Word<TlsPorts>, 2> kWords<TlsPorts>{
    {{"terminate", TlsPorts::Terminate}, {"pass", TlsPorts::Pass}}};
template <>
constexpr std::array<Word<ClientAuth>, 3> kWords<ClientAuth>{
    {{"none", ClientAuth::None}, {"users", ClientAuth::Users}, {"passthrough", ClientAuth::Passthrough}}};
template <>
constexpr std::array<Word<WsmanOnly>, 2> kWords<WsmanOnly>{{{"no", WsmanOnly::No}, {"read", WsmanOnly::Read}}};
template <>
constexpr std::array<Word<VncMode>, 2> kWords<VncMode>{
    {{"translate", VncMode::Translate}, {"splice", VncMode::Splice}}};
template <>
constexpr std::array<Word<VncSecurity>, 3> kWords<VncSecurity>{
    {{"none", VncSecurity::None}, {"password", VncSecurity::Password}, {"tls", VncSecurity::Tls}}};
template <>
constexpr std::array<Word<VncShare>, 3> kWords<VncShare>{
    {{"yes", VncShare::Yes}, {"no", VncShare::No}, {"view", VncShare::View}}};

// "a, b or c" of the words.
template <class E>
std::string alternatives() {
  std::string out;
  for (std::size_t i = 0; i < kWords<E>.size(); ++i) {
    if (i > 0) out += i + 1 == kWords<E>.size() ? " or " : ", ";
    out += kWords<E>[i].text;
  }
  return out;
}

// --- generic set and show, by member ---------------------------------------------------------------------

template <class T, auto Member>
using FieldOf = std::remove_reference_t<decltype(std::declval<T&>().*Member)>;

template <class T, auto Member>
Result<void> set_word(T& to, std::string_view value, Order<T>) {
  for (const auto& word : kWords<FieldOf<T, Member>>) {
    if (value == word.text) {
      to.*Member = word.value;
      return {};
    }
  }
  return wrong("'" + std::string(value) + "' is not " + alternatives<FieldOf<T, Member>>());
}
template <class T, auto Member>
std::string show_word(const T& from) {
  for (const auto& word : kWords<FieldOf<T, Member>>) {
    if (from.*Member == word.value) return word.text;
  }
  return {};
}

template <class T, auto Member, Result<std::string> (*Parse)(std::string_view)>
Result<void> set_text(T& to, std::string_view value, Order<T>) {
  Result<std::string> parsed = Parse(value);
  if (!parsed) return parsed.error();
  to.*Member = std::move(*parsed);
  return {};
}
template <class T, auto Member, Result<std::string> (*Parse)(std::string_view)>
Result<void> set_text_or_empty(T& to, std::string_view value, Order<T> order) {
  if (!value.empty()) return set_text<T, Member, Parse>(to, value, order);
  (to.*Member).clear();
  return {};
}
template <class T, auto Member>
std::string show_text(const T& from) {
  return from.*Member;
}

template <class T, auto Member, std::uint32_t Least, std::uint32_t Most, Radix Base = Radix::Decimal>
Result<void> set_number(T& to, std::string_view value, Order<T>) {
  const Result<std::uint32_t> parsed = parse_number(value, Least, Most, Base);
  if (!parsed) return parsed.error();
  to.*Member = static_cast<FieldOf<T, Member>>(*parsed);
  return {};
}
template <class T, auto Member>
std::string show_number(const T& from) {
  return std::to_string(from.*Member);
}

/// A list: `Parse` on each word; the same word twice is a mistake.
template <class T, auto Member, auto Parse>
Result<void> set_list(T& to, std::string_view value, Order<T> order) {
  auto& list = to.*Member;
  if (order == Order<T>::First) list.clear();
  for (const std::string_view word : words(value)) {
    auto parsed = Parse(word);
    if (!parsed) return parsed.error();
    if (std::ranges::find(list, *parsed) != list.end()) return wrong("'" + std::string(word) + "' stands here twice");
    list.push_back(std::move(*parsed));
  }
  return {};
}
template <class T, auto Member, auto Text>
std::string show_list(const T& from) {
  std::string out;
  for (const auto& item : from.*Member) out += (out.empty() ? "" : " ") + Text(item);
  return out;
}

template <class T>
const char* always_effect(const T&) {
  return nullptr;
}

// --- single values ---------------------------------------------------------------------------------------

Result<std::string> parse_account(std::string_view text) {
  Result<std::string> word = parse_word(text);
  if (!word || text.size() > kMaxAccount || text.front() == '-') {
    return wrong("'" + std::string(text) + "' is not the name of an account");
  }
  return word;
}
Result<std::string> parse_control(std::string_view text) {
  if (text.size() > kMaxControlPath) {
    return wrong("a socket's path has at most " + std::to_string(kMaxControlPath) + " bytes");
  }
  return parse_path(text);
}
Result<std::string> parse_tls_name(std::string_view text) {
  constexpr std::size_t kMaxName = 253;  // RFC 1035
  const bool good = text.size() <= kMaxName && std::ranges::all_of(text, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                             c == '.' || c == '_' || c == ':';
                    });
  if (!good) return wrong("not a host name, nor the word address");
  return std::string(text);
}
Result<std::string> parse_username(std::string_view text) {
  // What a quoted string of a digest header holds without escapes, and RFC 7616's user name: no colon.
  const bool good = !text.empty() && text.size() <= kMaxUserName && std::ranges::all_of(text, [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '"' && c != '\\' && c != ':';
  });
  if (!good)
    return wrong("a user name has 1 to " + std::to_string(kMaxUserName) + " characters, none of them \" \\ :");
  return std::string(text);
}
Result<SerialDoor> parse_door(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  SerialDoor door;
  if (word == "pty" && rest.starts_with('/') && rest.size() <= kMaxDoorPath && !rest.ends_with('/')) {
    const Result<std::string> path = parse_path(rest);
    if (!path) return path.error();
    door.kind = SerialDoor::Kind::Pty;
    door.path = *path;
    return door;
  }
  const Result<Endpoint> at = Endpoint::parse(rest);
  if ((word != "tcp" && word != "telnet") || !at || at->port.value == 0) {
    return wrong("'" + std::string(text) +
                 "' is none of tcp:ADDRESS:PORT, telnet:ADDRESS:PORT and pty:/PATH; an IPv6 address stands in []");
  }
  door.kind = word == "tcp" ? SerialDoor::Kind::Tcp : SerialDoor::Kind::Telnet;
  door.at = *at;
  return door;
}
std::string door_text(const SerialDoor& door) {
  return to_string(door);
}
Result<std::string> parse_image(std::string_view text) {
  if (text.starts_with("http://") || text.starts_with("https://")) {
    if (text.find(' ') != std::string_view::npos) return wrong("an address of the web holds no blank");
    return std::string(text);
  }
  return parse_path(text);
}
Result<std::string> parse_pattern(std::string_view text) {
  return parse_interface(text, InterfaceKind::Pattern);
}
Result<std::string> parse_interface_name(std::string_view text) {
  return parse_interface(text, InterfaceKind::Name);
}
Result<Service> parse_service_word(std::string_view text) {
  if (const std::optional<Service> service = parse_service(text)) return *service;
  return wrong("'" + std::string(text) + "' is not vnc, sol, ider, wsman or rmcp");
}
Result<Network> parse_allowed(std::string_view text) {
  Result<Network> network = Network::parse(text);
  if (!network) return wrong("'" + std::string(text) + "' is neither an IP address nor a network");
  return network;
}

Result<void> set_metrics(Gateway& to, std::string_view value, Order<Gateway>) {
  if (value.empty()) {
    to.metrics.reset();
    return {};
  }
  const Result<Endpoint> endpoint = Endpoint::parse(value);
  if (!endpoint) return wrong("'" + std::string(value) + "' is not ADDRESS:PORT");
  to.metrics = *endpoint;
  return {};
}
std::string show_metrics(const Gateway& from) {
  return from.metrics ? from.metrics->to_string() : std::string();
}

Result<void> set_image_cache(Gateway& to, std::string_view value, Order<Gateway>) {
  const Result<std::uint64_t> size = parse_size(value, kMaxImageCache);
  if (!size) return size.error();
  to.image_cache = *size;
  return {};
}
std::string show_image_cache(const Gateway& from) {
  constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;
  return from.image_cache % kGiB == 0 ? std::to_string(from.image_cache / kGiB) + "G"
                                      : std::to_string(from.image_cache);
}

Result<void> set_ports(Intercept& to, std::string_view value, Order<Intercept> order) {
  const Result<void> set = set_list<Intercept, &Intercept::ports, parse_port>(to, value, order);
  if (set && to.ports.empty()) return wrong("no port is named");
  return set;
}
std::string port_text(const Port& port) {
  return std::to_string(port.value);
}
Result<void> set_listener(Intercept& to, std::string_view value, Order<Intercept>) {
  const Result<Port> port = parse_port(value);
  if (!port) return wrong("'" + std::string(value) + "' is not a number from 1 to 65535");
  to.port = *port;
  return {};
}
std::string show_listener(const Intercept& from) {
  return port_text(from.port);
}
Result<void> set_mark(Intercept& to, std::string_view value, Order<Intercept>) {
  // The next higher mark is put on the daemon's own connections.
  const Result<std::uint32_t> mark = parse_number(value, 1, 0xfffffffe, Radix::DecimalOrHex);
  if (!mark) return wrong("'" + std::string(value) + "' is not a mark from 0x1 to 0xfffffffe");
  to.mark = *mark;
  return {};
}
std::string show_mark(const Intercept& from) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (std::uint32_t rest = from.mark; rest != 0; rest >>= 4) out.insert(out.begin(), kDigits[rest & 0xf]);
  return "0x" + out;
}
Result<void> set_table(Intercept& to, std::string_view value, Order<Intercept> order) {
  const Result<void> set =
      set_number<Intercept, &Intercept::table, 1, 0xffffffff, Radix::DecimalOrHex>(to, value, order);
  if (set && to.table >= 253 && to.table <= 255) return wrong("253, 254 and 255 are the system's own tables");
  return set;
}

Result<void> set_address(Target& to, std::string_view value, Order<Target> order) {
  const Result<void> set = set_list<Target, &Target::address, parse_host>(to, value, order);
  if (set && to.address.empty()) return wrong("no address is named");
  return set;
}
Result<void> set_amt(Target& to, std::string_view value, Order<Target>) {
  if (value.empty()) {
    to.amt.reset();
    return {};
  }
  Result<Host> host = parse_host(value);
  if (!host) return host.error();
  const auto* network = std::get_if<Network>(&*host);
  if (network != nullptr && !network->is_single()) return wrong("'" + std::string(value) + "' is not one address");
  to.amt = std::move(*host);
  return {};
}
std::string show_amt(const Target& from) {
  return from.amt ? to_string(*from.amt) : std::string();
}
Result<void> set_source(Target& to, std::string_view value, Order<Target>) {
  if (value.empty()) {
    to.source.reset();
    return {};
  }
  const Result<IpAddress> address = IpAddress::parse(value);
  if (!address) return address.error();
  if (address->is_unspecified()) return wrong("'" + std::string(value) + "' is no address to leave from");
  to.source = *address;
  return {};
}
std::string show_source(const Target& from) {
  return from.source ? from.source->to_string() : std::string();
}
Result<void> set_password(Target& to, std::string_view value, Order<Target>) {
  if (value.size() > kMaxPassword) return wrong("longer than " + std::to_string(kMaxPassword) + " bytes");
  to.password = Secret(std::string(value));
  if (!value.empty()) to.password_file.clear();  // takes the place of the file of [defaults]
  return {};
}
std::string show_nothing(const Target&) {
  return {};
}
Result<void> set_password_file(Target& to, std::string_view value, Order<Target> order) {
  if (!value.empty()) to.password = Secret();
  return set_text_or_empty<Target, &Target::password_file, parse_path>(to, value, order);
}
Result<void> set_ca(Target& to, std::string_view value, Order<Target> order) {
  if (!value.empty()) to.tls_pin.clear();
  return set_text_or_empty<Target, &Target::tls_ca, parse_path>(to, value, order);
}
Result<void> set_pin(Target& to, std::string_view value, Order<Target> order) {
  if (!value.empty()) to.tls_ca.clear();
  return set_text_or_empty<Target, &Target::tls_pin, parse_pin>(to, value, order);
}
std::string show_pin(const Target& from) {
  return from.tls_pin.empty() ? std::string() : "sha256:" + from.tls_pin;
}
std::string network_text(const Network& network) {
  return to_string(Host{network});
}
Result<void> set_services(Target& to, std::string_view value, Order<Target> order) {
  const Result<void> set = set_list<Target, &Target::services, parse_service_word>(to, value, order);
  if (set && to.services.empty()) return wrong("no service is named");
  return set;
}
std::string service_text(const Service& service) {
  return std::string(name(service));
}
Result<void> set_frame_buffer_limit(Target& to, std::string_view value, Order<Target>) {
  if (value == "auto") {
    to.frame_buffer_limit.reset();
    return {};
  }
  const Result<std::uint64_t> size = parse_size(value, kMaxFrameBuffer);
  if (!size) return wrong("neither auto nor a size: " + size.error().detail);
  to.frame_buffer_limit = *size;
  return {};
}
std::string show_frame_buffer_limit(const Target& from) {
  return from.frame_buffer_limit ? std::to_string(*from.frame_buffer_limit) : "auto";
}
Result<void> set_sol_buffer(Target& to, std::string_view value, Order<Target>) {
  if (value == "0") {
    to.sol_buffer = 0;
    return {};
  }
  const Result<std::uint64_t> size = parse_size(value, kMaxSolBuffer);
  if (!size) return size.error();
  to.sol_buffer = *size;
  return {};
}
std::string show_sol_buffer(const Target& from) {
  return from.sol_buffer % 1024 == 0 && from.sol_buffer > 0 ? std::to_string(from.sol_buffer / 1024) + "k"
                                                            : std::to_string(from.sol_buffer);
}
Result<void> set_record_limit(Gateway& to, std::string_view value, Order<Gateway>) {
  const Result<std::uint64_t> size = parse_size(value, kMaxRecordings);
  if (!size) return size.error();
  to.record_limit = *size;
  return {};
}
std::string show_record_limit(const Gateway& from) {
  constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;
  return from.record_limit % kGiB == 0 ? std::to_string(from.record_limit / kGiB) + "G"
                                       : std::to_string(from.record_limit);
}
Result<void> set_record(Target& to, std::string_view value, Order<Target>) {
  to.record_vnc = to.record_sol = false;
  const std::vector<std::string_view> list = words(value);
  if (list.size() == 1 && list[0] == "no") return {};
  for (const std::string_view word : list) {
    bool& flag = word == "vnc" ? to.record_vnc : to.record_sol;
    if ((word != "vnc" && word != "sol") || flag)
      return wrong("'" + std::string(value) + "' is not no, vnc, sol or vnc sol");
    flag = true;
  }
  if (list.empty()) return wrong("'' is not no, vnc, sol or vnc sol");
  return {};
}
std::string show_record(const Target& from) {
  if (from.record_vnc) return from.record_sol ? "vnc sol" : "vnc";
  return from.record_sol ? "sol" : "no";
}
std::string same_text(const std::string& text) {
  return text;
}

// --- the table -------------------------------------------------------------------------------------------
// Shorthands for one row each: WORD an enumeration, TEXT a text that may not be empty, OPTIONAL one that may.
#define WORD(T, member) #member, Repeat::No, Shown::Yes, set_word < T, &T::member>, show_word < T, &T::member>
#define TEXT(T, member, parse) \
#member, Repeat::No, Shown::Yes, set_text < T, &T::member, parse>, show_text < T, &T::member>
#define OPTIONAL(T, member, parse) \
#member, Repeat::No, Shown::Yes, set_text_or_empty < T, &T::member, parse>, show_text < T, &T::member>

constexpr Key<Gateway> kGatewayKeys[] = {
    {TEXT(Gateway, user, parse_account), "the account to drop to", always_effect},
    {"workers", Repeat::No, Shown::Yes, set_number<Gateway, &Gateway::workers, 0, kMaxWorkers>,
     show_number<Gateway, &Gateway::workers>, "event loops; 0 = one for each CPU", always_effect},
    {TEXT(Gateway, control, parse_control), "the socket that amtgate(1) speaks to", always_effect},
    {WORD(Gateway, control_users),
     "accounts of this host with a name of the users file may use it, as their roles say", always_effect},
    {TEXT(Gateway, state, parse_path), "folder of known certificates and the gateway's own", always_effect},
    {TEXT(Gateway, users, parse_path), "users for client_auth = users, written by `amtgate passwd`", always_effect},
    {OPTIONAL(Gateway, cert, parse_path), "what TLS clients see (PEM); empty = made at first start", always_effect},
    {OPTIONAL(Gateway, key, parse_path), "its private key (PEM)", always_effect},
    {"metrics", Repeat::No, Shown::Yes, set_metrics, show_metrics, "Prometheus text at this address; empty = off",
     always_effect},
    {WORD(Gateway, log_level), "error, warn, info or debug", always_effect},
    {"record_limit", Repeat::No, Shown::Yes, set_record_limit, show_record_limit,
     "bytes of all recordings; the oldest go first", always_effect},
    {"record_days", Repeat::No, Shown::Yes, set_number<Gateway, &Gateway::record_days, 0, kMaxDays>,
     show_number<Gateway, &Gateway::record_days>, "recordings older than that go; 0 = none", always_effect},
    {"image_cache", Repeat::No, Shown::Yes, set_image_cache, show_image_cache,
     "how much of images from web servers is kept in the state folder", always_effect},
    {OPTIONAL(Gateway, image_ca, parse_path), "verify web servers of images with this CA (PEM); empty = the system's",
     always_effect},
};

constexpr Key<Intercept> kInterceptKeys[] = {
    {WORD(Intercept, mode), "tproxy, or redirect (NAT, for kernels without TPROXY)", always_effect},
    {"ports", Repeat::List, Shown::Yes, set_ports, show_list<Intercept, &Intercept::ports, port_text>,
     "the ports that are caught", always_effect},
    {"interfaces", Repeat::List, Shown::Yes, set_list<Intercept, &Intercept::interfaces, parse_pattern>,
     show_list<Intercept, &Intercept::interfaces, same_text>, "where clients come in; empty = any", always_effect},
    {WORD(Intercept, local), "this host's own outgoing connections too", always_effect},
    {WORD(Intercept, classify), "queue (NFQUEUE looks at first packets), or all (strangers are relayed plainly)",
     always_effect},
    {"queue", Repeat::No, Shown::Yes, set_number<Intercept, &Intercept::queue, 0, 65535>,
     show_number<Intercept, &Intercept::queue>, "the NFQUEUE number", always_effect},
    {WORD(Intercept, fail), "open or closed: what happens to packets while the daemon is down", always_effect},
    {"mark", Repeat::No, Shown::Yes, set_mark, show_mark,
     "of caught packets; the next higher one is the daemon's own", always_effect},
    {"table", Repeat::No, Shown::Yes, set_table, show_number<Intercept, &Intercept::table>,
     "the routing table of caught packets", always_effect},
    {"port", Repeat::No, Shown::Yes, set_listener, show_listener, "the transparent listener", always_effect},
};

constexpr Key<Target> kTargetKeys[] = {
    {"address", Repeat::List, Shown::Yes, set_address,
     show_list<Target, &Target::address, static_cast<std::string (*)(const Host&)>(to_string)>,
     "what clients aim at: addresses, networks or names", always_effect},
    {"amt", Repeat::No, Shown::Yes, set_amt, show_amt, "where the AMT is, if elsewhere: address or name",
     always_effect},
    {OPTIONAL(Target, interface, parse_interface_name), "leave through this interface", always_effect},
    {"source", Repeat::No, Shown::Yes, set_source, show_source, "leave from this address", always_effect},
    {TEXT(Target, username, parse_username), "the AMT account", always_effect},
    {"password", Repeat::No, Shown::Secret, set_password, show_nothing, "its password", always_effect},
    {"password_file", Repeat::No, Shown::Yes, set_password_file, show_text<Target, &Target::password_file>,
     "a file with the password in its first line", always_effect},
    {WORD(Target, tls), "auto, yes or no: TLS towards the machine", always_effect},
    {"tls_ca", Repeat::No, Shown::Yes, set_ca, show_text<Target, &Target::tls_ca>,
     "verify the machine's certificate with this CA (PEM)", always_effect},
    {"tls_pin", Repeat::No, Shown::Yes, set_pin, show_pin,
     "or by the SHA-256 of the certificate or of its public key", always_effect},
    {OPTIONAL(Target, tls_name, parse_tls_name), "whom a certificate of tls_ca must name: address, or a host",
     always_effect},
    {WORD(Target, tls_min), "the least TLS version: 1.0, 1.1, 1.2 or 1.3", always_effect},
    {OPTIONAL(Target, tls_cert, parse_path), "client certificate for mutual TLS (PEM)", always_effect},
    {OPTIONAL(Target, tls_key, parse_path), "its private key (PEM)", always_effect},
    {"allow", Repeat::List, Shown::Yes, set_list<Target, &Target::allow, parse_allowed>,
     show_list<Target, &Target::allow, network_text>, "who may use it; empty = this host alone", always_effect},
    {WORD(Target, denied), "refuse (with the reason), or pass (as if amtgate were not there)", always_effect},
    {WORD(Target, tls_ports), "terminate TLS from clients, or pass it untouched", always_effect},
    {WORD(Target, client_auth), "none, users, or passthrough (the client's own AMT credentials)", always_effect},
    {WORD(Target, plaintext_auth), "allow the old user/password method upstream", always_effect},
    {"services", Repeat::List, Shown::Yes, set_services, show_list<Target, &Target::services, service_text>,
     "what is served: vnc, sol, ider, wsman, rmcp", always_effect},
    {WORD(Target, wsman_only), "no, or read: only requests that change nothing go through", always_effect},
    {WORD(Target, vnc_mode), "translate, or splice (RFB untouched after the handshake)", always_effect},
    {WORD(Target, vnc_security), "none, password or tls: what viewers must do", always_effect},
    {OPTIONAL(Target, vnc_password_file, parse_path), "the password for vnc_security = password, or inside of tls",
     always_effect},
    {WORD(Target, vnc_share), "yes, no or view: more than one viewer on one screen", always_effect},
    {"keyboard", Repeat::No, Shown::Yes, set_text_or_empty<Target, &Target::keyboard, parse_keyboard>,
     show_text<Target, &Target::keyboard>, "the layout of the PC's operating system, as XKB names it; empty = us",
     always_effect},
    {WORD(Target, reconnect), "keep the client when the AMT side drops, and come back", always_effect},
    {"frame_buffer_limit", Repeat::No, Shown::Yes, set_frame_buffer_limit, show_frame_buffer_limit,
     "bytes above which this AMT wants 8 bit a pixel", always_effect},
    {OPTIONAL(Target, image, parse_image), "a CD image that the gateway attaches", always_effect},
    {OPTIONAL(Target, image_floppy, parse_image), "a floppy image that the gateway attaches", always_effect},
    {"sol_listen", Repeat::List, Shown::Yes, set_list<Target, &Target::sol_listen, parse_door>,
     show_list<Target, &Target::sol_listen, door_text>,
     "serve the serial console here: tcp:, telnet:, pty:", always_effect},
    {OPTIONAL(Target, sol_log, parse_path), "write the serial console's output to this file", always_effect},
    {"sol_buffer", Repeat::No, Shown::Yes, set_sol_buffer, show_sol_buffer, "serial output kept for the next client",
     always_effect},
    {"record", Repeat::No, Shown::Yes, set_record, show_record, "no, vnc, sol or vnc sol: sessions to record",
     always_effect},
    {WORD(Target, record_input), "what is typed at a recorded serial console, too: passwords among it",
     always_effect},
    {"tags", Repeat::List, Shown::Yes, set_list<Target, &Target::tags, parse_word>,
     show_list<Target, &Target::tags, same_text>, "words to select targets by on the command line", always_effect},
};

#undef WORD
#undef TEXT
#undef OPTIONAL

}  // namespace

std::span<const Key<Gateway>> gateway_keys() {
  return kGatewayKeys;
}
std::span<const Key<Intercept>> intercept_keys() {
  return kInterceptKeys;
}
std::span<const Key<Target>> target_keys() {
  return kTargetKeys;
}

}  // namespace amtgate::config
