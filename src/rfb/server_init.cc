#include "amtgate/rfb/server_init.h"

#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"
#include "amtgate/rfb/protocol.h"

namespace amtgate::rfb {

Result<std::optional<ServerInit>> take_server_init(Bytes& in) {
  if (in.size() < kServerInitFixed) return std::optional<ServerInit>{};
  Reader r(in);
  ServerInit init;
  init.size.width = r.be16();
  init.size.height = r.be16();
  init.format = read_pixel_format(r);
  const std::uint32_t length = r.be32();
  if (length > kMaxName) {
    return Error{Errc::TooLarge,
                 "desktop name of " + std::to_string(length) + " bytes (limit " + std::to_string(kMaxName) + ")"};
  }
  if (length > r.remaining()) return std::optional<ServerInit>{};
  init.name = std::string(as_text(r.take(length)));
  in = r.rest();
  return std::optional(std::move(init));
}

void write_server_init(Buffer& out, const ServerInit& init) {
  Writer w(out);
  w.be16(init.size.width).be16(init.size.height);
  write_pixel_format(out, init.format);
  w.be32(static_cast<std::uint32_t>(init.name.size())).text(init.name);
}

}  // namespace amtgate::rfb
