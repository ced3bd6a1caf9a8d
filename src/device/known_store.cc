#include "amtgate/device/known_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include "amtgate/sys/clock.h"
#include "amtgate/sys/file.h"
#include "amtgate/sys/folder_lock.h"

namespace amtgate::device {
namespace {

std::string today() {
  return sys::to_iso8601(sys::wall_now()).substr(0, 10);
}

bool is_new(const Result<tls::Verdict>& verdict) {
  using enum tls::Verdict::How;
  return verdict && (verdict->how == FirstUse || verdict->how == Next);
}

}  // namespace

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
  if (!is_new(verdict)) return verdict;
  // The command line writes this file too, and so does another daemon with this folder: what they have added must
  // stay.
  const sys::FolderLock alone(folder());
  if (const Result<void> fresh = refresh(); !fresh) return fresh.error();
  verdict = tls::judge(policy, known_, who, chain);
  if (!is_new(verdict)) return verdict;
  const Result<void> stored = store(who, {chain.front().sha256(), today()});
  if (!stored) return Error{stored.error().code, "the certificate cannot be remembered: " + stored.error().detail};
  return verdict;
}

std::string KnownStore::folder() const {
  const std::size_t slash = path_.rfind('/');
  return slash == std::string::npos ? "." : path_.substr(0, slash + 1);
}

Result<void> KnownStore::store(const tls::KnownCertificates::Identity& who, tls::KnownCertificates::Entry entry) {
  const tls::KnownCertificates before = known_;
  if (!known_.remember(who, std::move(entry))) {
    return Error{Errc::TooLarge, path_ + " has no room for another certificate"};
  }
  const Result<void> written = write();
  if (!written) known_ = before;
  return written;
}

Result<void> KnownStore::write() {
  const Result<void> written = sys::write_file(path_, known_.format(), 0640);
  if (!written) return written;
  // The folder is the daemon's account's, which could not read a file of root's there.
  struct stat info = {};
  if (::geteuid() == 0 && ::stat(folder().c_str(), &info) == 0 &&
      ::lchown(path_.c_str(), info.st_uid, info.st_gid) != 0) {
    return Error{Errc::System, path_ + " cannot be given to the owner of its folder"};
  }
  seen_ = sys::file_stamp(path_);
  return {};
}

Result<void> KnownStore::announce(const tls::KnownCertificates::Identity& who, const std::string& sha256) {
  const std::lock_guard lock(mutex_);
  const sys::FolderLock alone(folder());
  if (const Result<void> fresh = refresh(); !fresh) return fresh;
  const tls::KnownCertificates::Entry* now = known_.find(who);
  if (now == nullptr || now->sha256 == sha256) return {};
  return store(who, {now->sha256, now->date, sha256});
}

Result<void> KnownStore::replace(const tls::KnownCertificates::Identity& who, const std::string& sha256) {
  const std::lock_guard lock(mutex_);
  const sys::FolderLock alone(folder());
  if (const Result<void> fresh = refresh(); !fresh) return fresh;
  const tls::KnownCertificates::Entry* now = known_.find(who);
  if (now != nullptr && now->sha256 == sha256 && now->next.empty()) return {};
  return store(who, {sha256, today()});
}

Result<void> KnownStore::forget(const tls::KnownCertificates::Identity& who) {
  const std::lock_guard lock(mutex_);
  const sys::FolderLock alone(folder());
  if (const Result<void> fresh = refresh(); !fresh) return fresh;
  return known_.forget(who) ? write() : Result<void>();
}

bool KnownStore::knows(const tls::KnownCertificates::Identity& who) {
  const std::lock_guard lock(mutex_);
  // A file that cannot be read must not open the way to clear text.
  if (!refresh()) return true;
  return known_.find(who) != nullptr;
}

}  // namespace amtgate::device
