// PkiFolder: a small certificate authority in a folder:
//   ca.pem ca.key   machines/NAME.pem (.key)   clients/NAME.pem .key   index
// Keys are readable by the owner alone. The index has a line for each certificate: its end, what for, name,
// sha256; it is only ever appended to.
#pragma once

#include <mutex>
#include <string>

#include "amtgate/base/result.h"
#include "amtgate/tls/authority.h"

namespace amtgate::cli {

struct Issued {
  std::string cert_file, key_file;  // key_file empty: the machine has the key
  std::string cert_pem, key_pem;    // likewise; a secret
  bool again = false;               // it was there already, and is still good
};

/// Safe with several threads and programs at once.
class PkiFolder {
 public:
  /// Errors: Refused (there is one already), BadValue, System.
  static Result<void> init(const std::string& folder, const std::string& name, unsigned days, bool sha1);
  /// Errors: Unreachable (no authority there), BadValue, System; a key that others can read.
  static Result<PkiFolder> open(const std::string& folder);

  PkiFolder(PkiFolder&& other) noexcept : folder_(std::move(other.folder_)), ca_(std::move(other.ca_)) {}

  const std::string& ca_pem() const { return ca_.cert_pem; }
  std::string ca_file() const { return folder_ + "/ca.pem"; }

  /// Of that name, for that key, or with a new one where `rsa_public` is empty. One that is there already, for the
  /// same names and key and good for another 30 days, is given again.
  Result<Issued> issue(const std::string& name, tls::Issue what, Bytes rsa_public, bool anew = false);

 private:
  PkiFolder(std::string folder, tls::KeyPair ca) : folder_(std::move(folder)), ca_(std::move(ca)) {}
  Result<Issued> earlier(const std::string& cert_file, const std::string& key_file, const tls::Issue& what,
                         Bytes rsa_public) const;

  std::string folder_;
  tls::KeyPair ca_;
  std::mutex mutex_;
};

/// `name` as the name of a file: anything but letters, digits, '.', '-' and '_' becomes '_'.
std::string file_name_of(const std::string& name);

}  // namespace amtgate::cli
