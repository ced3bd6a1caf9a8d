// What a viewer has to do before it is let in, as options of RFB's opening.
#pragma once

#include <optional>
#include <string>

#include "amtgate/auth/random.h"
#include "amtgate/rfb/server_handshake.h"

namespace amtgate::session {

/// `password`: asked of the viewer; the first 8 bytes count. `tls`: inside of VeNCrypt's TLS only. Draws a challenge
/// where there is a password.
rfb::ServerHandshake::Options viewer_handshake(const std::optional<std::string>& password, bool tls,
                                               auth::RandomSource& random);

}  // namespace amtgate::session
