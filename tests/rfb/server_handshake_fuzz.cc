// The first byte chooses options, the owner's answer and how the input is cut. Where TLS begins what is left of the
// input is inside of it.
#include <cassert>
#include <cstdlib>

#include "amtgate/rfb/server_handshake.h"

using namespace amtgate;
using rfb::ServerHandshake;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned how = data[0];
  Bytes in(data + 1, size - 1);
  ServerHandshake::Options o;
  o.none = how & 1;
  if (how & 2) o.password = ServerHandshake::Password{"Pa55w0rd", {}};
  if (how & 4) o.extra_types = {0x80};
  o.vencrypt = how & 128;
  o.login = o.vencrypt && o.password;
  const std::size_t chunk = 1 + (how >> 5 & 3) * 7;
  const TimePoint now{};
  ServerHandshake h(o, now);
  if (how & 8) h.refuse("denied", now);
  while (!in.empty()) {
    const Bytes part = in.first(std::min(chunk, in.size()));
    in = in.subspan(part.size());
    Result<void> r = h.receive(part, now);
    while (const auto e = h.next_event()) {
      if (std::holds_alternative<ServerHandshake::StartTls>(*e)) {
        if (!o.vencrypt || !r || !h.deadline()) std::abort();
        h.sent(h.output().size());
        h.tls_started(now);
        continue;
      }
      if (const auto* login = std::get_if<ServerHandshake::Login>(&*e)) {
        if (login->user.size() > ServerHandshake::kMaxLogin || !h.output().empty()) std::abort();
        login->password.empty() ? h.turn_away(login->user) : h.let_in();
        continue;
      }
      if (!std::holds_alternative<ServerHandshake::ViewerReady>(*e)) continue;
      if (how & 16) {
        h.refuse("busy", now);
      } else {
        r = h.accept(now);
      }
    }
    if (h.output().size() > 4096) std::abort();
    if (!r) return 0;
  }
  h.take_rest();
  return 0;
}
