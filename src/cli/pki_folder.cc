#include "amtgate/cli/pki_folder.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>

#include "amtgate/config/load.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/fd.h"
#include "amtgate/sys/file.h"
#include "amtgate/tls/certificate_facts.h"
#include "amtgate/tls/rsa_key.h"

namespace amtgate::cli {
namespace {

constexpr std::int64_t kGoodFor = 30 * 86400;  // what ends sooner is made anew

std::int64_t unix_now() {
  return std::chrono::duration_cast<seconds>(sys::wall_now().time_since_epoch()).count();
}

Result<tls::CertificateFacts> facts_of(const std::string& pem) {
  const Result<std::vector<tls::Certificate>> chain = tls::parse_pem(pem);
  if (!chain) return chain.error();
  return tls::certificate_facts(chain->front().der());
}

Result<std::string> read(const std::string& path) {
  return sys::read_file(path, config::kMaxPemFile);
}

/// Held until it goes: another program that issues waits.
Result<sys::UniqueFd> lock(const std::string& folder) {
  const std::string path = folder + "/index.lock";
  sys::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd.get() < 0 || ::flock(fd.get(), LOCK_EX) != 0) return Error{Errc::System, "cannot lock " + path};
  return fd;
}

}  // namespace

std::string file_name_of(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || (c == '.' && !out.empty());
    out += plain ? c : '_';
  }
  return out.substr(0, 200);
}

Result<void> PkiFolder::init(const std::string& folder, const std::string& name, unsigned days, bool sha1) {
  if (sys::exists(folder + "/ca.pem") || sys::exists(folder + "/ca.key")) {
    return Error{Errc::Refused, folder + " holds an authority already; every certificate of it depends on that one"};
  }
  const Result<tls::KeyPair> made =
      tls::make_authority(name, days, sha1 ? tls::SignatureHash::Sha1 : tls::SignatureHash::Sha256);
  if (!made) return made.error();
  for (const char* sub : {"", "/machines", "/clients"}) {
    if (const Result<void> there = sys::make_directories(folder + sub, 0700); !there) return there;
  }
  // The key first: a certificate without it would be of no use.
  if (const Result<void> r = sys::write_file(folder + "/ca.key", made->key_pem, 0600); !r) return r;
  return sys::write_file(folder + "/ca.pem", made->cert_pem, 0644);
}

Result<PkiFolder> PkiFolder::open(const std::string& folder) {
  const Result<std::string> cert = read(folder + "/ca.pem");
  if (!cert) {
    return Error{Errc::Unreachable, "no authority in " + folder + " (" + cert.error().detail +
                                        "); `amtgate pki init " + folder + "` makes one"};
  }
  if (const Result<void> good = sys::check_private(folder + "/ca.key"); !good) return good.error();
  const Result<std::string> key = read(folder + "/ca.key");
  if (!key) return key.error();
  return PkiFolder(folder, {*cert, *key});
}

Result<Issued> PkiFolder::earlier(const std::string& cert_file, const std::string& key_file, const tls::Issue& what,
                                  Bytes rsa_public) const {
  const Error none{Errc::Unreachable, ""};
  const Result<std::string> cert = read(cert_file);
  const Result<tls::CertificateFacts> facts = cert ? facts_of(*cert) : cert.error();
  const Result<std::vector<tls::Certificate>> chain = cert ? tls::parse_pem(*cert) : cert.error(),
                                              ca = tls::parse_pem(ca_.cert_pem);
  if (!facts || !chain || !ca || facts->not_after < unix_now() + kGoodFor) return none;
  if (facts->common_name != what.common_name || !tls::is_signed_by(chain->front().der(), ca->front().der())) {
    return none;
  }
  for (const std::string& n : what.dns_names) {
    if (std::ranges::find(facts->names, n) == facts->names.end()) return none;
  }
  for (const IpAddress& a : what.addresses) {
    if (std::ranges::find(facts->names, a.to_string()) == facts->names.end()) return none;
  }
  Issued out{cert_file, "", *cert, "", true};
  if (!rsa_public.empty()) {
    if (!std::ranges::equal(facts->rsa_public, rsa_public)) return none;
    return out;
  }
  const Result<std::string> key = sys::check_private(key_file) ? read(key_file) : none;
  const Result<Buffer> half = key ? tls::rsa_public_der(*key) : key.error();
  if (!half || *half != facts->rsa_public) return none;
  out.key_file = key_file;
  out.key_pem = *key;
  return out;
}

Result<Issued> PkiFolder::issue(const std::string& name, tls::Issue what, Bytes rsa_public, bool anew) {
  const bool machine = what.use == tls::Issue::Use::Machine;
  const std::string stem = folder_ + (machine ? "/machines/" : "/clients/") + file_name_of(name);
  const std::lock_guard own(mutex_);
  const Result<sys::UniqueFd> locked = lock(folder_);
  if (!locked) return locked.error();
  if (!anew) {
    Result<Issued> before = earlier(stem + ".pem", stem + ".key", what, rsa_public);
    if (before) return before;
  }
  Issued out{stem + ".pem", "", "", "", false};
  Buffer half(rsa_public.begin(), rsa_public.end());
  if (half.empty()) {
    Result<std::string> key = tls::make_rsa_key(2048);  // what every firmware takes
    if (!key) return key.error();
    const Result<Buffer> made = tls::rsa_public_der(*key);
    if (!made) return made.error();
    half = *made;
    out.key_pem = std::move(*key);
    out.key_file = stem + ".key";
  }
  const Result<std::string> cert = tls::issue(ca_, half, what);
  if (!cert) return cert.error();
  const Result<tls::CertificateFacts> facts = facts_of(*cert);
  if (!facts) return facts.error();
  const std::string sha256 = tls::parse_pem(*cert)->front().sha256();
  const std::string line =
      sys::to_iso8601(std::chrono::system_clock::time_point(seconds(facts->not_after))).substr(0, 10) +
      (machine ? " machine " : " client ") + file_name_of(what.common_name) + " sha256:" + sha256 + "\n";
  if (const Result<void> r = sys::append_file(folder_ + "/index", line, 0600); !r) return r.error();
  if (!out.key_pem.empty()) {
    if (const Result<void> r = sys::write_file(out.key_file, out.key_pem, 0600); !r) return r.error();
  }
  if (const Result<void> r = sys::write_file(out.cert_file, *cert, 0644); !r) return r.error();
  out.cert_pem = *cert;
  return out;
}

}  // namespace amtgate::cli
