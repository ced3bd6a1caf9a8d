#include "amtgate/sim/tls_setup.h"

#include <algorithm>
#include <charconv>

#include "amtgate/base/base64.h"
#include "amtgate/tls/authority.h"
#include "amtgate/tls/certificate_facts.h"
#include "amtgate/tls/rsa_key.h"

namespace amtgate::sim {
namespace {

using wsman::Instance;
using wsman::Reference;
using Classes = TlsSetup::Classes;

constexpr std::uint64_t kDone = 0, kInternal = 1, kNotPermitted = 16, kLimit = 23, kInvalidParameter = 36,
                        kDataMissing = 2057, kDuplicate = 2058, kKeysMissing = 2060, kInvalidKey = 2062,
                        kInvalidCertificate = 2063, kInProgress = 2082;

constexpr std::string_view kCertificates = "AMT_PublicKeyCertificate", kKeys = "AMT_PublicPrivateKeyPair",
                           kContexts = "AMT_TLSCredentialContext", kSettings = "AMT_TLSSettingData",
                           kCollections = "AMT_TLSProtocolEndpointCollection";
constexpr std::string_view kNetwork = "Intel(r) AMT 802.3 TLS Settings";
constexpr std::string_view kCollection = "TLSProtocolEndpoint Instances Collection";

unsigned generation(std::string_view firmware) {
  unsigned n = 0;
  std::from_chars(firmware.data(), firmware.data() + firmware.size(), n);
  return n;
}

std::vector<Instance>& all(Classes& classes, std::string_view name) {
  return classes.find(name)->second;
}
const std::vector<Instance>& all(const Classes& classes, std::string_view name) {
  return classes.find(name)->second;
}

const Instance* by_id(const Classes& classes, std::string_view name, std::string_view id) {
  for (const Instance& i : all(classes, name)) {
    if (i.text("InstanceID") == id) return &i;
  }
  return nullptr;
}

std::string_view id_in(const Reference* reference) {
  if (reference == nullptr) return {};
  for (const wsman::Selector& s : reference->selectors) {
    const auto* text = std::get_if<std::string>(&s.value);
    if (s.name == "InstanceID" && text != nullptr) return *text;
  }
  return {};
}

bool is_root(const Instance& certificate) {
  return certificate.boolean("TrustedRootCertficate").value_or(false);
}

Buffer der_of(const Instance& certificate) {
  const Result<Buffer> der = from_base64(certificate.text("X509Certificate").value_or(""));
  return der ? *der : Buffer{};
}

/// The key pair that a certificate belongs to.
const Instance* key_of(const Classes& classes, const Instance& certificate) {
  const Result<tls::CertificateFacts> facts = tls::certificate_facts(der_of(certificate));
  if (!facts || facts->rsa_public.empty()) return nullptr;
  const std::string wanted = to_base64(facts->rsa_public);
  for (const Instance& key : all(classes, kKeys)) {
    if (key.text("DERKey") == wanted) return &key;
  }
  return nullptr;
}

Reference created(std::string_view class_name, std::string id) {
  return {std::string(class_name), {{"InstanceID", std::move(id)}}};
}

Instance certificate_instance(std::string id, Bytes der, const tls::CertificateFacts& facts, bool root, bool fixed) {
  Instance out((std::string(kCertificates)));
  out.add("ElementName", "Intel(r) AMT Certificate").add("InstanceID", std::move(id)).add("Issuer", facts.issuer);
  if (fixed) out.add("ReadOnlyCertificate", "true");
  out.add("Subject", facts.subject).add("TrustedRootCertficate", root ? "true" : "false");
  return out.add("X509Certificate", to_base64(der));
}

Reference collection() {
  return {std::string(kCollections), {{"ElementName", std::string(kCollection)}}};
}

}  // namespace

bool lets_in(const TlsService& service, Bytes client_certificate) {
  if (!service.mutual || !service.set_up_from_afar) return true;
  const Result<tls::CertificateFacts> facts = tls::certificate_facts(client_certificate);
  if (!facts || facts->uses.empty() || !facts->allows(tls::kClientUse) || !facts->allows(tls::kAmtConsoleUse)) {
    return false;
  }
  return service.trusted_names.empty() || std::ranges::any_of(service.trusted_names, [&](const std::string& end) {
           return facts->common_name.ends_with(end);
         });
}

TlsSetup::TlsSetup(const Profile& profile, Classes& classes)
    : generation_(generation(profile.firmware)),
      plain_possible_(profile.plain_open),
      busy_at_first_(generation_ <= 8) {
  for (const std::string_view name : {kCertificates, kKeys, kContexts}) classes[std::string(name)];
  Instance service("AMT_PublicKeyManagementService");
  service.add("CreationClassName", "AMT_PublicKeyManagementService");
  service.add("ElementName", "Intel(r) AMT Certificate Store Service").add("EnabledState", "5");
  service.add("Name", "Intel(r) AMT Public Key Management Service").add("RequestedState", "12");
  service.add("SystemCreationClassName", "CIM_ComputerSystem").add("SystemName", "Intel(r) AMT");
  classes["AMT_PublicKeyManagementService"] = {std::move(service)};
  Instance endpoints((std::string(kCollections)));
  endpoints.add("ElementName", std::string(kCollection));
  classes[std::string(kCollections)] = {std::move(endpoints)};
  service_.tls = profile.tls_open;
  service_.plain = profile.plain_open;
}

void TlsSetup::start_with(Classes& classes, std::string cert_pem, std::string key_pem,
                          const std::string& client_ca_pem) {
  const Result<std::vector<tls::Certificate>> chain = tls::parse_pem(cert_pem);
  const auto facts = chain ? tls::certificate_facts(chain->front().der()) : Error{Errc::BadValue, ""};
  if (!facts) return;  // whoever opens the ports says what is wrong with it
  first_id_ = "Intel(r) AMT Certificate: Handle: " + std::to_string(last_certificate_++);
  all(classes, kCertificates)
      .push_back(certificate_instance(first_id_, chain->front().der(), *facts, false, !plain_possible_));
  Instance context((std::string(kContexts)));
  context.add("ElementInContext", created(kCertificates, first_id_)).add("ElementProvidingContext", collection());
  all(classes, kContexts).push_back(std::move(context));
  if (!facts->rsa_public.empty() && plain_possible_) {
    const std::string id = "Intel(r) AMT Key: Handle: " + std::to_string(last_key_++);
    Instance key((std::string(kKeys)));
    key.add("DERKey", to_base64(facts->rsa_public)).add("ElementName", "Intel(r) AMT Key").add("InstanceID", id);
    all(classes, kKeys).push_back(std::move(key));
    private_keys_[id] = key_pem;
  }
  first_key_pem_ = key_pem;
  service_.cert_pem = std::move(cert_pem);
  service_.key_pem = std::move(key_pem);
  service_.client_ca_pem = client_ca_pem;
  if (client_ca_pem.empty()) return;
  service_.mutual = true;
  for (Instance& i : all(classes, kSettings)) {
    if (i.text("InstanceID") == kNetwork) i.set("MutualAuthentication", "true");
  }
  const Result<std::vector<tls::Certificate>> roots = tls::parse_pem(client_ca_pem);
  for (const tls::Certificate& root : roots ? *roots : std::vector<tls::Certificate>{}) {
    const Result<tls::CertificateFacts> f = tls::certificate_facts(root.der());
    const std::string id = "Intel(r) AMT Certificate: Handle: " + std::to_string(last_certificate_++);
    if (f) all(classes, kCertificates).push_back(certificate_instance(id, root.der(), *f, true, false));
  }
}

std::uint64_t TlsSetup::add_certificate(Classes& classes, const wsman::Request& request, Instance& output,
                                        bool root) {
  if (root && service_.mutual) return kNotPermitted;
  const Result<Buffer> der = from_base64(request.body.text("CertificateBlob").value_or(""));
  if (!der || der->empty()) return kInvalidParameter;
  if (der->size() > kMaxCertificate) return kInvalidCertificate;
  const Result<tls::CertificateFacts> facts = tls::certificate_facts(*der);
  if (!facts) return kInvalidCertificate;
  // Intermediate authorities came with 11.8; a certificate that vouches for itself was refused as a machine's own.
  if (root ? generation_ < 11 && !facts->self_issued : generation_ <= 8 && facts->self_issued) {
    return kInvalidCertificate;
  }
  std::vector<Instance>& store = all(classes, kCertificates);
  const std::string blob = to_base64(*der);
  std::size_t same_kind = 0;
  for (const Instance& i : store) {
    if (i.text("X509Certificate") == blob && is_root(i) == root) return kDuplicate;
    if (is_root(i) == root) ++same_kind;
  }
  if (same_kind >= (root ? kMaxRoots : kMaxCertificates)) return kLimit;
  const std::string id = "Intel(r) AMT Certificate: Handle: " + std::to_string(last_certificate_++);
  store.push_back(certificate_instance(id, *der, *facts, root, false));
  output.add("CreatedCertificate", created(kCertificates, id));
  return kDone;
}

std::uint64_t TlsSetup::add_key(Classes& classes, const wsman::Request& request, Instance& output) {
  const Result<Buffer> der = from_base64(request.body.text("KeyBlob").value_or(""));
  if (!der || der->empty()) return kInvalidParameter;
  const Result<std::string> pem = tls::rsa_private_pem(*der);
  const Result<Buffer> half = pem ? tls::rsa_public_der(*pem) : pem.error();
  if (!half) return kInvalidKey;
  const unsigned bits = tls::rsa_bits(*half);
  const bool newer = generation_ >= 16;
  if (bits < (newer ? 2048U : 1024U) || bits > (newer ? 3072U : 2048U)) return kInvalidKey;
  if (!newer && der->size() > kMaxKey) return kInvalidKey;
  std::vector<Instance>& store = all(classes, kKeys);
  const std::string blob = to_base64(*half);
  for (const Instance& i : store) {
    if (i.text("DERKey") == blob) return kDuplicate;
  }
  if (store.size() >= kMaxKeys) return kLimit;
  const std::string id = "Intel(r) AMT Key: Handle: " + std::to_string(last_key_++);
  Instance key((std::string(kKeys)));
  key.add("DERKey", blob).add("ElementName", "Intel(r) AMT Key").add("InstanceID", id);
  store.push_back(std::move(key));
  private_keys_[id] = *pem;
  output.add("CreatedKey", created(kKeys, id));
  return kDone;
}

std::uint64_t TlsSetup::make_key(Classes& classes, const wsman::Request& request, Instance& output) {
  const std::uint64_t bits = request.body.number("KeyLength").value_or(0);
  if (request.body.number("KeyAlgorithm") != 0U || (bits != 2048 && !(bits == 3072 && generation_ >= 16))) {
    return kInvalidParameter;
  }
  if (std::exchange(busy_at_first_, false)) return kInProgress;
  std::vector<Instance>& store = all(classes, kKeys);
  if (store.size() >= kMaxKeys) return kLimit;
  const Result<std::string> pem = tls::make_rsa_key(static_cast<unsigned>(bits));
  const Result<Buffer> half = pem ? tls::rsa_public_der(*pem) : pem.error();
  if (!half) return kInternal;
  const std::string id = "Intel(r) AMT Key: Handle: " + std::to_string(last_key_++);
  Instance key((std::string(kKeys)));
  key.add("DERKey", to_base64(*half)).add("ElementName", "Intel(r) AMT Key").add("InstanceID", id);
  store.push_back(std::move(key));
  private_keys_[id] = *pem;
  output.add("KeyPair", created(kKeys, id));
  return kDone;
}

std::uint64_t TlsSetup::sign_request(Classes&, const wsman::Request& request, Instance& output) {
  const auto key = private_keys_.find(id_in(request.body.reference("KeyPair")));
  const std::uint64_t algorithm = request.body.number("SigningAlgorithm").value_or(2);
  const Result<Buffer> blank = from_base64(request.body.text("NullSignedCertificateRequest").value_or(""));
  if (key == private_keys_.end() || algorithm > 1 || !blank) return kInvalidParameter;
  const Result<Buffer> done =
      tls::sign_request(*blank, key->second, algorithm == 0 ? tls::SignatureHash::Sha1 : tls::SignatureHash::Sha256);
  if (!done) return kInvalidParameter;
  output.add("SignedCertificateRequest", to_base64(*done));
  return kDone;
}

std::optional<TlsService> TlsSetup::staged(const Classes& classes) const {
  const Instance* network = by_id(classes, kSettings, kNetwork);
  TlsService out;
  out.set_up_from_afar = true;
  out.trusted_names = service_.trusted_names;
  out.tls = network != nullptr && network->boolean("Enabled").value_or(false);
  out.plain = plain_possible_ &&
              (!out.tls || (network != nullptr && network->boolean("AcceptNonSecureConnections").value_or(false)));
  if (!out.tls) return out;
  const std::vector<Instance>& contexts = all(classes, kContexts);
  const std::string_view id =
      contexts.empty() ? std::string_view() : id_in(contexts.front().reference("ElementInContext"));
  const Instance* own = by_id(classes, kCertificates, id);
  if (own == nullptr) return std::nullopt;
  const Buffer der = der_of(*own);
  out.cert_pem = tls::to_pem("CERTIFICATE", der);
  if (id == first_id_) {
    out.key_pem = first_key_pem_;
  } else {
    const Instance* key = key_of(classes, *own);
    const auto at = key == nullptr ? private_keys_.end() : private_keys_.find(key->text("InstanceID").value_or(""));
    if (at == private_keys_.end()) return std::nullopt;
    out.key_pem = at->second;
  }
  // The authorities between it and a root, where they are in the store.
  Buffer below = der;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto above = std::ranges::find_if(all(classes, kCertificates), [&](const Instance& c) {
      return !is_root(c) && der_of(c) != below && tls::is_signed_by(below, der_of(c));
    });
    if (above == all(classes, kCertificates).end()) break;
    below = der_of(*above);
    out.cert_pem += tls::to_pem("CERTIFICATE", below);
  }
  out.mutual = network->boolean("MutualAuthentication").value_or(false);
  if (!out.mutual) return out;
  for (const Instance& c : all(classes, kCertificates)) {
    if (is_root(c)) out.client_ca_pem += tls::to_pem("CERTIFICATE", der_of(c));
  }
  if (out.client_ca_pem.empty()) return std::nullopt;
  return out;
}

