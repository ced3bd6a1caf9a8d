#include "amtgate/session/viewer_handshake.h"

namespace amtgate::session {

rfb::ServerHandshake::Options viewer_handshake(const ViewerDoor& door, auth::RandomSource& random) {
  rfb::ServerHandshake::Options out;
  out.vencrypt = door.tls;
  if (door.login) {
    out.none = false;
    out.login = true;
  } else if (door.password) {
    out.none = false;
    rfb::ServerHandshake::Password asked{*door.password, {}};
    random.fill(asked.challenge);
    out.password = std::move(asked);
  }
  return out;
}

}  // namespace amtgate::session
