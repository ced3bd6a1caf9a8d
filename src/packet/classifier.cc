#include "amtgate/packet/classifier.h"

#include <algorithm>
#include <array>

#include "amtgate/packet/rmcp.h"

namespace amtgate::packet {
namespace {

/// `a` with all bits behind the first `prefix` zeroed.
IpAddress masked(const IpAddress& a, unsigned prefix) {
  std::array<std::uint8_t, 16> bytes{};
  const auto from = a.bytes();
  for (std::size_t i = 0; i < from.size() && i * 8 < prefix; ++i) {
    const unsigned bits = prefix - static_cast<unsigned>(i) * 8;
    bytes[i] = bits >= 8 ? from[i] : static_cast<std::uint8_t>(from[i] & 0xff00U >> bits);
  }
  if (a.is_v4()) return IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  return IpAddress::v6(bytes);
}

bool allows(const Entry& entry, const IpAddress& source, Origin origin) {
  if (entry.allow.empty()) return origin == Origin::Local;
  return std::ranges::any_of(entry.allow, [&](const Network& n) { return n.contains(source); });
}

}  // namespace

Classifier::Classifier(std::vector<Entry> entries) : entries_(std::move(entries)) {
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    for (const Network& network : entries_[i].destinations) {
      if (network.is_single()) {
        single_.emplace(network.address, i);
        continue;
      }
      auto level = std::ranges::find_if(levels_, [&](const Level& l) {
        return l.family == network.address.family() && l.prefix == network.prefix;
      });
      if (level == levels_.end()) {
        levels_.push_back({network.address.family(), network.prefix, {}});
        level = std::prev(levels_.end());
      }
      level->networks.emplace(masked(network.address, network.prefix), i);
    }
  }
  std::ranges::stable_sort(levels_, std::ranges::greater{}, &Level::prefix);
}

const Entry* Classifier::find(const IpAddress& destination) const {
  if (const auto at = single_.find(destination); at != single_.end()) return &entries_[at->second];
  for (const Level& level : levels_) {
    if (level.family != destination.family()) continue;
    const auto at = level.networks.find(masked(destination, level.prefix));
    if (at != level.networks.end()) return &entries_[at->second];
  }
  return nullptr;
}

Decision Classifier::decide(Bytes packet, Origin origin) const {
  Header header;
  if (parse(packet, header) != packet::Unread::None) return {Reason::Unread, 0};
  const FlowKey& flow = header.flow;
  if (flow.protocol == Protocol::Udp && flow.destination.port == kRmcpPort && header.payload_at <= packet.size() &&
      parse_ping(packet.subspan(header.payload_at)
                     .first(std::min<std::size_t>(kPingBytes, packet.size() - header.payload_at)))) {
    return decide_ping(flow.source.address, flow.destination.address, origin);
  }
  if (!header.opens()) return {Reason::NotOpening, 0};
  return decide(flow.source.address, flow.destination.address, flow.destination.port, origin);
}

Decision Classifier::decide(const IpAddress& source, const IpAddress& destination, Port port, Origin origin) const {
  const Entry* entry = find(destination);
  if (entry == nullptr) return {Reason::NoTarget, 0};
  if (std::ranges::find(entry->ports, port) == entry->ports.end()) return {Reason::NotServed, entry->target};
  if (allows(*entry, source, origin)) return {Reason::Allowed, entry->target};
  return {entry->denied == Denied::Pass ? Reason::DeniedPass : Reason::DeniedRefuse, entry->target};
}

Decision Classifier::decide_ping(const IpAddress& source, const IpAddress& destination, Origin origin) const {
  const Entry* entry = find(destination);
  if (entry == nullptr) return {Reason::NoTarget, 0};
  if (!entry->rmcp) return {Reason::NotServed, entry->target};
  if (allows(*entry, source, origin)) return {Reason::Allowed, entry->target};
  return {entry->denied == Denied::Pass ? Reason::DeniedPass : Reason::DeniedRefuse, entry->target};
}

std::optional<std::uint32_t> Classifier::lookup(const IpAddress& destination, Port port) const {
  const Entry* entry = find(destination);
  if (entry == nullptr || std::ranges::find(entry->ports, port) == entry->ports.end()) return std::nullopt;
  return entry->target;
}

const char* name(Reason reason) {
  switch (reason) {
    case Reason::Unread: return "unread";
    case Reason::NotOpening: return "not_opening";
    case Reason::NoTarget: return "no_target";
    case Reason::NotServed: return "not_served";
    case Reason::DeniedPass: return "denied_pass";
    case Reason::DeniedRefuse: return "denied_refuse";
    case Reason::Allowed: return "allowed";
  }
  return "?";
}

}  // namespace amtgate::packet
