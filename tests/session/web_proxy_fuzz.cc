#include "amtgate/session/web_proxy.h"

#include "tests/support/counting_random.h"

/// Pieces of bytes that come from the client (even first byte) or from the machine, each behind its length.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace amtgate;
  if (size < 1) return 0;
  test::CountingRandom random;
  TimePoint now{};
  http::Challenger challenger(random, now);
  const auth::SingleUser users({"ann", "pw"});
  session::WebOptions options;
  options.machine = "pc1";
  options.login = static_cast<session::WebLogin>(data[0] % 3);
  options.users = &users;
  options.realm = "r";
  options.read_only = (data[0] & 4U) != 0;
  options.credentials = {"admin", "pw"};
  session::WebProxy proxy(std::move(options), challenger, random, now);
  bool over = false;
  const auto settle = [&] {
    while (auto event = proxy.next_event()) {
      if (over) __builtin_trap();  // nothing comes after the end
      if (std::holds_alternative<session::WebProxy::NeedDevice>(*event)) {
        proxy.device_opened({IpAddress{}, Port{16992}}, false, now);
      } else if (std::holds_alternative<session::WebProxy::AskLogin>(*event)) {
        proxy.login_granted(now);
      } else if (std::holds_alternative<session::WebProxy::End>(*event)) {
        over = true;
      }
    }
    proxy.device_sent(proxy.device_output().size());
  };
  for (std::size_t at = 1; at + 2 <= size;) {
    const unsigned kind = data[at] % 8;
    const std::size_t n = std::min<std::size_t>(data[at + 1] * 4U, size - at - 2);
    const Bytes piece(data + at + 2, n);
    at += 2 + n;
    if (kind < 3) {
      proxy.receive_client(piece, now);
    } else if (kind < 6) {
      proxy.receive_device(piece, now);
    } else if (kind == 6) {
      proxy.device_closed({Errc::Closed, "closed"}, now);
    } else {
      now += seconds(n);
      proxy.tick(now);
      proxy.client_sent(proxy.client_output().size(), now);
    }
    settle();
  }
  proxy.client_closed(now);
  settle();
  return 0;
}
