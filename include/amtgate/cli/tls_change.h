// TlsChange: switches a machine's TLS on, or to another certificate, and back, so that it can be reached after every
// step, whichever was the last that was done.
//
// The order that makes it so: certificate and key lie ready in the machine before anything counts; ports without TLS
// stay open until a request over TLS, with the new certificate shown, was answered; where there was another
// certificate, the new one is announced to those who trust the old one before it is shown. A journal tells what was
// before.
//
// No I/O here: the command brings the connections and files (TlsWays), tests bring a machine in memory.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/wsman/certificate_store.h"
#include "amtgate/wsman/tls_settings.h"

namespace amtgate::cli {

/// How the machine is reached while it changes, and who trusts what.
class TlsWays {
 public:
  virtual ~TlsWays() = default;
  /// As every other command reaches it.
  virtual std::unique_ptr<wsman::Caller> usual() = 0;
  /// With TLS, and only if it shows this certificate (64 hex digits of its SHA-256).
  virtual std::unique_ptr<wsman::Caller> showing(const std::string& sha256) = 0;
  /// Without TLS.
  virtual std::unique_ptr<wsman::Caller> plain() = 0;
  /// Whether the configuration lets it be reached without TLS.
  virtual bool may_be_plain() const = 0;
  /// Errors: Untrusted, where the configuration asks for a CA or pin that this one does not meet.
  virtual Result<void> accepts(const std::vector<Buffer>& chain) const = 0;

  /// Where the certificate shown so far is known: this one may come in its place.
  virtual Result<void> announce(const std::string& sha256) = 0;
  /// This one alone, from now on.
  virtual Result<void> trust(const std::string& sha256) = 0;
  virtual Result<void> forget() = 0;

  // The journal is text that survives the program; empty: there is none. It holds no secret.
  virtual Result<std::string> journal() = 0;
  virtual Result<void> keep(const std::string& journal) = 0;

  /// Seconds since 1970.
  virtual std::int64_t wall() const = 0;
  /// About a second.
  virtual void rest() = 0;
};

/// What a machine is called.
struct MachineNames {
  std::string common;              // what a certificate for it should name first
  std::vector<std::string> hosts;  // these and the addresses are the machine too
  std::vector<IpAddress> addresses;
};

struct TlsMaterial {
  Buffer certificate;
  std::vector<Buffer> chain;  // authorities between it and the root
  Buffer private_key;         // RSAPrivateKey, a secret; empty: the machine has it
};

/// Where the certificate comes from.
class TlsSource {
 public:
  virtual ~TlsSource() = default;
  virtual bool key_on_machine() const = 0;
  /// `machine_key`: RSAPublicKey of the key on the machine and the machine's signed request for it; else empty.
  virtual Result<TlsMaterial> material(const MachineNames& names, Bytes machine_key, Bytes request) = 0;
};

struct TlsWish {
  std::vector<std::string> extra_hosts;  // it is also called that
  std::vector<IpAddress> addresses;      // and is there
  bool any_name = false;                 // the certificate may be for another host
  bool no_plaintext = false;             // the ports without TLS are closed in the end
  bool mutual = false;                   // consoles need a certificate from one of these in the end
  std::vector<Buffer> roots;
  std::vector<std::string> trusted_names;
  Buffer console_certificate;  // our own for that; empty: none
  bool force = false;          // mutual also where there is no way back
  bool sha1 = false;           // for the request that the machine signs
  bool dry_run = false;
};

struct TlsOutcome {
  std::vector<std::string> steps;
  std::string sha256;  // what it shows now; empty: no TLS, or not known
  std::vector<std::string> notes;
};

/// Errors: Untrusted (an expired certificate, for another host, from another CA than is asked for), Refused, and
/// those of the transport; each says how far it got.
Result<TlsOutcome> enable_tls(TlsWays& ways, TlsSource& source, const TlsWish& wish);

/// As it was before the last enable_tls(), which may have been interrupted anywhere. Errors: Refused: there is
/// nothing to undo.
Result<TlsOutcome> undo_tls(TlsWays& ways);

/// TLS off. Errors: Refused where firmware or configuration do not go without.
Result<TlsOutcome> disable_tls(TlsWays& ways);

}  // namespace amtgate::cli
