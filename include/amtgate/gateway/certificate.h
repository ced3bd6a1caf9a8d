// The certificate that TLS clients see.
#pragma once

#include "amtgate/base/result.h"
#include "amtgate/config/config.h"
#include "amtgate/gateway/gateway.h"

namespace amtgate::gateway {

/// The configured certificate and key (`cert`, `key`, as load() read them); without them STATE/gateway-cert.pem and
/// STATE/gateway-key.pem, made at the first start (RSA: stock clients take nothing else for sure). Call it as the
/// daemon's account: the files belong to whoever makes them. Errors: System, BadValue, with the path.
Result<Options> certificate(const config::Gateway& gateway);

}  // namespace amtgate::gateway
