#include "amtgate/wsman/tls_settings.h"

namespace amtgate::wsman {
namespace {

constexpr const char* kSettings = "AMT_TLSSettingData";
constexpr const char* kContext = "AMT_TLSCredentialContext";
constexpr const char* kCollection = "AMT_TLSProtocolEndpointCollection";

std::vector<Selector> key(TlsSide side) {
  return {
      {"InstanceID", side == TlsSide::Network ? "Intel(r) AMT 802.3 TLS Settings" : "Intel(r) AMT LMS TLS Settings"}};
}

TlsSettings settings_of(const Instance& i) {
  TlsSettings out;
  out.enabled = i.boolean("Enabled").value_or(false);
  out.plain_too = i.boolean("AcceptNonSecureConnections").value_or(!out.enabled);
  out.mutual = i.boolean("MutualAuthentication").value_or(false);
  for (const std::string_view name : i.texts("TrustedCN")) out.trusted_names.emplace_back(name);
  return out;
}

std::string text(bool on) {
  return on ? "true" : "false";
}

/// Empty: there is none.
Result<std::optional<Instance>> context(Caller& machine) {
  const Result<std::vector<Item>> all = enumerate(machine, kContext);
  if (!all) return all.error();
  for (const Item& i : *all) {
    const Reference* element = i.instance.reference("ElementInContext");
    if (element != nullptr && element->class_name == "AMT_PublicKeyCertificate") return std::optional(i.instance);
  }
  return std::optional<Instance>();
}

std::string id_of(const Reference* reference) {
  for (const Selector& s : reference == nullptr ? std::vector<Selector>{} : reference->selectors) {
    const auto* id = std::get_if<std::string>(&s.value);
    if (s.name == "InstanceID" && id != nullptr) return *id;
  }
  return {};
}

std::vector<Selector> keys_of(const Instance& c) {
  std::vector<Selector> out;
  for (const char* name : {"ElementInContext", "ElementProvidingContext"}) {
    if (const Reference* r = c.reference(name)) out.push_back({name, *r});
  }
  return out;
}

}  // namespace

Result<TlsState> read_tls(Caller& machine) {
  const Result<Instance> network = get(machine, kSettings, key(TlsSide::Network));
  if (!network) return network.error();
  TlsState out;
  out.network = settings_of(*network);
  // Told by the property's presence: what its value means is not agreed upon.
  out.never_plain = network->has("NonSecureConnectionsSupported");
  const Result<Instance> local = get(machine, kSettings, key(TlsSide::Local));
  if (local) out.local = settings_of(*local);
  if (!local && local.error().code != Errc::Refused) return local.error();  // no such instance
  const Result<std::optional<Instance>> chosen = context(machine);
  if (!chosen) return chosen.error();
  if (*chosen) out.certificate = id_of((*chosen)->reference("ElementInContext"));
  return out;
}

Result<void> put_tls(Caller& machine, TlsSide side, const TlsSettings& wanted) {
  Result<Instance> now = get(machine, kSettings, key(side));
  if (!now) return now.error();
  now->set("Enabled", text(wanted.enabled)).set("MutualAuthentication", text(wanted.mutual));
  now->set("AcceptNonSecureConnections", text(wanted.plain_too));
  now->erase("TrustedCN");
  for (const std::string& name : wanted.trusted_names) now->add("TrustedCN", name);
  const Result<Instance> done = put(machine, std::move(*now), key(side));
  if (!done) return done.error();
  return {};
}

Result<void> use_certificate(Caller& machine, std::string_view id) {
  const Reference certificate{"AMT_PublicKeyCertificate", {{"InstanceID", std::string(id)}}};
  Result<std::optional<Instance>> there = context(machine);
  if (!there) return there.error();
  if (*there) {
    Instance next(kContext);
    next.add("ElementInContext", certificate);
    if (const Reference* r = (*there)->reference("ElementProvidingContext")) next.add("ElementProvidingContext", *r);
    const Result<Instance> done = put(machine, std::move(next), keys_of(**there));
    if (!done) return done.error();
    return {};
  }
  // Firmware and its clients spell the collection's name differently: the firmware's own word counts.
  const Result<Instance> endpoints = get(machine, kCollection);
  if (!endpoints && endpoints.error().code != Errc::Refused && endpoints.error().code != Errc::Unsupported) {
    return endpoints.error();
  }
  const std::string name(endpoints ? endpoints->text("ElementName").value_or("") : "");
  Instance made(kContext);
  made.add("ElementInContext", certificate);
  made.add(
      "ElementProvidingContext",
      Reference{kCollection, {{"ElementName", name.empty() ? "TLSProtocolEndpointInstances Collection" : name}}});
  const Result<Reference> done = create(machine, std::move(made));
  if (!done) return done.error();
  return {};
}

Result<void> use_no_certificate(Caller& machine) {
  const Result<std::optional<Instance>> there = context(machine);
  if (!there) return there.error();
  if (!*there) return {};
  return remove(machine, kContext, keys_of(**there));
}

Result<void> commit_changes(Caller& machine) {
  const Result<Instance> done = invoke(machine, "CommitChanges", Instance("AMT_SetupAndConfigurationService"));
  if (done || done.error().code == Errc::Closed || done.error().code == Errc::Timeout) return {};
  return done.error();
}

}  // namespace amtgate::wsman
