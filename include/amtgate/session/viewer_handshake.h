// What a viewer has to do before it is let in, as options of RFB's opening.
#pragma once

#include <optional>
#include <string>

#include "amtgate/auth/random.h"
#include "amtgate/rfb/server_handshake.h"

namespace amtgate::session {

struct ViewerDoor {
  std::optional<std::string> password;  // asked of the viewer; the first 8 bytes count
  bool tls = false;                     // inside of VeNCrypt's TLS only
  bool login = false;                   // user and password, in place of all else; with tls only
};

/// Draws a challenge where there is a password.
rfb::ServerHandshake::Options viewer_handshake(const ViewerDoor& door, auth::RandomSource& random);

}  // namespace amtgate::session
