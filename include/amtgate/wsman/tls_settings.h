// How a machine does TLS. What is set here is staged in it until commit_changes(); the names of trusted consoles
// alone count at once.
//
// Source: Intel's class reference (AMT_TLSSettingData, AMT_TLSCredentialContext), MeshCentral.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

/// From the network, or from the machine's own operating system.
enum class TlsSide { Network, Local };

struct TlsSettings {
  bool enabled = false;
  bool plain_too = false;                    // 16992, 623 and 16994 stay open beside TLS
  bool mutual = false;                       // consoles must show a certificate of a trusted root
  std::vector<std::string> trusted_names{};  // ends of their common names; empty: any

  bool operator==(const TlsSettings&) const = default;
};

struct TlsState {
  TlsSettings network, local;
  bool never_plain = false;  // this firmware has no ports without TLS for the network, and TLS cannot be off
  std::string certificate;   // id of the one it shows; empty: none is chosen
};
Result<TlsState> read_tls(Caller& machine);

Result<void> put_tls(Caller& machine, TlsSide side, const TlsSettings& wanted);
/// The certificate to show, which must have its key in the machine.
Result<void> use_certificate(Caller& machine, std::string_view id);
/// None. Errors: Refused while TLS is on.
Result<void> use_no_certificate(Caller& machine);

/// Makes what is staged count; its network restarts then. A connection that breaks instead of an answer is no error:
/// whoever calls this looks at what came of it anyway.
Result<void> commit_changes(Caller& machine);

}  // namespace amtgate::wsman