std::uint64_t TlsSetup::commit(Classes& classes, bool& changed) {
  std::optional<TlsService> next = staged(classes);
  if (!next) return kDataMissing;
  TlsService same = *next;
  same.set_up_from_afar = service_.set_up_from_afar;
  changed = !(same == service_);
  if (changed) service_ = std::move(*next);
  return kDone;
}

std::optional<TlsSetup::Refusal> TlsSetup::refuse_put(const Classes& classes, const Instance& before,
                                                      const Instance& wanted) const {
  if (before.class_name() == kContexts) {
    const Instance* certificate = by_id(classes, kCertificates, id_in(wanted.reference("ElementInContext")));
    if (certificate == nullptr) return Refusal{0, "e:InvalidSelectors"};
    if (certificate->text("InstanceID") != first_id_ && key_of(classes, *certificate) == nullptr) {
      return Refusal{kKeysMissing};
    }
    return std::nullopt;
  }
  if (before.class_name() != kSettings) return std::nullopt;
  const auto enabled = wanted.boolean("Enabled");
  // Firmware that has this property does not go without TLS any more.
  if (before.has("NonSecureConnectionsSupported") &&
      (wanted.boolean("AcceptNonSecureConnections").value_or(false) || enabled == false)) {
    return Refusal{kNotPermitted};
  }
  if (enabled == true && !wanted.has("MutualAuthentication")) return Refusal{0, "e:SchemaValidationError"};
  return std::nullopt;
}

