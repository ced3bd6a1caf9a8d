#include "amtgate/sim/profile.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace amtgate::sim {
namespace {

constexpr std::array<std::string_view, 9> kNames = {"8", "9", "11", "12", "15", "16.1", "19", "21", "ism"};

constexpr std::array<std::string_view, 8> kAssumptions = {
    "8, 9, 11: the exact lists of authentication methods (--methods)",
    "all: redirection offers qop \"auth\"; 16.1 offers \"auth-int, auth\" over HTTP, perhaps here too (--qop)",
    "12, 15: whether the RFB greeting is 3.8 or 4.0 (--greeting)",
    "15: that it and later firmware refuse a nonce count of other than 8 digits (--strict-nc, --no-strict-nc)",
    "19, 21: TLS 1.3 is offered (--tls-max)",
    "16.1: what port 5900 does once it cannot be enabled any more (--port5900)",
    "all: the reply to a wrong digest is status 1 without data, then the connection is closed (--login-failure)",
    "all: how long a machine is out of reach while it boots (--boot-time)",
};

template <class E, std::size_t N>
Result<E> parse_word(std::string_view what, std::string_view text,
                     const std::array<std::pair<std::string_view, E>, N>& words) {
  std::string known;
  for (const auto& [word, value] : words) {
    if (word == text) return value;
    known += (known.empty() ? "" : ", ") + std::string(word);
  }
  return Error{Errc::BadValue, std::string(what) + " '" + std::string(text) + "' (" + known + ")"};
}

constexpr std::array<std::pair<std::string_view, TlsVersion>, 4> kTls = {
    {{"1.0", TlsVersion::V1_0}, {"1.1", TlsVersion::V1_1}, {"1.2", TlsVersion::V1_2}, {"1.3", TlsVersion::V1_3}}};
constexpr std::array<std::pair<std::string_view, Port5900>, 4> kPort5900 = {{{"password", Port5900::Password},
                                                                             {"dead", Port5900::Dead},
                                                                             {"no-password", Port5900::NoPassword},
                                                                             {"closed", Port5900::Closed}}};
constexpr std::array<std::pair<std::string_view, KeyType>, 2> kKeys = {{{"rsa", KeyType::Rsa}, {"ec", KeyType::Ec}}};
constexpr std::array<std::pair<std::string_view, RfbGreeting>, 2> kGreetings = {
    {{"3.8", RfbGreeting::V3_8}, {"4.0", RfbGreeting::V4_0}}};

template <class E, std::size_t N>
std::string_view word_of(E value, const std::array<std::pair<std::string_view, E>, N>& words) {
  for (const auto& [word, v] : words) {
    if (v == value) return word;
  }
  return "?";
}

std::optional<unsigned> number(std::string_view text) {
  unsigned n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

}  // namespace

std::span<const std::string_view> profile_names() {
  return kNames;
}
std::span<const std::string_view> assumptions() {
  return kAssumptions;
}

Result<Profile> find_profile(std::string_view name) {
  Profile p;
  p.name = std::string(name);
  if (name == "8") {
    p.firmware = "8.1.71";
    p.tls_min = p.tls_max = TlsVersion::V1_0;
    p.methods = {1, 3, 4};
    p.greeting = RfbGreeting::V4_0;
    p.max_size16 = {1920, 1200};
    p.boot_time = seconds(10);  // slow POST
    p.legacy_soap = true;
  } else if (name == "9") {
    p.firmware = "9.1.45";
    p.tls_min = TlsVersion::V1_0;
    p.tls_max = TlsVersion::V1_1;
    p.methods = {3, 4};
    p.greeting = RfbGreeting::V4_0;
    p.max_size16 = {2560, 1600};
  } else if (name == "11") {
    p.firmware = "11.8.94";
    p.tls_min = TlsVersion::V1_0;
    p.tls_max = TlsVersion::V1_1;
    p.greeting = RfbGreeting::V4_0;
    p.max_size16 = {2560, 1600};
  } else if (name == "12") {
    p.firmware = "12.0.95";
    p.tls_min = TlsVersion::V1_1;
    p.greeting = RfbGreeting::V4_0;
    p.max_size16 = {2560, 1600};
  } else if (name == "15") {
    p.firmware = "15.0.42";
    p.strict_nonce_count = true;
    p.max_size16 = {2560, 1600};
    p.idle = std::chrono::minutes(3);
  } else if (name == "16.1" || name == "ism") {
    p.firmware = "16.1.30";
    p.plain_open = false;
    p.strict_nonce_count = true;
    p.http_qop = "auth-int, auth";
    p.max_size16 = {2560, 1600};
    p.gray_formats = true;
    p.idle = std::chrono::minutes(3);
    p.port5900 = Port5900::NoPassword;
    if (name == "ism") {  // Standard Manageability: everything but KVM
      p.kvm = false;
      p.port5900 = Port5900::Closed;
    }
  } else if (name == "19" || name == "21") {
    p.firmware = name == "19" ? "19.0.5" : "21.0.1";
    p.plain_open = false;
    p.tls_max = TlsVersion::V1_3;
    p.key = KeyType::Ec;
    p.ask_client_certificate = true;
    p.strict_nonce_count = true;
    p.http_qop = "auth-int, auth";
    p.max_size16 = {2560, 1600};
    p.gray_formats = true;
    p.idle = std::chrono::minutes(3);
    p.port5900 = Port5900::Closed;
  } else {
    std::string known;
    for (const std::string_view n : kNames) known += (known.empty() ? "" : ", ") + std::string(n);
    return Error{Errc::BadValue, "profile '" + std::string(name) + "' (" + known + ")"};
  }
  return p;
}

std::string_view name(TlsVersion v) {
  return word_of(v, kTls);
}
std::string_view name(Port5900 v) {
  return word_of(v, kPort5900);
}
std::string_view name(KeyType v) {
  return word_of(v, kKeys);
}
std::string_view name(RfbGreeting v) {
  return word_of(v, kGreetings);
}

Result<TlsVersion> parse_tls_version(std::string_view text) {
  return parse_word("TLS version", text, kTls);
}
Result<Port5900> parse_port5900(std::string_view text) {
  return parse_word("port 5900", text, kPort5900);
}
Result<KeyType> parse_key_type(std::string_view text) {
  return parse_word("key type", text, kKeys);
}
Result<RfbGreeting> parse_greeting(std::string_view text) {
  return parse_word("greeting", text, kGreetings);
}

Result<Size> parse_size(std::string_view text) {
  const std::size_t x = text.find('x');
  const Error wrong{Errc::BadValue, "size '" + std::string(text) + "' (WIDTHxHEIGHT, each 1 to 8192)"};
  if (x == std::string_view::npos) return wrong;
  const std::optional<unsigned> w = number(text.substr(0, x));
  const std::optional<unsigned> h = number(text.substr(x + 1));
  if (!w || !h || *w < 1 || *w > 8192 || *h < 1 || *h > 8192) return wrong;
  return Size{static_cast<std::uint16_t>(*w), static_cast<std::uint16_t>(*h)};
}

Result<std::vector<std::uint8_t>> parse_methods(std::string_view text) {
  const Error wrong{Errc::BadValue, "methods '" + std::string(text) + "' (1, 2, 3, 4, separated by commas)"};
  std::vector<std::uint8_t> out;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::optional<unsigned> id = number(text.substr(0, comma));
    if (!id || *id < 1 || *id > 4) return wrong;
    const auto method = static_cast<std::uint8_t>(*id);
    if (std::ranges::find(out, method) != out.end()) return wrong;
    out.push_back(method);
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace amtgate::sim
