#include "amtgate/sim/machine_state.h"

#include <algorithm>
#include <utility>

namespace amtgate::sim {
namespace {

constexpr std::size_t kConsentDigits = 6;
constexpr unsigned kConsentTries = 3;
constexpr std::size_t kMaxNonces = 256;

ManagementOptions management_options(const Options& o, const std::string& realm, auth::RandomSource& random) {
  ManagementOptions m;
  m.host_name = o.name;
  m.realm = realm;
  m.admin = {o.user, o.password};
  m.off = o.off;
  m.consent = o.consent_missing;
  m.kvm_consent = o.kvm_consent != KvmConsent::Given;
  m.random = &random;
  m.epoch = o.epoch;
  m.power_time = o.power_time;
  return m;
}

}  // namespace

std::string_view name(Slot slot) {
  constexpr std::array<std::string_view, 3> kNames = {"sol", "ider", "kvm"};
  return kNames[static_cast<std::size_t>(slot)];
}

Result<std::array<bool, 3>> parse_slots(std::string_view text) {
  std::array<bool, 3> out{};
  for (std::string_view rest = text;;) {
    const std::string_view word = rest.substr(0, rest.find(','));
    bool known = false;
    for (const Slot slot : {Slot::Sol, Slot::Ider, Slot::Kvm}) {
      if (word != name(slot)) continue;
      out[static_cast<std::size_t>(slot)] = known = true;
    }
    if (!known)
      return Error{Errc::BadValue, "sessions '" + std::string(text) + "' (kvm, sol, ider, separated by commas)"};
    if (word.size() == rest.size()) return out;
    rest.remove_prefix(word.size() + 1);
  }
}

MachineState::Lease& MachineState::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    release({});
    machine_ = std::exchange(other.machine_, nullptr);
    slot_ = other.slot_;
  }
  return *this;
}

void MachineState::Lease::release(std::optional<TimePoint> now) {
  if (!machine_) return;
  const auto slot = static_cast<std::size_t>(slot_);
  if (now && machine_->options_.closing > Duration{}) {
    machine_->closing_[slot].push_back(*now + machine_->options_.closing);
  } else {
    --machine_->used_[slot];
  }
  machine_ = nullptr;
}

MachineState::MachineState(Options options, auth::RandomSource& random, TimePoint now)
    : options_(std::move(options)),
      random_(random),
      realm_(auth::make_realm(random)),
      management_(options_.profile, management_options(options_, realm_, random), now),
      redirection_users_(management_.accounts(), realm::kRedirection),
      faults_(options_.faults),
      screen_({options_.screen.width, options_.screen.height}, options_.frame_time, now),
      kvm_needs_consent_(management_.kvm_needs_consent()),
      consent_(options_.kvm_consent) {
  ask_consent(consent_);
  if (consent_ != KvmConsent::Prompt) return;
  std::array<std::uint8_t, kConsentDigits> bytes{};
  random.fill(bytes);
  for (const std::uint8_t b : bytes) consent_code_ += static_cast<char>('0' + b % 10);
}

void MachineState::give_consent() {
  management_.opt_in().grant();
  follow_consent();
}

bool MachineState::follow_consent() {
  const bool needed = management_.kvm_needs_consent();
  if (needed == kvm_needs_consent_) return false;
  kvm_needs_consent_ = needed;
  const KvmConsent how = options_.kvm_consent == KvmConsent::Given ? KvmConsent::Refuse : options_.kvm_consent;
  ask_consent(needed ? how : KvmConsent::Given);
  return true;
}

void MachineState::ask_consent(KvmConsent how) {
  using enum KvmPicture::Cover;
  consent_ = how;
  screen_.set_cover(how == KvmConsent::Black ? Black : how == KvmConsent::Prompt ? Prompt : None);
}

const std::string& MachineState::consent_code() const {
  const std::string& asked = management_.opt_in().code();
  return asked.empty() ? consent_code_ : asked;
}

bool MachineState::consent_key(rfb::Keysym key) {
  if (consent_ != KvmConsent::Prompt || key.value < '0' || key.value > '9') return true;
  consent_typed_ += static_cast<char>(key.value);
  if (consent_typed_.size() < kConsentDigits) return true;
  const bool right = consent_typed_ == consent_code();
  consent_typed_.clear();
  if (right) give_consent();
  consent_wrong_ = right ? 0 : consent_wrong_ + 1;
  if (consent_wrong_ < kConsentTries) return true;
  consent_wrong_ = 0;
  return false;
}

bool MachineState::lacks(Slot slot) const {
  switch (slot) {
    case Slot::Sol: return !management_.sol_on();
    case Slot::Ider: return !management_.ider_on();
    case Slot::Kvm: return !management_.kvm_on();
  }
  return true;
}

std::string MachineState::new_nonce() {
  if (nonces_.size() >= kMaxNonces) nonces_.pop_front();
  return nonces_.emplace_back(auth::make_nonce(random_));
}

bool MachineState::knows_nonce(std::string_view nonce) const {
  return std::ranges::find(nonces_, nonce) != nonces_.end();
}

/// Sessions that are over keep their place for a while.
void MachineState::end_closed(Slot slot, TimePoint now) {
  std::deque<TimePoint>& closing = closing_[static_cast<std::size_t>(slot)];
  for (; !closing.empty() && closing.front() <= now; closing.pop_front()) --used_[static_cast<std::size_t>(slot)];
}

bool MachineState::in_use(TimePoint now) {
  bool any = false;
  for (const Slot slot : {Slot::Sol, Slot::Ider, Slot::Kvm}) {
    end_closed(slot, now);
    any = any || in_use(slot) > 0;
  }
  return any;
}

std::optional<MachineState::Lease> MachineState::take(Slot slot, TimePoint now) {
  end_closed(slot, now);
  unsigned& used = used_[static_cast<std::size_t>(slot)];
  if (options_.sessions != 0 && used >= options_.sessions) {
    ++counters_.busy;
    return std::nullopt;
  }
  ++used;
  return Lease(*this, slot);
}

void MachineState::restart_network(TimePoint now) {
  ++boots_;
  back_at_ = now + options_.network_restart;
}

void MachineState::reboot(TimePoint now) {
  ++boots_;
  back_at_ = now + options_.profile.boot_time;
}

}  // namespace amtgate::sim
