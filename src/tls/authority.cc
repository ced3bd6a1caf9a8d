#include "amtgate/tls/authority.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "amtgate/base/base64.h"
#include "amtgate/tls/certificate_facts.h"
#include "openssl.h"

namespace amtgate::tls {
namespace {

using RequestPtr = Handle<X509_REQ, &X509_REQ_free>;
using BitsPtr = Handle<ASN1_BIT_STRING, &ASN1_BIT_STRING_free>;
using AlgorithmPtr = Handle<X509_ALGOR, &X509_ALGOR_free>;

constexpr std::size_t kMaxCommonName = 64;  // ub-common-name, RFC 5280 appendix A
constexpr std::size_t kMaxDnsName = 253;

const EVP_MD* digest_of(SignatureHash hash) {
  return hash == SignatureHash::Sha1 ? EVP_sha1() : EVP_sha256();
}

Result<void> check_name(const std::string& common_name) {
  const bool plain = std::ranges::all_of(common_name, [](unsigned char c) { return c >= ' ' && c != 0x7f; });
  if (common_name.empty() || common_name.size() > kMaxCommonName || !plain) {
    return Error{Errc::BadValue, "a certificate's name has 1 to 64 characters"};
  }
  return {};
}

/// It becomes part of a text that OpenSSL splits at commas.
bool is_dns_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxDnsName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

bool set_name(X509_NAME* name, const std::string& common_name) {
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1;
}

KeyPtr public_key(Bytes rsa_public) {
  const unsigned char* at = rsa_public.data();
  KeyPtr key(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(rsa_public.size())));
  if (at != rsa_public.data() + rsa_public.size()) key.reset();
  return key;
}

Error refused(const char* what) {
  return Error{Errc::System, std::string(what) + ": " + take_reason("OpenSSL refused")};
}

RequestPtr read_request(Bytes der) {
  const unsigned char* at = der.data();
  RequestPtr request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (request && at != der.data() + der.size()) request.reset();
  return request;
}

}  // namespace

Result<KeyPair> make_authority(const std::string& common_name, unsigned days, SignatureHash hash) {
  if (const Result<void> good = check_name(common_name); !good) return good.error();
  ERR_clear_error();
  const KeyPtr key(EVP_RSA_gen(2048));
  const X509Ptr cert(X509_new());
  if (!key || !cert || !begin_certificate(cert.get(), key.get(), days)) return refused("cannot make a key");
  X509* c = cert.get();
  const bool made =
      set_name(X509_get_subject_name(c), common_name) && X509_set_issuer_name(c, X509_get_subject_name(c)) == 1 &&
      add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
      add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign") &&
      add_extension(c, c, NID_subject_key_identifier, "hash") && X509_sign(c, key.get(), digest_of(hash)) != 0;
  KeyPair out;
  if (made) out = {write_certificate(c), write_key(key.get())};
  if (out.cert_pem.empty() || out.key_pem.empty()) return refused("cannot make the authority's certificate");
  return out;
}

