#include "amtgate/cli/machine_options.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "amtgate/config/load.h"
#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

constexpr std::size_t kMaxPasswordFile = 4096;  // AMT passwords have at most 32 characters

std::string first_line(std::string text) {
  text.erase(std::min(text.find('\n'), text.size()));
  if (!text.empty() && text.back() == '\r') text.pop_back();
  return text;
}

Result<void> set_user(MachineOptions& o, const std::string& v) {
  o.target.username = v;
  return {};
}

Result<void> set_password_file(MachineOptions& o, const std::string& v) {
  const Result<std::string> text = sys::read_file(v, kMaxPasswordFile);
  if (!text) return text.error();
  o.target.password = config::Secret(first_line(*text));
  return {};
}

Result<void> set_plain(MachineOptions& o, const std::string&) {
  o.target.tls = config::TlsMode::No;
  return {};
}

Result<void> set_tls(MachineOptions& o, const std::string&) {
  o.target.tls = config::TlsMode::Yes;
  return {};
}

Result<void> set_ca(MachineOptions& o, const std::string& v) {
  Result<std::string> text = sys::read_file(v, config::kMaxPemFile);
  if (!text) return text.error();
  o.target.tls_ca = v;
  o.target.tls_ca_text = std::move(*text);
  return {};
}

Result<void> set_pin(MachineOptions& o, const std::string& v) {
  const std::string digits = v.rfind("sha256:", 0) == 0 ? v.substr(7) : v;
  if (digits.size() != 64 || digits.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Error{Errc::BadValue, "--pin '" + v + "' (64 lower-case hexadecimal digits)"};
  }
  o.target.tls_pin = digits;
  return {};
}

Result<void> set_tls_name(MachineOptions& o, const std::string& v) {
  o.target.tls_name = v;
  return {};
}

Result<void> set_tls_min(MachineOptions& o, const std::string& v) {
  using enum config::TlsVersion;
  for (const auto& [word, version] : {std::pair{"1.0", V1_0}, {"1.1", V1_1}, {"1.2", V1_2}, {"1.3", V1_3}}) {
    if (v != word) continue;
    o.target.tls_min = version;
    return {};
  }
  return Error{Errc::BadValue, "--tls-min '" + v + "' (1.0, 1.1, 1.2 or 1.3)"};
}

Result<void> set_client_cert(MachineOptions& o, const std::string& v) {
  Result<std::string> text = sys::read_file(v, config::kMaxPemFile);
  if (!text) return text.error();
  o.target.tls_cert = v;
  o.target.tls_cert_text = config::Secret(std::move(*text));
  return {};
}

Result<void> set_client_key(MachineOptions& o, const std::string& v) {
  if (const Result<void> good = sys::check_private(v); !good) return good;
  Result<std::string> text = sys::read_file(v, config::kMaxPemFile);
  if (!text) return text.error();
  o.target.tls_key = v;
  o.target.tls_key_text = config::Secret(std::move(*text));
  return {};
}

Result<void> set_state(MachineOptions& o, const std::string& v) {
  o.state = v;
  return {};
}

constexpr MachineOption kOptions[] = {
    {"--user", "NAME", "who logs in (admin)", set_user},
    {"--password-file", "FILE", "its first line is the password; else $AMT_PASSWORD", set_password_file},
    {"--plain", "", "without TLS", set_plain},
    {"--tls", "", "with TLS only", set_tls},
    {"--ca", "FILE", "the machine's certificate must come from this CA", set_ca},
    {"--tls-name", "NAME", "with --ca: whom the certificate must be for: a name, or the word address", set_tls_name},
    {"--pin", "HEX", "the SHA-256 of its certificate or its key", set_pin},
    {"--tls-min", "VERSION", "1.0, 1.1, 1.2 or 1.3", set_tls_min},
    {"--client-cert", "FILE", "our own certificate, for machines with mutual TLS", set_client_cert},
    {"--client-key", "FILE", "its key", set_client_key},
    {"--state", "FOLDER", "where certificates seen at first use are remembered", set_state},
};

}  // namespace

std::span<const MachineOption> machine_options() {
  return kOptions;
}

std::string plain_host(std::string host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') return host.substr(1, host.size() - 2);
  return host;
}

MachineOptions default_machine() {
  MachineOptions out;
  if (const char* password = std::getenv("AMT_PASSWORD")) out.target.password = config::Secret(password);
  return out;
}

std::string default_state() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state && *state == '/') return std::string(state) + "/amtgate";
  const char* home = std::getenv("HOME");
  return home && *home == '/' ? std::string(home) + "/.local/state/amtgate" : std::string("/var/lib/amtgate");
}

}  // namespace amtgate::cli
