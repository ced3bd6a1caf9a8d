#include "src/device/memory.h"

namespace amtgate::device {
namespace {

tls::Version version(config::TlsVersion v) {
  switch (v) {
    case config::TlsVersion::V1_0: return tls::Version::V1_0;
    case config::TlsVersion::V1_1: return tls::Version::V1_1;
    case config::TlsVersion::V1_2: return tls::Version::V1_2;
    case config::TlsVersion::V1_3: return tls::Version::V1_3;
  }
  return tls::Version::V1_2;
}

}  // namespace

tls::ClientPolicy tls_policy(const config::Target& target) {
  tls::ClientPolicy policy;
  policy.min = version(target.tls_min);
  // Firmware of the TLS 1.0 days has no RFC 5746 either; who writes the one needs the other.
  policy.legacy = policy.min < tls::Version::V1_2;
  policy.cert_pem = target.tls_cert_text.reveal();
  policy.key_pem = target.tls_key_text.reveal();
  return policy;
}

Result<tls::Context> Contexts::get(const config::Target& target) {
  const std::lock_guard lock(mutex_);
  const auto found = by_target_.find(target.name);
  if (found != by_target_.end()) return found->second;
  Result<tls::Context> made = tls::Context::client(tls_policy(target));
  if (made) by_target_.emplace(target.name, *made);
  return made;
}

void Contexts::clear() {
  const std::lock_guard lock(mutex_);
  by_target_.clear();
}

bool Machines::plain_worked(const Endpoint& device) {
  const std::lock_guard lock(mutex_);
  const auto found = plain_.find(device);
  return found != plain_.end() && found->second;
}

void Machines::worked(const Endpoint& device, bool plain) {
  const std::lock_guard lock(mutex_);
  if (plain_.size() >= kMost && !plain_.contains(device)) plain_.clear();
  plain_[device] = plain;
}

tls::SessionPtr Machines::session(const std::string& target, const Endpoint& device) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find({target, device});
  return found == sessions_.end() ? nullptr : found->second;
}

void Machines::remember(const std::string& target, const Endpoint& device, tls::SessionPtr session) {
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= kMost && !sessions_.contains({target, device})) sessions_.clear();
  sessions_[{target, device}] = std::move(session);
}

void Machines::forget_session(const std::string& target, const Endpoint& device) {
  const std::lock_guard lock(mutex_);
  sessions_.erase({target, device});
}

void Machines::clear() {
  const std::lock_guard lock(mutex_);
  plain_.clear();
  sessions_.clear();
}

}  // namespace amtgate::device