void TlsSetup::after_put(Instance& now, const Instance& wanted) {
  if (now.class_name() == kContexts) {
    const Reference* certificate = wanted.reference("ElementInContext");
    now.erase("ElementInContext");
    now.add("ElementInContext", *certificate);
    return;
  }
  if (now.class_name() != kSettings) return;
  now.erase("TrustedCN");
  std::vector<std::string> names;
  for (const std::string_view name : wanted.texts("TrustedCN")) {
    now.add("TrustedCN", std::string(name));
    names.emplace_back(name);
  }
  if (now.text("InstanceID") == kNetwork) service_.trusted_names = std::move(names);
}

Result<Reference> TlsSetup::create(Classes& classes, const Instance& wanted, Refusal& refusal) {
  const Error no{Errc::Refused, ""};
  if (wanted.class_name() != kContexts) {
    refusal = {0, "b:ActionNotSupported"};
    return no;
  }
  const Reference* into = wanted.reference("ElementProvidingContext");
  if (into == nullptr || into->class_name != kCollections) {
    refusal = {0, "e:SchemaValidationError"};
    return no;
  }
  if (!all(classes, kContexts).empty()) {
    refusal = {0, "e:AlreadyExists"};
    return no;
  }
  if (auto refused = refuse_put(classes, Instance(std::string(kContexts)), wanted)) {
    refusal = *refused;
    return no;
  }
  Instance context((std::string(kContexts)));
  context.add("ElementInContext", *wanted.reference("ElementInContext")).add("ElementProvidingContext", collection());
  Reference out{
      std::string(kContexts),
      {{"ElementInContext", *wanted.reference("ElementInContext")}, {"ElementProvidingContext", collection()}}};
  all(classes, kContexts).push_back(std::move(context));
  return out;
}

