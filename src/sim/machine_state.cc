#include "amtgate/sim/machine_state.h"

#include <utility>

namespace amtgate::sim {

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
    release();
    machine_ = std::exchange(other.machine_, nullptr);
    slot_ = other.slot_;
  }
  return *this;
}

void MachineState::Lease::release() {
  if (machine_) --machine_->used_[static_cast<std::size_t>(slot_)];
  machine_ = nullptr;
}

MachineState::MachineState(Options options, auth::RandomSource& random, TimePoint now)
    : options_(std::move(options)),
      random_(random),
      users_({options_.user, options_.password}),
      realm_(auth::make_realm(random)),
      faults_(options_.faults),
      screen_({options_.screen.width, options_.screen.height}, options_.frame_time, now) {}

bool MachineState::lacks(Slot slot) const {
  return options_.off[static_cast<std::size_t>(slot)] || (slot == Slot::Kvm && !options_.profile.kvm);
}

std::optional<MachineState::Lease> MachineState::take(Slot slot) {
  unsigned& used = used_[static_cast<std::size_t>(slot)];
  if (options_.sessions != 0 && used >= options_.sessions) {
    ++counters_.busy;
    return std::nullopt;
  }
  ++used;
  return Lease(*this, slot);
}

void MachineState::reboot(TimePoint now) {
  ++boots_;
  back_at_ = now + options_.profile.boot_time;
}

}  // namespace amtgate::sim
