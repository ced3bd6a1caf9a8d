// What a server sends to PictureClient, in pieces: a screen of bounded size, and no pixel beyond it.
#include <cstdlib>

#include "amtgate/rfb/picture_client.h"
#include "amtgate/rfb/screen.h"
#include "tests/support/fuzz_machine.h"

using namespace amtgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rfb::PictureClient client;
  test::fuzz_machine(client, TimePoint{}, {data, size}, [&](const rfb::PictureClient::Event& event, TimePoint) {
    if (std::holds_alternative<rfb::PictureClient::Begun>(event)) client.watch();
    const std::size_t pixels = std::size_t{client.size().width} * client.size().height;
    if (client.rgb().size() != 3 * pixels || 2 * pixels > rfb::Screen::kMaxBytes) std::abort();
  });
  return 0;
}
