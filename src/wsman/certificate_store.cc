#include "amtgate/wsman/certificate_store.h"

#include <algorithm>

#include "amtgate/base/base64.h"

namespace amtgate::wsman {
namespace {

constexpr const char* kService = "AMT_PublicKeyManagementService";
constexpr std::string_view kCertificate = "AMT_PublicKeyCertificate", kKey = "AMT_PublicPrivateKeyPair";

Result<std::string> created(const Result<Instance>& output, std::string_view name) {
  if (!output) return output.error();
  const Reference* made = output->reference(name);
  for (const Selector& s : made == nullptr ? std::vector<Selector>{} : made->selectors) {
    const auto* id = std::get_if<std::string>(&s.value);
    if (s.name == "InstanceID" && id != nullptr && !id->empty()) return *id;
  }
  return Error{Errc::BadValue, std::string(kService) + ": an answer that does not name what was made"};
}

Buffer bytes_of(const Instance& instance, std::string_view property) {
  Result<Buffer> out = from_base64(instance.text(property).value_or(""));
  return out ? std::move(*out) : Buffer{};
}

Result<std::string> add(Caller& machine, const char* method, const char* parameter, Bytes der, const char* made) {
  Instance in(kService);
  in.add(parameter, to_base64(der));
  return created(invoke(machine, method, std::move(in)), made);
}

}  // namespace

const StoredCertificate* CertificateStore::find(Bytes der, bool root) const {
  const auto at = std::ranges::find_if(
      certificates, [&](const StoredCertificate& c) { return c.root == root && std::ranges::equal(c.der, der); });
  return at == certificates.end() ? nullptr : &*at;
}

const StoredCertificate* CertificateStore::certificate(std::string_view id) const {
  const auto at = std::ranges::find(certificates, id, &StoredCertificate::id);
  return at == certificates.end() ? nullptr : &*at;
}

const StoredKey* CertificateStore::find_key(Bytes rsa_public) const {
  const auto at =
      std::ranges::find_if(keys, [&](const StoredKey& k) { return std::ranges::equal(k.rsa_public, rsa_public); });
  return at == keys.end() ? nullptr : &*at;
}

Result<CertificateStore> read_certificate_store(Caller& machine) {
  const Result<std::vector<Item>> certificates = enumerate(machine, kCertificate);
  if (!certificates) return certificates.error();
  const Result<std::vector<Item>> keys = enumerate(machine, kKey);
  if (!keys) return keys.error();
  CertificateStore out;
  for (const Item& i : *certificates) {
    out.certificates.push_back({std::string(i.instance.text("InstanceID").value_or("")),
                                bytes_of(i.instance, "X509Certificate"),
                                i.instance.boolean("TrustedRootCertficate").value_or(false),
                                i.instance.boolean("ReadOnlyCertificate").value_or(false)});
  }
  for (const Item& i : *keys) {
    out.keys.push_back({std::string(i.instance.text("InstanceID").value_or("")), bytes_of(i.instance, "DERKey")});
  }
  return out;
}

std::string_view handle_of(std::string_view id) {
  const std::size_t at = id.rfind(": ");
  return at == std::string_view::npos ? id : id.substr(at + 2);
}

Result<std::string> add_root(Caller& machine, Bytes der) {
  return add(machine, "AddTrustedRootCertificate", "CertificateBlob", der, "CreatedCertificate");
}

Result<std::string> add_certificate(Caller& machine, Bytes der) {
  return add(machine, "AddCertificate", "CertificateBlob", der, "CreatedCertificate");
}

Result<std::string> add_key(Caller& machine, Bytes private_der) {
  return add(machine, "AddKey", "KeyBlob", private_der, "CreatedKey");
}

Result<std::string> generate_key(Caller& machine, unsigned bits) {
  Instance in(kService);
  in.add("KeyAlgorithm", "0").add("KeyLength", std::to_string(bits));
  return created(invoke(machine, "GenerateKeyPair", std::move(in)), "KeyPair");
}

Result<Buffer> sign_request(Caller& machine, std::string_view key_id, Bytes blank, RequestHash hash) {
  Instance in(kService);
  in.add("KeyPair", Reference{std::string(kKey), {{"InstanceID", std::string(key_id)}}});
  in.add("SigningAlgorithm", std::to_string(static_cast<int>(hash)));
  in.add("NullSignedCertificateRequest", to_base64(blank));
  const Result<Instance> output = invoke(machine, "GeneratePKCS10RequestEx", std::move(in));
  if (!output) return output.error();
  Result<Buffer> signed_request = from_base64(output->text("SignedCertificateRequest").value_or(""));
  if (!signed_request || signed_request->empty()) {
    return Error{Errc::BadValue, std::string(kService) + ": an answer without a signing request"};
  }
  return signed_request;
}

Result<void> delete_certificate(Caller& machine, std::string_view id) {
  return remove(machine, kCertificate, {{"InstanceID", std::string(id)}});
}

Result<void> delete_key(Caller& machine, std::string_view id) {
  return remove(machine, kKey, {{"InstanceID", std::string(id)}});
}

}  // namespace amtgate::wsman
