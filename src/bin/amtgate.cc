#include "amtgate/cli/cli.h"

int main(int argc, char** argv) {
  return amtgate::cli::run(argc, argv);
}
