// KnownStore: the known-certificates file on disk and in memory, shared by all workers. What `amtgate known forget`
// or an editor changes in the file counts from the next connection on; programs that write it at once lose nothing.
#pragma once

#include <mutex>
#include <span>
#include <string>

#include "amtgate/base/result.h"
#include "amtgate/sys/file.h"
#include "amtgate/tls/trust.h"

namespace amtgate::device {

class KnownStore {
 public:
  static constexpr std::size_t kMaxFile = 64 * 1024 * 1024;

  /// `path`: made at the first use. Nothing is read yet.
  explicit KnownStore(std::string path) : path_(std::move(path)) {}

  /// tls::judge() with this file; a certificate seen for the first time is remembered before this returns. Errors: as
  /// judge(), and System when the file cannot be read or written: what cannot be remembered is not trusted.
  Result<tls::Verdict> judge(const tls::TrustPolicy& policy, const tls::KnownCertificates::Identity& who,
                             std::span<const tls::Certificate> chain);
  /// There is a certificate for it: it is not talked to in clear any more.
  bool knows(const tls::KnownCertificates::Identity& who);

  // While a machine gets another certificate. Errors: as judge()'s System.

  /// Where one is known: that one may come in its place, and is the known one once it is seen.
  Result<void> announce(const tls::KnownCertificates::Identity& who, const std::string& sha256);
  /// That one is known, and no other.
  Result<void> replace(const tls::KnownCertificates::Identity& who, const std::string& sha256);
  Result<void> forget(const tls::KnownCertificates::Identity& who);

 private:
  std::string folder() const;
  Result<void> store(const tls::KnownCertificates::Identity& who, tls::KnownCertificates::Entry entry);
  Result<void> write();
  Result<void> refresh();

  const std::string path_;
  std::mutex mutex_;
  sys::FileStamp seen_;
  tls::KnownCertificates known_;
};

}  // namespace amtgate::device
