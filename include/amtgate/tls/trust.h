// Trust: whether a device's certificate is the one we want to talk to. Pure: the edge keeps the file.
//
// A CA or a pin decides alone where it is written. With neither, the first certificate seen is remembered under the
// target's name and the device's address, and a later change is refused until the operator removes the line.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/tls/certificate.h"

namespace amtgate::tls {

struct TrustPolicy {
  std::string ca_pem{};  // verify the chain with these; empty = no CA
  std::string pin{};     // 64 lower-case hex digits of the certificate's or its public key's DER; empty = none
  bool legacy = false;   // with a CA: SHA-1 signatures and RSA below 1024 bits will do
  // With a CA: the certificate must be for one of these names or addresses; none = any that the CA vouches for.
  std::vector<std::string> hosts{};
};

/// A known-certificates file: one line each, "target-name address sha256 date", e.g.
///   pc1 10.99.0.10 5f0c…64 digits… 2026-01-31
/// While a machine gets another certificate a fifth word announces it, "next:" with its sha256.
/// Comment lines begin with '#'. Limits: kMaxLine a line, kMaxEntries entries.
class KnownCertificates {
 public:
  static constexpr std::size_t kMaxLine = 1024;      // a target's name is the only part without a fixed length
  static constexpr std::size_t kMaxEntries = 65536;  // more AMT machines than one gateway serves

  struct Entry {
    std::string sha256;
    std::string date;    // YYYY-MM-DD, when it was first seen
    std::string next{};  // sha256 of the one that may come in its place; empty: none may
    bool operator==(const Entry&) const = default;
  };
  struct Identity {
    std::string target;
    IpAddress device;
    auto operator<=>(const Identity&) const = default;
  };

  /// Errors: BadValue with the line's number and what is wrong; TooLarge.
  static Result<KnownCertificates> parse(std::string_view text);
  /// The whole file, sorted, with a heading comment. parse() gives back the same.
  std::string format() const;

  const Entry* find(const Identity& who) const;
  /// False when the table is full or the name cannot be written on a line (empty, white space, '#', too long).
  [[nodiscard]] bool remember(const Identity& who, Entry entry);
  bool forget(const Identity& who) { return entries_.erase(who) != 0; }
  std::size_t size() const { return entries_.size(); }
  const std::map<Identity, Entry>& entries() const { return entries_; }
  bool operator==(const KnownCertificates&) const = default;

 private:
  std::map<Identity, Entry> entries_;
};

struct Verdict {
  enum class How : std::uint8_t { Ca, Pin, Known, FirstUse, Next };
  How how = How::Known;
};
/// "ca", "pin", "known", "first_use", "next".
const char* name(Verdict::How how);

/// `chain[0]` is the device's own certificate. With both a CA and a pin, both must hold. With a CA the chain must
/// lead to it, be in its dates and allow server use; names are compared only where `hosts` has some, since AMT
/// certificates rarely carry the address that clients use. With FirstUse and Next the caller remembers the
/// certificate (KnownCertificates::remember) and stores the file. Errors: Untrusted, a sentence with both
/// fingerprints and what to do; BadValue (CA text that does not parse).
Result<Verdict> judge(const TrustPolicy& policy, const KnownCertificates& known,
                      const KnownCertificates::Identity& who, std::span<const Certificate> chain);

}  // namespace amtgate::tls
