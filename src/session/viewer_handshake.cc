#include "amtgate/session/viewer_handshake.h"

namespace amtgate::session {

rfb::ServerHandshake::Options viewer_handshake(const std::optional<std::string>& password, bool tls,
                                               auth::RandomSource& random) {
  rfb::ServerHandshake::Options out;
  out.vencrypt = tls;
  if (password) {
    out.none = false;
    rfb::ServerHandshake::Password asked{*password, {}};
    random.fill(asked.challenge);
    out.password = std::move(asked);
  }
  return out;
}

}  // namespace amtgate::session
