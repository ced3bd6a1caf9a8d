#include "amtgate/simhost/main.h"

int main(int argc, char** argv) {
  return amtgate::simhost::run(argc, argv);
}
