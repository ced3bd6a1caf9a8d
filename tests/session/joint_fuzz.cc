// Hostile clients and devices against every joint. Byte 0 picks the joint; then records: one byte says from which
// side and how many bytes follow (bit 7: the device; bits 0..6: the count), or, with a count of 0, an answer of the
// owner.
#include <algorithm>
#include <memory>

#include "amtgate/session/passthrough_joint.h"
#include "amtgate/session/redir_joint.h"
#include "amtgate/session/vnc_joint.h"
#include "tests/support/counting_random.h"

namespace {

using namespace amtgate;

const TimePoint kStart{seconds(1)};

std::unique_ptr<session::Joint> make(unsigned kind, auth::RandomSource& random, const auth::CredentialStore& users) {
  session::RedirOptions redir;
  redir.services = {Service::Vnc, Service::Sol, Service::Ider};
  session::PassthroughOptions through;
  through.services = redir.services;
  switch (kind % 5) {
    case 0: return std::make_unique<session::RedirJoint>(redir, random, kStart);
    case 1:
      redir.users = &users;
      redir.realm = "Digest:00112233445566778899AABBCCDDEEFF";
      return std::make_unique<session::RedirJoint>(redir, random, kStart);
    case 2: return std::make_unique<session::PassthroughJoint>(through, random, kStart);
    case 3: return std::make_unique<session::VncJoint>("secret12", random, kStart);
    default: return std::make_unique<session::VncJoint>(std::nullopt, random, kStart);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  test::CountingRandom random;
  const auth::SingleUser users({"admin", "P@ssw0rd1!"});
  const auto joint = make(data[0], random, users);
  TimePoint now = kStart;
  bool over = false;
  for (std::size_t at = 1; at < size && !over;) {
    const unsigned control = data[at++];
    const std::size_t n = std::min<std::size_t>(control & 0x7f, size - at);
    const Bytes bytes(data + at, n);
    at += n;
    now += milliseconds(10);
    if ((control & 0x7f) == 0) {
      switch (control & 0x80) {
        case 0: joint->device_opened({}, now); break;
        default: joint->device_failed({{Errc::Busy, "busy"}, 2}, now); break;
      }
    } else if (control & 0x80) {
      joint->receive_device(bytes, now);
    } else {
      joint->receive_client(bytes, now);
    }
    while (auto event = joint->next_event()) {
      over = over || std::holds_alternative<session::HandOff>(*event) || std::holds_alternative<session::End>(*event);
    }
    joint->client_sent(joint->client_output().size());
    if (!joint->device_output().empty()) joint->device_sent(joint->device_output().size());
    if (const auto due = joint->deadline(); due && now > *due) joint->tick(now);
  }
  return 0;
}
