// The certificates and keys in a machine. Private keys go in and never come out.
//
// Source: Intel's class reference (AMT_PublicKeyManagementService), go-wsman-messages, MeshCentral.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

struct StoredCertificate {
  std::string id;  // "Intel(r) AMT Certificate: Handle: 1"
  Buffer der;      // empty: the machine gave none that could be read
  bool root = false;
  bool fixed = false;  // the firmware's own: cannot be deleted
};
struct StoredKey {
  std::string id;     // "Intel(r) AMT Key: Handle: 1"
  Buffer rsa_public;  // PKCS#1 RSAPublicKey
};
struct CertificateStore {
  std::vector<StoredCertificate> certificates;
  std::vector<StoredKey> keys;

  // Null: not there.
  const StoredCertificate* find(Bytes der, bool root) const;
  const StoredCertificate* certificate(std::string_view id) const;
  const StoredKey* find_key(Bytes rsa_public) const;
};
Result<CertificateStore> read_certificate_store(Caller& machine);

/// "1" of "Intel(r) AMT Certificate: Handle: 1".
std::string_view handle_of(std::string_view id);

// Each gives the id of what is there now. Errors: Refused with what is wrong with it.
Result<std::string> add_root(Caller& machine, Bytes der);
Result<std::string> add_certificate(Caller& machine, Bytes der);
/// `private_der`: RSAPrivateKey of PKCS#1, a secret.
Result<std::string> add_key(Caller& machine, Bytes private_der);
/// The machine makes a pair. Errors: also Busy: it is at it, ask again in some seconds.
Result<std::string> generate_key(Caller& machine, unsigned bits);

/// PKCS#10 for a key of the machine, signed there. `blank` is the request without a good signature.
enum class RequestHash { Sha1 = 0, Sha256 = 1 };
Result<Buffer> sign_request(Caller& machine, std::string_view key_id, Bytes blank, RequestHash hash);

/// Errors: Refused also where it is in use.
Result<void> delete_certificate(Caller& machine, std::string_view id);
Result<void> delete_key(Caller& machine, std::string_view id);

}  // namespace amtgate::wsman
