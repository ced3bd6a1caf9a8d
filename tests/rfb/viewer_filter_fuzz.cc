// What passes the filter must be messages that AMT takes, however the input is cut.
#include <cstdlib>

#include "amtgate/rfb/viewer_filter.h"

using namespace amtgate;
using namespace amtgate::rfb;

namespace {

bool filter(Bytes in, std::size_t chunk, ViewerFilter::Options options, Buffer& out) {
  ViewerFilter f(options);
  while (!in.empty()) {
    const Bytes part = in.first(std::min(chunk, in.size()));
    in = in.subspan(part.size());
    if (!f.filter(part, out)) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned how = data[0];
  const Bytes in(data + 1, size - 1);
  const ViewerFilter::Options options{.zrle = (how & 1) != 0, .grey = (how & 2) != 0};
  Buffer whole, cut;
  const bool a = filter(in, size, options, whole);
  const bool b = filter(in, 1 + (how >> 2), options, cut);
  if (a != b || whole != cut) std::abort();
  ClientMessageReader reader;
  reader.receive(whole);
  for (;;) {
    const auto m = reader.next();
    if (!m) std::abort();
    if (!*m) break;
    if (std::holds_alternative<ClientCutText>(**m) || std::holds_alternative<OtherClientMessage>(**m) ||
        std::holds_alternative<QemuKeyEvent>(**m)) {
      std::abort();
    }
  }
  if (reader.kept() != 0) std::abort();
  return 0;
}