Result<std::string> issue(const KeyPair& authority, Bytes rsa_public, const Issue& what) {
  if (const Result<void> good = check_name(what.common_name); !good) return good.error();
  const Result<std::vector<X509Ptr>> ca = read_certificates(authority.cert_pem);
  if (!ca) return Error{Errc::BadValue, "the authority: " + ca.error().detail};
  const Result<KeyPtr> ca_key = read_key(authority.key_pem);
  if (!ca_key) return Error{Errc::BadValue, "the authority: " + ca_key.error().detail};
  X509* issuer = (*ca)[0].get();
  ERR_clear_error();
  if (X509_check_private_key(issuer, ca_key->get()) != 1) {
    return Error{Errc::BadValue, "the authority's key does not belong to its certificate"};
  }
  if (X509_cmp_current_time(X509_get0_notAfter(issuer)) <= 0) {
    return Error{Errc::BadValue, "the authority's own certificate has expired; make a new one"};
  }
  const KeyPtr key = public_key(rsa_public);
  if (!key) return Error{Errc::BadValue, "the key to be signed is no RSA key"};
  std::string names;
  for (const std::string& n : what.dns_names) {
    if (!is_dns_name(n)) return Error{Errc::BadValue, "'" + n + "' is no DNS name"};
    names += (names.empty() ? "DNS:" : ",DNS:") + n;
  }
  for (const IpAddress& a : what.addresses) names += (names.empty() ? "IP:" : ",IP:") + a.to_string();

  const X509Ptr cert(X509_new());
  if (!cert || !begin_certificate(cert.get(), key.get(), what.days)) return refused("cannot make a certificate");
  X509* c = cert.get();
  if (ASN1_TIME_compare(X509_get0_notAfter(c), X509_get0_notAfter(issuer)) > 0) {
    X509_set1_notAfter(c, X509_get0_notAfter(issuer));
  }
  const bool machine = what.use == Issue::Use::Machine;
  const bool made =
      set_name(X509_get_subject_name(c), what.common_name) &&
      X509_set_issuer_name(c, X509_get_subject_name(issuer)) == 1 &&
      add_extension(c, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
      // Firmware before 12 has only key exchange with RSA, newer firmware signs.
      add_extension(c, issuer, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
      add_extension(c, issuer, NID_ext_key_usage,
                    machine ? std::string("serverAuth") : "clientAuth," + std::string(kAmtConsoleUse)) &&
      add_extension(c, issuer, NID_subject_key_identifier, "hash") &&
      add_extension(c, issuer, NID_authority_key_identifier, "keyid") &&
      (names.empty() || add_extension(c, issuer, NID_subject_alt_name, names)) &&
      X509_sign(c, ca_key->get(), digest_of(what.hash)) != 0;
  std::string out = made ? write_certificate(c) : std::string();
  if (out.empty()) return refused("cannot sign a certificate");
  return out;
}

Result<Buffer> unsigned_request(Bytes rsa_public, const std::string& common_name) {
  if (const Result<void> good = check_name(common_name); !good) return good.error();
  ERR_clear_error();
  const KeyPtr key = public_key(rsa_public);
  if (!key) return Error{Errc::BadValue, "the machine's key is no RSA key"};
  const RequestPtr request(X509_REQ_new());
  const AlgorithmPtr algorithm(X509_ALGOR_new());
  BitsPtr signature(ASN1_BIT_STRING_new());
  const Buffer zeros(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())));
  if (!request || !algorithm || !signature || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      !set_name(X509_REQ_get_subject_name(request.get()), common_name) ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_ALGOR_set0(algorithm.get(), OBJ_nid2obj(NID_sha256WithRSAEncryption), V_ASN1_NULL, nullptr) != 1 ||
      X509_REQ_set1_signature_algo(request.get(), algorithm.get()) != 1 ||
      ASN1_BIT_STRING_set(signature.get(), const_cast<unsigned char*>(zeros.data()),
                          static_cast<int>(zeros.size())) != 1) {
    return refused("cannot make a signing request");
  }
  // All bits count, also those that are 0.
  signature->flags &= ~0x07L;
  signature->flags |= ASN1_STRING_FLAG_BITS_LEFT;
  X509_REQ_set0_signature(request.get(), signature.release());
  Buffer out = encode(request.get(), &i2d_X509_REQ);
  if (out.empty()) return refused("cannot make a signing request");
  return out;
}

Result<Buffer> sign_request(Bytes der, std::string_view key_pem, SignatureHash hash) {
  const RequestPtr request = read_request(der);
  if (!request) return Error{Errc::BadValue, "the signing request does not parse"};
  const Result<KeyPtr> key = read_key(key_pem);
  if (!key) return key.error();
  if (EVP_PKEY_eq(X509_REQ_get0_pubkey(request.get()), key->get()) != 1) {
    ERR_clear_error();
    return Error{Errc::BadValue, "the signing request is for another key"};
  }
  if (X509_REQ_sign(request.get(), key->get(), digest_of(hash)) == 0) return refused("cannot sign the request");
  return encode(request.get(), &i2d_X509_REQ);
}

Result<Buffer> verified_request_key(Bytes der) {
  const RequestPtr request = read_request(der);
  EVP_PKEY* key = request ? X509_REQ_get0_pubkey(request.get()) : nullptr;
  const bool good = key != nullptr && EVP_PKEY_is_a(key, "RSA") == 1 && X509_REQ_verify(request.get(), key) == 1;
  ERR_clear_error();
  if (!good) return Error{Errc::BadValue, "the signing request is not signed with its own key"};
  return encode(key, &i2d_PublicKey);
}

std::string to_pem(std::string_view label, Bytes der) {
  const std::string text = to_base64(der);
  std::string out = "-----BEGIN " + std::string(label) + "-----\n";
  for (std::size_t i = 0; i < text.size(); i += 64) out += text.substr(i, 64) + "\n";
  return out + "-----END " + std::string(label) + "-----\n";
}

}  // namespace amtgate::tls
