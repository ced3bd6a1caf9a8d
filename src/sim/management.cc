#include "amtgate/sim/management.h"

#include <algorithm>
#include <cstdio>

#include "amtgate/sim/firmware_xml.h"

namespace amtgate::sim {
namespace {

using wsman::Instance;
using wsman::Operation;
using wsman::Reply;
using wsman::Request;

// A client that never pulls to the end does not make the machine grow.
constexpr std::size_t kMaxListings = 16;
// Firmware gives a few items a pull.
constexpr std::size_t kItemsAPull = 5;

wsman::Reference reference_to(const Instance& instance) {
  wsman::Reference out{instance.class_name(), {}};
  for (const std::string_view key : key_names(instance.class_name())) {
    if (const wsman::Reference* r = instance.reference(key)) {
      out.selectors.push_back({std::string(key), *r});
    } else if (const auto text = instance.text(key)) {
      out.selectors.push_back({std::string(key), std::string(*text)});
    }
  }
  return out;
}

bool matches(const Instance& instance, const wsman::Selector& key) {
  if (const auto* reference = std::get_if<wsman::Reference>(&key.value)) {
    const wsman::Reference* own = instance.reference(key.name);
    return own != nullptr && own->class_name == reference->class_name;
  }
  return instance.text(key.name) == std::get<std::string>(key.value);
}

}  // namespace

Management::Management(const Profile& profile, ManagementOptions options, TimePoint now)
    : profile_(profile),
      options_(std::move(options)),
      accounts_(options_.realm, options_.admin),
      opt_in_(options_.random),
      began_(now),
      classes_(firmware_classes(profile_, options_)),
      tls_(profile_, classes_) {
  show_power();
  constexpr std::uint8_t kInfo = 2, kAmt = 38;
  event_log_.add(clock(now), 37, 0, kInfo, kAmt);
  audit_log_.add(clock(now), 16, 1, "");
}

Management::Answer Management::answer(std::string_view envelope, Surroundings& around, TimePoint now) {
  settle(now);
  Answer out;
  const Result<Request> request = wsman::parse_request(envelope);
  const std::uint64_t counter = ++messages_;
  const auto refuse = [&](std::string_view message_id, const Fault& f) {
    out.status = 400;
    out.fault = f.code;
    out.xml = firmware_fault_xml(message_id, f.code, f.reason, f.detail, counter);
    return out;
  };
  if (!request) {
    const bool action = request.error().code == Errc::Unsupported;
    return refuse("", {action ? "b:ActionNotSupported" : "e:SchemaValidationError", request.error().detail, ""});
  }
  out.what = request->what();
  const bool listened = listener_on();
  const Outcome outcome = run(*request, around, now);
  around.listener = listener_on() != listened;
  if (const auto* fault = std::get_if<Fault>(&outcome)) return refuse(request->message_id, *fault);
  Request shown = *request;
  if (request->operation == Operation::Pull) {
    const auto at = listings_.find(request->context);
    if (at != listings_.end()) {
      shown.mode = at->second.mode;
      if (std::get<Reply>(outcome).end) listings_.erase(at);
    }
  }
  out.xml = firmware_xml(shown, std::get<Reply>(outcome), counter);
  return out;
}

Management::Outcome Management::run(const Request& request, Surroundings& around, TimePoint now) {
  if (request.operation == Operation::Identify) {
    Reply reply;
    reply.instance.add("ProtocolVersion", std::string(wsman::kWsman)).add("ProductVendor", "Intel(r)");
    reply.instance.add("ProductVersion", "AMT " + profile_.firmware);
    return reply;
  }
  if (!classes_.contains(request.class_name)) {
    return Fault{"b:DestinationUnreachable", "No route can be determined to reach the destination role", ""};
  }
  if (!around.user.empty() && !accounts_.allows(around.user, request)) {
    return Fault{"e:AccessDenied", "The sender was not authorized to access the resource", ""};
  }
  if (around.refuse && request.operation != Operation::Invoke) {
    return Fault{"e:AccessDenied", "The sender was not authorized to access the resource", ""};
  }
  switch (request.operation) {
    case Operation::Get: return get(request);
    case Operation::Put: {
      const Instance* found = one(request.class_name, request.selectors);
      const Instance before = found == nullptr ? Instance() : *found;
      Outcome outcome = put(request);
      if (std::holds_alternative<Reply>(outcome)) audit(request, &before, around, now);
      return outcome;
    }
    case Operation::Create: return create(request);
    case Operation::Delete: return remove(request);
    case Operation::Enumerate: return enumerate(request);
    case Operation::Pull: return pull(request);
    case Operation::Release: listings_.erase(request.context); return Reply{};
    case Operation::Invoke: return invoke(request, around, now);
    default: return Fault{"b:ActionNotSupported", "The action is not supported by the service", ""};
  }
}

wsman::Instance* Management::one(std::string_view class_name, const std::vector<wsman::Selector>& keys) {
  const auto at = classes_.find(class_name);
  if (at == classes_.end()) return nullptr;
  Instance* found = nullptr;
  for (Instance& i : at->second) {
    const bool fits = std::ranges::all_of(keys, [&](const wsman::Selector& k) { return matches(i, k); });
    if (!fits) continue;
    if (found != nullptr) return nullptr;  // partial keys, and more than one fits
    found = &i;
  }
  return found;
}

wsman::Instance& Management::only(std::string_view class_name) {
  return classes_.find(class_name)->second.front();
}
const wsman::Instance& Management::only(std::string_view class_name) const {
  return classes_.find(class_name)->second.front();
}

std::string Management::setting(std::string_view class_name, std::string_view property) const {
  const auto at = classes_.find(class_name);
  if (at == classes_.end() || at->second.empty()) return "";
  return std::string(at->second.front().text(property).value_or(""));
}

Management::Outcome Management::get(const Request& request) {
  const Instance* found = one(request.class_name, request.selectors);
  if (found == nullptr) return Fault{"e:InvalidSelectors", "The Selectors for the resource were not valid", ""};
  Reply reply;
  reply.instance = *found;
  return reply;
}

Management::Fault Management::fault_of(const TlsSetup::Refusal& r) {
  if (r.fault.empty()) return {"e:InternalError", "Internal error", "AMT-STATUS " + std::to_string(r.status)};
  return {r.fault, "The request was not valid for the resource", ""};
}

std::optional<Management::Fault> Management::refuse_put(const Instance& before, const Request& request) const {
  const Instance& wanted = request.body;
  if (wanted.class_name() != before.class_name()) {
    return Fault{"e:SchemaValidationError", "The body is of another class", ""};
  }
  if (before.class_name() == "IPS_KVMRedirectionSettingData") {
    const auto password = wanted.text("RFBPassword");
    const bool given = password && !password->empty();
    if (given && password->size() != 8) return Fault{"e:InternalError", "Internal error", "AMT-STATUS 2054"};
    const bool possible = profile_.port5900 != Port5900::Closed;  // newer firmware has none
    if (wanted.boolean("Is5900PortEnabled").value_or(false) && !(possible && (rfb_password_ || given))) {
      return Fault{"e:InternalError", "Internal error", "AMT-STATUS 16"};
    }
  }
  if (before.class_name() == "AMT_EthernetPortSettings") {
    const auto dhcp = wanted.boolean("DHCPEnabled");
    if (!dhcp) return Fault{"e:SchemaValidationError", "DHCPEnabled is missing", ""};
    const bool addressed = !wanted.text("IPAddress").value_or("").empty() && wanted.has("SubnetMask");
    if (!*dhcp && !addressed) return Fault{"e:InternalError", "Internal error", "AMT-STATUS 27"};
  }
  if (before.class_name() == "AMT_BootSettingData" && needs_consent() &&
      (wanted.boolean("UseIDER").value_or(false) || wanted.boolean("UseSOL").value_or(false) ||
       wanted.boolean("BIOSSetup").value_or(false))) {
    return Fault{"e:AccessDenied", "The sender was not authorized to access the resource", ""};
  }
  if (const auto refused = tls_.refuse_put(classes_, before, wanted)) return fault_of(*refused);
  for (const wsman::Property& p : wanted.properties()) {
    const auto old = before.boolean(p.name);
    const auto text = before.text(p.name);
    const bool truth = text == "true" || text == "false";
    if (truth && old && !wanted.boolean(p.name)) {
      return Fault{"e:SchemaValidationError", "The value of " + p.name + " is no boolean", ""};
    }
  }
  return std::nullopt;
}

Management::Outcome Management::put(const Request& request) {
  Instance* found = one(request.class_name, request.selectors);
  if (found == nullptr) return Fault{"e:InvalidSelectors", "The Selectors for the resource were not valid", ""};
  if (auto fault = refuse_put(*found, request)) return *fault;
  Instance after = *found;
  std::vector<std::string_view> seen;
  for (const wsman::Property& p : request.body.properties()) {
    const auto* text = std::get_if<std::string>(&p.value);
    if (text == nullptr || !found->has(p.name) || is_read_only(found->class_name(), p.name)) continue;
    if (p.name == "RFBPassword") {  // never read again
      rfb_password_ = rfb_password_ || !text->empty();
      continue;
    }
    if (std::ranges::find(seen, p.name) == seen.end()) {
      seen.push_back(p.name);
      after.erase(p.name);
    }
    after.add(p.name, *text);
  }
  tls_.after_put(after, request.body);
  *found = std::move(after);
  Reply reply;
  reply.instance = *found;
  return reply;
}

Management::Outcome Management::create(const Request& request) {
  TlsSetup::Refusal refusal;
  const Result<wsman::Reference> made = tls_.create(classes_, request.body, refusal);
  if (!made) return fault_of(refusal);
  Reply reply;
  reply.created = *made;
  return reply;
}

Management::Outcome Management::remove(const Request& request) {
  const Instance* found = one(request.class_name, request.selectors);
  if (found == nullptr) return Fault{"e:InvalidSelectors", "The Selectors for the resource were not valid", ""};
  if (const auto refused = tls_.refuse_remove(classes_, *found)) return fault_of(*refused);
  tls_.after_remove(*found);
  std::vector<Instance>& all = classes_.find(request.class_name)->second;
  all.erase(all.begin() + (found - all.data()));
  return Reply{};
}

Management::Outcome Management::enumerate(const Request& request) {
  if (listings_.size() >= kMaxListings) listings_.erase(listings_.begin());
  char id[48];
  const std::uint32_t n = ++last_listing_;
  std::snprintf(id, sizeof id, "%02X%02X%02X%02X-0000-0000-0000-000000000000", n & 0xff, n >> 8 & 0xff,
                n >> 16 & 0xff, n >> 24);
  Listing listing{{}, request.mode, request.class_name};
  for (const Instance& i : classes_.find(request.class_name)->second) listing.items.push_back({i, reference_to(i)});
  listings_.insert_or_assign(id, std::move(listing));
  Reply reply;
  reply.context = id;
  return reply;
}

Management::Outcome Management::pull(const Request& request) {
  const auto at = listings_.find(request.context);
  if (at == listings_.end() || at->second.class_name != request.class_name) {
    return Fault{"c:InvalidEnumerationContext", "The supplied enumeration context is invalid", ""};
  }
  std::vector<wsman::Item>& left = at->second.items;
  const auto end = left.begin() + static_cast<std::ptrdiff_t>(std::min(kItemsAPull, left.size()));
  Reply reply;
  reply.items.assign(left.begin(), end);
  left.erase(left.begin(), end);
  reply.end = left.empty();
  if (!reply.end) reply.context = request.context;
  return reply;
}

Management::Outcome Management::invoke(const Request& request, Surroundings& around, TimePoint now) {
  Reply reply;
  std::optional<std::uint64_t> value;
  if (around.refuse) {
    constexpr std::string_view kUnspecified = "2";
    reply.instance.add("ReturnValue", std::string(kUnspecified));
    return reply;
  }
  const std::string_view c = request.class_name;
  if (c == "AMT_AuthorizationService") value = accounts_.invoke(request, reply.instance);
  if (c == "IPS_OptInService") value = opt_in_.invoke(request, now);
  if (c == "AMT_MessageLog") value = event_log_.invoke(request, reply.instance);
  if (c == "AMT_AuditLog") value = audit_log_.invoke(request, reply.instance);
  for (const Method& m : methods()) {
    if (m.class_name == c && m.name == request.method) value = (this->*m.run)(request, reply.instance, around, now);
  }
  if (!value) return Fault{"b:ActionNotSupported", "The action is not supported by the service", ""};
  settle(now);
  if (*value == 0) audit(request, nullptr, around, now);
  reply.instance.add("ReturnValue", std::to_string(*value));
  return reply;
}

bool Management::needs_consent() const {
  constexpr std::uint64_t kAll = 0xffffffff;
  return only("IPS_OptInService").number("OptInRequired") == kAll && !opt_in_.granted();
}

bool Management::kvm_needs_consent() const {
  return only("IPS_OptInService").number("OptInRequired") != 0U && !opt_in_.granted();
}

bool Management::sol_on() const {
  return (only("AMT_RedirectionService").number("EnabledState").value_or(0) & 2U) != 0;
}
bool Management::ider_on() const {
  return (only("AMT_RedirectionService").number("EnabledState").value_or(0) & 1U) != 0;
}
bool Management::listener_on() const {
  return only("AMT_RedirectionService").boolean("ListenerEnabled").value_or(true);
}
bool Management::kvm_on() const {
  return profile_.kvm && only("CIM_KVMRedirectionSAP").number("EnabledState") != 3U;
}

}  // namespace amtgate::sim
