#include "amtgate/cli/address_ranges.h"

#include <algorithm>
#include <charconv>

namespace amtgate::cli {
namespace {

std::uint32_t number_of(const IpAddress& a) {
  std::uint32_t out = 0;
  for (const std::uint8_t byte : a.bytes()) out = out << 8U | byte;
  return out;
}
IpAddress address_of_number(std::uint32_t n) {
  return IpAddress::v4({static_cast<std::uint8_t>(n >> 24U), static_cast<std::uint8_t>(n >> 16U),
                        static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)});
}

Error wrong(std::string_view text) {
  constexpr std::size_t kMost = 60;
  return {Errc::BadValue, "'" + std::string(text.substr(0, kMost)) +
                              "' is no network (192.0.2.0/24), range (192.0.2.10-20) or address"};
}

Result<AddressRange> network(std::string_view text) {
  const Result<Network> net = Network::parse(text);
  if (!net) return wrong(text);
  if (net->is_single()) return AddressRange{net->address, 1};
  if (!net->address.is_v4()) {
    return Error{Errc::BadValue, "'" + std::string(text) + "': of IPv6 only single addresses can be scanned"};
  }
  std::uint64_t count = 1ULL << (32U - net->prefix);
  std::uint32_t first = number_of(net->address);
  if (net->prefix <= 30) {
    ++first;
    count -= 2;
  }
  return AddressRange{address_of_number(first), count};
}

}  // namespace

Result<AddressRange> parse_address_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return network(text);
  const Result<IpAddress> first = IpAddress::parse(text.substr(0, dash));
  if (!first || !first->is_v4()) return wrong(text);
  const std::string_view rest = text.substr(dash + 1);
  std::uint32_t last = 0;
  if (const Result<IpAddress> whole = IpAddress::parse(rest); whole && whole->is_v4()) {
    last = number_of(*whole);
  } else {
    unsigned byte = 0;
    const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), byte);
    if (ec != std::errc{} || end != rest.data() + rest.size() || byte > 255) return wrong(text);
    last = (number_of(*first) & ~0xffU) | byte;
  }
  if (last < number_of(*first)) return wrong(text);
  return AddressRange{*first, std::uint64_t{last} - number_of(*first) + 1};
}

Result<std::vector<IpAddress>> addresses_of(const std::vector<AddressRange>& ranges) {
  std::uint64_t all = 0;
  for (const AddressRange& range : ranges) all += range.count;
  if (all > kMostAddresses) {
    return Error{Errc::TooLarge, std::to_string(all) + " addresses are more than one scan looks at (" +
                                     std::to_string(kMostAddresses) + "): take smaller networks"};
  }
  std::vector<IpAddress> out;
  out.reserve(static_cast<std::size_t>(all));
  for (const AddressRange& range : ranges) {
    if (!range.first.is_v4()) {
      out.push_back(range.first);
      continue;
    }
    const std::uint32_t first = number_of(range.first);
    for (std::uint64_t i = 0; i < range.count; ++i) {
      out.push_back(address_of_number(static_cast<std::uint32_t>(first + i)));
    }
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace amtgate::cli
