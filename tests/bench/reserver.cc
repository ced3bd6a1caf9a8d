// What one would have without amtgate: a libvncclient that takes AMT's screen, and a libvncserver that shows it to
// viewers. A peer for scripts/bench; plain RFB towards AMT, since the library speaks no redirection.
//
//   reserver HOST PORT LISTEN
#include <rfb/rfb.h>
#include <rfb/rfbclient.h>
#include <signal.h>
#include <sys/select.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

rfbScreenInfoPtr g_screen = nullptr;

rfbBool make_frame_buffer(rfbClient* client) {
  client->frameBuffer = static_cast<std::uint8_t*>(
      std::calloc(1, static_cast<std::size_t>(client->width) * static_cast<std::size_t>(client->height) * 2));
  return client->frameBuffer != nullptr;
}

void changed(rfbClient*, int x, int y, int w, int h) {
  if (g_screen != nullptr) rfbMarkRectAsModified(g_screen, x, y, x + w, y + h);
}

void silent(const char*, ...) {}

/// Both libraries have RGB565 only where they are told.
void set_rgb565(rfbPixelFormat& format) {
  format.depth = 16;
  format.redMax = format.blueMax = 31;
  format.greenMax = 63;
  format.redShift = 11;
  format.greenShift = 5;
  format.blueShift = 0;
}

int fail(const char* what) {
  std::fprintf(stderr, "reserver: %s\n", what);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return fail("usage: reserver HOST PORT LISTEN");
  ::signal(SIGPIPE, SIG_IGN);
  rfbLog = rfbErr = rfbClientLog = rfbClientErr = silent;
  rfbClient* client = rfbGetClient(5, 3, 2);
  set_rgb565(client->format);
  client->serverHost = ::strdup(argv[1]);
  client->serverPort = std::atoi(argv[2]);
  client->appData.encodingsString = "zrle raw";
  client->canHandleNewFBSize = FALSE;
  client->MallocFrameBuffer = make_frame_buffer;
  client->GotFrameBufferUpdate = changed;
  if (!rfbInitClient(client, nullptr, nullptr)) return fail("no screen there");

  int none = 0;
  g_screen = rfbGetScreen(&none, nullptr, client->width, client->height, 5, 3, 2);
  set_rgb565(g_screen->serverFormat);
  g_screen->frameBuffer = reinterpret_cast<char*>(client->frameBuffer);
  g_screen->cursor = nullptr;
  g_screen->deferUpdateTime = 0;
  g_screen->alwaysShared = TRUE;
  g_screen->autoPort = FALSE;
  g_screen->port = std::atoi(argv[3]);
  g_screen->ipv6port = 0;
  rfbInitServer(g_screen);
  if (!rfbIsActive(g_screen)) return fail("cannot listen");
  for (;;) {
    fd_set fds = g_screen->allFds;
    FD_SET(client->sock, &fds);
    if (::select(std::max(g_screen->maxFd, client->sock) + 1, &fds, nullptr, nullptr, nullptr) < 0) continue;
    if (FD_ISSET(client->sock, &fds) && !HandleRFBServerMessage(client)) return fail("the machine has gone");
    while (client->buffered != 0) {
      if (!HandleRFBServerMessage(client)) return fail("the machine has gone");
    }
    rfbProcessEvents(g_screen, 0);
  }
}
