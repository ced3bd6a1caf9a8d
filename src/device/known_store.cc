#include "amtgate/device/known_store.h"

#include "amtgate/sys/clock.h"
#include "amtgate/sys/file.h"

namespace amtgate::device {

Result<void> KnownStore::refresh() {
  const sys::FileStamp now = sys::file_stamp(path_);
  if (now == seen_) return {};
  if (now == sys::FileStamp{}) {
    known_ = {};
    seen_ = {};
    return {};
  }
  const Result<std::string> text = sys::read_file(path_, kMaxFile);
  if (!text) return text.error();
  Result<tls::KnownCertificates> known = tls::KnownCertificates::parse(*text);
  if (!known) return Error{known.error().code, path_ + ": " + known.error().detail};
  known_ = std::move(*known);
  seen_ = now;
  return {};
}

Result<tls::Verdict> KnownStore::judge(const tls::TrustPolicy& policy, const tls::KnownCertificates::Identity& who,
                                       std::span<const tls::Certificate> chain) {
  const std::lock_guard lock(mutex_);
  if (const Result<void> fresh = refresh(); !fresh) return fresh.error();
  Result<tls::Verdict> verdict = tls::judge(policy, known_, who, chain);
  if (!verdict || verdict->how != tls::Verdict::How::FirstUse) return verdict;
  const std::string today = sys::to_iso8601(sys::wall_now()).substr(0, 10);
  if (!known_.remember(who, {chain.front().sha256(), today})) {
    return Error{Errc::TooLarge, path_ + " has no room for another certificate"};
  }
  const Result<void> written = sys::write_file(path_, known_.format(), 0640);
  if (!written) {
    known_.forget(who);
    return Error{Errc::System, "the certificate cannot be remembered: " + written.error().detail};
  }
  seen_ = sys::file_stamp(path_);
  return verdict;
}

bool KnownStore::knows(const tls::KnownCertificates::Identity& who) {
  const std::lock_guard lock(mutex_);
  // A file that cannot be read must not open the way to clear text.
  if (!refresh()) return true;
  return known_.find(who) != nullptr;
}

}  // namespace amtgate::device
