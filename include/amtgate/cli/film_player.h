// Plays a recorded screen to a VNC viewer: a VNC server on this host that shows the film.
#pragma once

#include <string>

#include "amtgate/base/inet.h"
#include "amtgate/base/time.h"

namespace amtgate::cli {

struct PlayOptions {
  std::string file;
  std::string name;  // what the viewer's window is called
  Endpoint listen;   // port 0: the first free one from 5901 on
  double speed = 1.0;
  Duration idle_limit{};  // where nothing changes for longer, it waits no longer; zero: as it was
};

/// Until the viewer has gone, or Ctrl-C. One viewer; the film begins when it looks on. Gives the exit code.
int play_film(const PlayOptions& options);

}  // namespace amtgate::cli
