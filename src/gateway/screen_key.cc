#include "amtgate/gateway/screen_key.h"

#include "amtgate/gateway/local_address.h"

namespace amtgate::gateway {

std::string screen_key(const Directory& directory, const IpAddress& client, const Endpoint& destination) {
  const Directory::Match match =
      directory.match(client, destination, is_local(client) ? packet::Origin::Local : packet::Origin::Forwarded);
  if (match.target == nullptr || match.target->vnc_mode != config::VncMode::Translate) return {};
  const Result<std::string> key = screen_key(directory, *match.target, destination.address);
  return key ? *key : std::string();
}

Result<std::string> screen_key(const Directory& directory, const config::Target& target,
                               const IpAddress& destination) {
  const Result<IpAddress> address = directory.device(target, destination);
  if (!address) return address.error();
  return target.name + "|" + address->to_string();
}

std::string serial_key(const config::Target& target) {
  return "sol|" + target.name;
}

std::string serial_key(const Directory& directory, const IpAddress& client, const Endpoint& destination) {
  const Directory::Match match =
      directory.match(client, destination, is_local(client) ? packet::Origin::Local : packet::Origin::Forwarded);
  return match.target == nullptr || !match.target->shares_serial() ? std::string() : serial_key(*match.target);
}

bool is_redirection_port(Port port) {
  return port == Port{16994} || port == Port{16995};
}

}  // namespace amtgate::gateway