std::optional<TlsSetup::Refusal> TlsSetup::refuse_remove(const Classes& classes, const Instance& instance) const {
  const std::string& name = instance.class_name();
  const Refusal in_use{kNotPermitted};
  if (name == kCertificates) {
    if (instance.boolean("ReadOnlyCertificate").value_or(false)) return in_use;
    if (is_root(instance)) return service_.mutual ? std::optional(in_use) : std::nullopt;
    for (const Instance& context : all(classes, kContexts)) {
      if (id_in(context.reference("ElementInContext")) == instance.text("InstanceID")) return in_use;
    }
    return std::nullopt;
  }
  if (name == kKeys) {
    for (const Instance& certificate : all(classes, kCertificates)) {
      const Instance* key = key_of(classes, certificate);
      if (key != nullptr && key->text("InstanceID") == instance.text("InstanceID")) return in_use;
    }
    return std::nullopt;
  }
  if (name == kContexts) {
    const Instance* network = by_id(classes, kSettings, kNetwork);
    const bool on = service_.tls || (network != nullptr && network->boolean("Enabled").value_or(false));
    return on ? std::optional(in_use) : std::nullopt;
  }
  return Refusal{0, "b:ActionNotSupported"};
}

void TlsSetup::after_remove(const Instance& instance) {
  if (instance.class_name() == kKeys) private_keys_.erase(std::string(instance.text("InstanceID").value_or("")));
}

}  // namespace amtgate::sim
