#include "amtgate/rules/command.h"

int main(int argc, char** argv) {
  return amtgate::rules::run(argc, argv);
}
