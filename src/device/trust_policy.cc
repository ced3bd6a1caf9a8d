#include "amtgate/device/trust_policy.h"

namespace amtgate::device {
namespace {

void add_name(std::vector<std::string>& out, const config::Host& host) {
  if (const auto* name = std::get_if<std::string>(&host)) out.push_back(*name);
}

}  // namespace

tls::TrustPolicy trust_policy(const config::Target& target, const IpAddress& address) {
  tls::TrustPolicy out{target.tls_ca_text, target.tls_pin};
  if (target.tls_name.empty()) return out;
  if (target.tls_name != config::kTlsNameAddress) {
    out.hosts = {target.tls_name};
    return out;
  }
  out.hosts = {address.to_string()};
  if (target.amt) {
    add_name(out.hosts, *target.amt);
  } else {
    for (const config::Host& host : target.address) add_name(out.hosts, host);
  }
  return out;
}

}  // namespace amtgate::device
