#include "amtgate/gateway/preflight.h"

#include <charconv>
#include <set>

#include "amtgate/auth/users.h"
#include "amtgate/tls/certificate.h"
#include "amtgate/tls/context.h"

namespace amtgate::gateway {
namespace {

/// "NAME:LINE: text" taken apart again, so that it is counted and sorted as any other mistake.
config::Mistake from_text(const std::string& file, std::string_view detail) {
  config::Mistake out{file, 0, std::string(detail)};
  if (!detail.starts_with(file + ":")) return out;
  detail.remove_prefix(file.size() + 1);
  const auto [end, ec] = std::from_chars(detail.data(), detail.data() + detail.size(), out.line);
  if (ec != std::errc{}) return {file, 0, out.text};
  detail.remove_prefix(static_cast<std::size_t>(end - detail.data()));
  if (detail.starts_with(": ")) detail.remove_prefix(2);
  out.text = detail;
  return out;
}

}  // namespace

std::vector<config::Mistake> preflight(const config::Config& config) {
  std::vector<config::Mistake> out;
  const config::Gateway& g = config.gateway;
  if (!g.users_text.empty()) {
    const Result<auth::UsersFile> users = auth::UsersFile::parse(g.users_text.reveal(), g.users);
    if (!users) out.push_back(from_text(g.users, users.error().detail));
  }
  if (!g.cert_text.empty()) {
    tls::ServerPolicy policy;
    policy.cert_pem = g.cert_text.reveal();
    policy.key_pem = g.key_text.reveal();
    const Result<tls::Context> context = tls::Context::server(policy);
    if (!context) out.push_back({g.cert, 0, context.error().detail});
  }
  std::set<std::string> seen;  // many targets share the files of [defaults]
  for (const config::Target& t : config.targets) {
    if (!t.tls_ca.empty() && seen.insert(t.tls_ca).second) {
      if (const auto ca = tls::parse_pem(t.tls_ca_text); !ca) out.push_back({t.tls_ca, 0, ca.error().detail});
    }
    if (t.tls_cert.empty() || !seen.insert(t.tls_cert + '\0' + t.tls_key).second) continue;
    tls::ClientPolicy policy;
    policy.cert_pem = t.tls_cert_text.reveal();
    policy.key_pem = t.tls_key_text.reveal();
    const Result<tls::Context> context = tls::Context::client(policy);
    if (!context) out.push_back({t.tls_cert, 0, context.error().detail});
  }
  return out;
}

}  // namespace amtgate::gateway
