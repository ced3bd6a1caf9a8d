#include "amtgate/tls/certificate_facts.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "amtgate/base/inet.h"
#include "openssl.h"

namespace amtgate::tls {
namespace {

using NamesPtr = Handle<GENERAL_NAMES, &GENERAL_NAMES_free>;
using UsesPtr = Handle<EXTENDED_KEY_USAGE, &EXTENDED_KEY_USAGE_free>;

// More of either is nobody's certificate.
constexpr int kMost = 64;

std::string text_of(const X509_NAME* name) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!out) return {};
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  return contents(out.get());
}

std::string utf8_of(const ASN1_STRING* s) {
  unsigned char* text = nullptr;
  const int n = ASN1_STRING_to_UTF8(&text, s);
  std::string out(n > 0 ? std::string(reinterpret_cast<char*>(text), static_cast<std::size_t>(n)) : std::string());
  OPENSSL_free(text);
  return out;
}

std::string common_name(const X509_NAME* name) {
  int last = -1;
  for (int i = X509_NAME_get_index_by_NID(name, NID_commonName, -1); i >= 0;
       i = X509_NAME_get_index_by_NID(name, NID_commonName, i)) {
    last = i;
  }
  return last < 0 ? std::string() : utf8_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
}

std::int64_t seconds_of(const ASN1_TIME* t) {
  std::tm tm{};
  return ASN1_TIME_to_tm(t, &tm) == 1 ? static_cast<std::int64_t>(::timegm(&tm)) : 0;
}

std::vector<std::string> alternatives(const X509* cert) {
  std::vector<std::string> out;
  const NamesPtr names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(cert, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < std::min(sk_GENERAL_NAME_num(names.get()), kMost); ++i) {
    const GENERAL_NAME* n = sk_GENERAL_NAME_value(names.get(), i);
    if (n->type == GEN_DNS) out.push_back(utf8_of(n->d.dNSName));
    if (n->type != GEN_IPADD) continue;
    const unsigned char* at = ASN1_STRING_get0_data(n->d.iPAddress);
    const int size = ASN1_STRING_length(n->d.iPAddress);
    if (size == 4) out.push_back(IpAddress::v4({at[0], at[1], at[2], at[3]}).to_string());
    if (size == 16) {
      std::array<std::uint8_t, 16> six{};
      std::copy_n(at, six.size(), six.begin());
      out.push_back(IpAddress::v6(six).to_string());
    }
  }
  return out;
}

std::vector<std::string> extended_uses(const X509* cert) {
  std::vector<std::string> out;
  const UsesPtr uses(static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(cert, NID_ext_key_usage, nullptr, nullptr)));
  for (int i = 0; uses && i < std::min(sk_ASN1_OBJECT_num(uses.get()), kMost); ++i) {
    char text[128] = {};
    if (OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(uses.get(), i), 1) > 0) out.emplace_back(text);
  }
  return out;
}

void describe_key(const X509* cert, CertificateFacts& out) {
  EVP_PKEY* key = X509_get0_pubkey(cert);
  if (key == nullptr) return;
  const int bits = EVP_PKEY_get_bits(key);
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    out.key = "RSA " + std::to_string(bits);
    out.rsa_bits = static_cast<unsigned>(bits);
    out.rsa_public = encode(key, &i2d_PublicKey);
    return;
  }
  char group[64] = {};
  std::size_t n = 0;
  const bool ec = EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof group, &n) == 1;
  out.key = ec ? "EC " + std::string(group, n) : std::string(EVP_PKEY_get0_type_name(key));
}

}  // namespace

bool CertificateFacts::allows(std::string_view use) const {
  return uses.empty() || std::ranges::find(uses, use) != uses.end();
}

Result<CertificateFacts> certificate_facts(Bytes der) {
  const X509Ptr cert = read_der(der);
  if (!cert) return Error{Errc::BadValue, "the certificate does not parse"};
  CertificateFacts out;
  const X509_NAME* subject = X509_get_subject_name(cert.get());
  const X509_NAME* issuer = X509_get_issuer_name(cert.get());
  out.subject = text_of(subject);
  out.issuer = text_of(issuer);
  out.common_name = common_name(subject);
  out.self_issued = X509_NAME_cmp(subject, issuer) == 0;
  out.not_before = seconds_of(X509_get0_notBefore(cert.get()));
  out.not_after = seconds_of(X509_get0_notAfter(cert.get()));
  describe_key(cert.get(), out);
  const int signature = X509_get_signature_nid(cert.get());
  out.signature = signature == NID_undef ? "?" : OBJ_nid2ln(signature);
  out.authority = X509_check_ca(cert.get()) > 0;
  out.names = alternatives(cert.get());
  out.uses = extended_uses(cert.get());
  ERR_clear_error();
  return out;
}

bool is_for_host(Bytes der, const std::string& host) {
  const X509Ptr cert = read_der(der);
  if (!cert || host.empty()) return false;
  const bool yes = IpAddress::parse(host) ? X509_check_ip_asc(cert.get(), host.c_str(), 0) == 1
                                          : X509_check_host(cert.get(), host.data(), host.size(), 0, nullptr) == 1;
  ERR_clear_error();
  if (yes) return true;
  // An address as the common name is no name to OpenSSL; old firmware's certificates have it there.
  return IpAddress::parse(host) && common_name(X509_get_subject_name(cert.get())) == host;
}

bool is_signed_by(Bytes der, Bytes authority) {
  const X509Ptr cert = read_der(der), ca = read_der(authority);
  if (!cert || !ca) return false;
  const bool yes = X509_NAME_cmp(X509_get_issuer_name(cert.get()), X509_get_subject_name(ca.get())) == 0 &&
                   X509_verify(cert.get(), X509_get0_pubkey(ca.get())) == 1;
  ERR_clear_error();
  return yes;
}

}  // namespace amtgate::tls
