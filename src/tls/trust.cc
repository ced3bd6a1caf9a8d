#include "amtgate/tls/trust.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "amtgate/tls/certificate_facts.h"
#include "openssl.h"

namespace amtgate::tls {
namespace {

using StorePtr = Handle<X509_STORE, &X509_STORE_free>;
using StoreCtxPtr = Handle<X509_STORE_CTX, &X509_STORE_CTX_free>;

void free_stack(STACK_OF(X509) * stack) noexcept {
  sk_X509_free(stack);  // the certificates are owned elsewhere
}
using StackPtr = Handle<STACK_OF(X509), &free_stack>;

constexpr std::string_view kNext = "next:";

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (const std::size_t i : {0U, 1U, 2U, 3U, 5U, 6U, 8U, 9U}) {
    if (text[i] < '0' || text[i] > '9') return false;
  }
  return true;
}

bool is_word(std::string_view text) {
  if (text.empty() || text.front() == '#') return false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return false;
  }
  return true;
}

/// The next word of `line`, split at blanks; empty at its end.
std::string_view take_word(std::string_view& line) {
  const std::size_t start = line.find_first_not_of(" \t");
  if (start == std::string_view::npos) {
    line = {};
    return {};
  }
  line.remove_prefix(start);
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

Error untrusted(const KnownCertificates::Identity& who, const std::string& what) {
  return Error{Errc::Untrusted, "the certificate of " + who.target + " (" + who.device.to_string() + ") " + what};
}

/// Another machine of the same CA has a good certificate as well, and is not this one.
Result<void> verify_host(const TrustPolicy& policy, const KnownCertificates::Identity& who, const Certificate& own) {
  const auto fits = [&](const std::string& host) { return is_for_host(own.der(), host); };
  if (policy.hosts.empty() || std::ranges::any_of(policy.hosts, fits)) return {};
  std::string wanted;
  for (const std::string& host : policy.hosts) wanted += (wanted.empty() ? "" : " or ") + host;
  return untrusted(who, "sha256:" + own.sha256() + " comes from tls_ca, but is for " + own.subject() + ", not for " +
                            wanted + "; if it is the right machine, write the name that it has as tls_name");
}

Result<void> verify_chain(const TrustPolicy& policy, const KnownCertificates::Identity& who,
                          std::span<const Certificate> chain) {
  const Result<std::vector<X509Ptr>> cas = read_certificates(policy.ca_pem);
  if (!cas) return Error{Errc::BadValue, "tls_ca: " + cas.error().detail};
  std::vector<X509Ptr> sent;
  for (const Certificate& c : chain) {
    const unsigned char* at = c.der().data();
    sent.emplace_back(d2i_X509(nullptr, &at, static_cast<long>(c.der().size())));
    if (!sent.back()) {
      ERR_clear_error();
      return untrusted(who, "does not parse");
    }
  }
  const StorePtr store(X509_STORE_new());
  const StoreCtxPtr ctx(X509_STORE_CTX_new());
  const StackPtr others(sk_X509_new_null());
  if (!store || !ctx || !others) return Error{Errc::System, "out of memory"};
  for (const X509Ptr& ca : *cas) X509_STORE_add_cert(store.get(), ca.get());
  for (std::size_t i = 1; i < sent.size(); ++i) sk_X509_push(others.get(), sent[i].get());
  if (X509_STORE_CTX_init(ctx.get(), store.get(), sent[0].get(), others.get()) != 1) {
    return Error{Errc::System, "cannot verify: " + take_reason("out of memory")};
  }
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(ctx.get());
  X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_auth_level(param, policy.legacy ? 0 : 1);
  // What is written in tls_ca is trusted as it stands, be it a root, an issuing CA or the device's own certificate.
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
  const int ok = X509_verify_cert(ctx.get());
  ERR_clear_error();
  if (ok == 1) return verify_host(policy, who, chain[0]);
  return untrusted(who, "sha256:" + chain[0].sha256() + " is not vouched for by tls_ca (" +
                            X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx.get())) +
                            "); check tls_ca, or pin it with tls_pin if it is the right machine");
}

}  // namespace

