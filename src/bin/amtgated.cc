#include "amtgate/daemon/daemon.h"

int main(int argc, char** argv) {
  return amtgate::daemon::run(argc, argv);
}
