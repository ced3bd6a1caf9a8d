#include "amtgate/sim/machine_state.h"

#include <utility>

namespace amtgate::sim {

std::string_view name(Slot slot) {
  constexpr std::array<std::string_view, 3> kNames = {"sol", "ider", "kvm"};
  return kNames[static_cast<std::size_t>(slot)];
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
