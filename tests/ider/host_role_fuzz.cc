#include "amtgate/ider/host_role.h"
#include "tests/support/fuzz_machine.h"

using namespace amtgate;

// What the client sends; the host keeps asking for blocks, and counts what it gets.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ider::HostRole m({}, TimePoint{});
  std::size_t received = 0;
  unsigned submitted = 0, done = 0;
  test::fuzz_machine(m, TimePoint{}, Bytes(data, size), [&](const ider::HostRole::Event& e, TimePoint now) {
    if (const auto* f = std::get_if<ider::HostRole::FeaturesSet>(&e); f && f->enabled) {
      submitted += m.submit(ider::Drive::Cd, {0x00}, 0, now).has_value();
      submitted += m.submit(ider::Drive::Cd, {0x28, 0, 0, 0, 0, 0, 0, 0, 8}, 16384, now).has_value();
      submitted += m.submit(ider::Drive::Floppy, {0x2a, 0, 0, 0, 0, 0, 0, 0, 1}, 0, now, Buffer(512)).has_value();
    }
    if (const auto* d = std::get_if<ider::HostRole::CommandDone>(&e)) {
      ++done;
      received += d->data.size();
      if (d->status == ider::HostRole::Status::Check) m.reset(1, now);
      if (d->status == ider::HostRole::Status::Good) m.ping();
    }
  });
  if (received > size || done > submitted) std::abort();
  return 0;
}
