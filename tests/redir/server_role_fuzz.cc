#include "amtgate/redir/server_role.h"
#include "tests/support/counting_random.h"
#include "tests/support/fuzz_machine.h"

using namespace amtgate;

// The first byte chooses the options; the rest is what the client sends. The owner says yes to most of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  using redir::ServerRole;
  static const auth::SingleUser store({"admin", "P@ssw0rd1!"});
  const unsigned bits = data[0];
  ServerRole::Options o;
  if (bits & 1) o.policy = redir::Verify{&store};
  if ((bits & 3) == 2) o.policy = redir::StartOnly{};
  o.realm = "Digest:A3F0C9D1E2B4567890ABCDEF12345678";
  o.methods = {redir::AuthMethod::Password, redir::AuthMethod::DigestOld, redir::AuthMethod::Digest};
  o.strict_nc = o.strict_uri = (bits & 4) != 0;
  o.require_query = (bits & 8) != 0;
  o.max_failures = bits & 0x10 ? 3 : 1;
  o.failure_style = bits & 0x20 ? ServerRole::FailureStyle::FreshChallenge : ServerRole::FailureStyle::Empty;
  o.kvm_open = (bits & 0x40) == 0;
  test::CountingRandom random;
  ServerRole m(o, random, TimePoint{});
  test::fuzz_machine(m, TimePoint{}, Bytes(data, size).subspan(1), [&](const ServerRole::Event& e, TimePoint now) {
    if (const auto* start = std::get_if<ServerRole::Start>(&e)) {
      if (start->service) {
        (void)m.accept(now).has_value();
      } else {
        m.reject(redir::StartStatus::UnknownType);
      }
    }
    if (std::holds_alternative<ServerRole::OpenRequested>(e)) m.confirm_open();
    // The answers of this role are its own: with a store, an empty user never gets in.
    if (const auto* a = std::get_if<ServerRole::Authenticated>(&e); a && (bits & 1) && a->user != "admin")
      std::abort();
  });
  if (m.take_rest().size() > redir::kMaxKept) std::abort();
  return 0;
}
