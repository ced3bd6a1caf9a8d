// A screen session for scripts/bench: the machine, and viewers (libvncclient) that ask for what stock viewers ask
// for.
//
//   screen record FILE SCENARIO WIDTH HEIGHT FRAMES              session, tiles, console: see recording.h
//   screen serve FILE REDIRECTION_PORT RFB_PORT PACE [STAMPS]    AMT's side
//   screen follow FILE HOST PORT SETTING PACE STAMPS             one viewer, frame by frame
//   screen crowd FILE HOST PORT SETTING COUNT SECONDS            many viewers of as many machines, at the machines'
//   pace
//
// SETTING: 16 or 32 bits a pixel and what SetEncodings lists behind CopyRect, as 32,zrle,level6 or 32,tight,quality8.
#include "tests/bench/screen.h"

#include <signal.h>

#include <cstdlib>
#include <vector>

#include "tests/bench/recording.h"
#include "tests/bench/redirection.h"

int main(int argc, char** argv) {
  using namespace amtgate;
  ::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> a(argv + 1, argv + argc);
  const auto number = [&](std::size_t i) { return std::atoi(a[i].c_str()); };
  if (a.size() == 6 && a[0] == "record") {
    bench::record(a[1], a[2], {static_cast<std::uint16_t>(number(3)), static_cast<std::uint16_t>(number(4))},
                  static_cast<unsigned>(number(5)));
    return 0;
  }
  if (a.size() >= 5 && a[0] == "serve")
    return bench::serve(a[1], number(2), number(3), a[4], a.size() > 5 ? a[5] : "");
  if (a.size() == 7 && a[0] == "follow") return bench::follow(a[1], a[2], a[3], a[4], a[5], a[6]);
  if (a.size() == 7 && a[0] == "crowd") {
    return bench::crowd(a[1], a[2], a[3], a[4], static_cast<unsigned>(number(5)), std::atof(a[6].c_str()));
  }
  bench::die("usage: screen record | serve | follow | crowd ...");
}
