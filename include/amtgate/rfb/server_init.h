// ServerInit: the server's last message of the opening: size, pixel format and name of the screen.
#pragma once

#include <optional>
#include <string>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/pixel_format.h"

namespace amtgate::rfb {

/// RFC 6143 section 7.3.2:  0 width, 2 height (BE16) | 4..19 pixel format | 20 name length n (BE32) | 24 name
struct ServerInit {
  Size size;
  PixelFormat format;
  std::string name;  // any bytes; printable() before it goes to a log
};

inline constexpr std::size_t kServerInitFixed = 24;

/// Takes one ServerInit off the front of `in`; empty while `in` is only a prefix, then `in` is unchanged.
/// Errors: TooLarge (a name over kMaxName).
Result<std::optional<ServerInit>> take_server_init(Bytes& in);
void write_server_init(Buffer& out, const ServerInit& init);

}  // namespace amtgate::rfb