Result<KnownCertificates> KnownCertificates::parse(std::string_view text) {
  KnownCertificates out;
  unsigned number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string where = "line " + std::to_string(number) + ": ";
    if (line.size() > kMaxLine)
      return Error{Errc::TooLarge, where + "longer than " + std::to_string(kMaxLine) + " bytes"};
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view target = take_word(line);
    if (target.empty() || target.front() == '#') continue;
    const std::string_view address = take_word(line);
    const std::string_view sha256 = take_word(line);
    const std::string_view date = take_word(line);
    std::string_view next = take_word(line);
    if (date.empty() || !take_word(line).empty() || (!next.empty() && !next.starts_with(kNext))) {
      return Error{Errc::BadValue, where + "expected: target address sha256 date"};
    }
    const bool announced = !next.empty();
    if (announced) next.remove_prefix(kNext.size());
    const Result<IpAddress> device = IpAddress::parse(address);
    if (!device) return Error{Errc::BadValue, where + device.error().detail};
    if (!is_word(target)) return Error{Errc::BadValue, where + "a control character in the target's name"};
    if (!is_sha256(sha256)) return Error{Errc::BadValue, where + "the third word is not 64 lower-case hex digits"};
    if (announced && !is_sha256(next)) {
      return Error{Errc::BadValue, where + "the fifth word is not next: and 64 lower-case hex digits"};
    }
    if (!is_date(date)) return Error{Errc::BadValue, where + "the fourth word is not a date like 2026-01-31"};
    if (out.entries_.size() >= kMaxEntries) {
      return Error{Errc::TooLarge, where + "more than " + std::to_string(kMaxEntries) + " entries"};
    }
    const bool added = out.entries_
                           .emplace(Identity{std::string(target), *device},
                                    Entry{std::string(sha256), std::string(date), std::string(next)})
                           .second;
    if (!added) return Error{Errc::BadValue, where + "this target and address are there already"};
  }
  return out;
}

std::string KnownCertificates::format() const {
  std::string out = "# Certificates trusted on first use: target address sha256 date. Remove a line to trust anew.\n";
  for (const auto& [who, entry] : entries_) {
    out += who.target + " " + who.device.to_string() + " " + entry.sha256 + " " + entry.date;
    if (!entry.next.empty()) out += " " + std::string(kNext) + entry.next;
    out += "\n";
  }
  return out;
}

const KnownCertificates::Entry* KnownCertificates::find(const Identity& who) const {
  const auto it = entries_.find(who);
  return it == entries_.end() ? nullptr : &it->second;
}

bool KnownCertificates::remember(const Identity& who, Entry entry) {
  constexpr std::size_t kRest = 39 + 64 + 10 + 5 + 64 + 4;  // the longest address, digits, date, next, blanks
  if (!is_word(who.target) || who.target.size() > kMaxLine - kRest) return false;
  if (!is_sha256(entry.sha256) || !is_date(entry.date)) return false;
  if (!entry.next.empty() && !is_sha256(entry.next)) return false;
  if (entries_.size() >= kMaxEntries && find(who) == nullptr) return false;
  entries_[who] = std::move(entry);
  return true;
}

const char* name(Verdict::How how) {
  switch (how) {
    case Verdict::How::Ca: return "ca";
    case Verdict::How::Pin: return "pin";
    case Verdict::How::Known: return "known";
    case Verdict::How::FirstUse: return "first_use";
    case Verdict::How::Next: return "next";
  }
  return "?";
}

Result<Verdict> judge(const TrustPolicy& policy, const KnownCertificates& known,
                      const KnownCertificates::Identity& who, std::span<const Certificate> chain) {
  if (chain.empty() || chain[0].empty()) return untrusted(who, "is missing: the device showed none");
  const std::string sha256 = chain[0].sha256();
  if (!policy.ca_pem.empty()) {
    if (const Result<void> r = verify_chain(policy, who, chain); !r) return r.error();
    if (policy.pin.empty()) return Verdict{Verdict::How::Ca};
  }
  if (!policy.pin.empty()) {
    if (policy.pin == sha256 || policy.pin == chain[0].public_key_sha256()) return Verdict{Verdict::How::Pin};
    return untrusted(who, "is sha256:" + sha256 + ", but tls_pin is sha256:" + policy.pin +
                              "; if the machine got a new certificate, write the new fingerprint to tls_pin");
  }
  const KnownCertificates::Entry* entry = known.find(who);
  if (entry == nullptr) return Verdict{Verdict::How::FirstUse};
  if (entry->sha256 == sha256) return Verdict{Verdict::How::Known};
  if (entry->next == sha256) return Verdict{Verdict::How::Next};
  return untrusted(who, "has changed: it is sha256:" + sha256 + ", known since " + entry->date +
                            " is sha256:" + entry->sha256 +
                            "; if the machine got a new certificate, remove its line from the file of "
                            "known certificates, else somebody may stand between");
}

}  // namespace amtgate::tls
