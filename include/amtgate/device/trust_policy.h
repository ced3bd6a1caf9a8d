// What a target's configuration asks of the machine's certificate.
#pragma once

#include "amtgate/base/inet.h"
#include "amtgate/config/config.h"
#include "amtgate/tls/trust.h"

namespace amtgate::device {

/// `address`: where its AMT is. With tls_name = address the certificate must be for that, or for a name that the
/// target has in `amt` or, without one, in `address`.
tls::TrustPolicy trust_policy(const config::Target& target, const IpAddress& address);

}  // namespace amtgate::device
