#include "amtgate/rules/command.h"
#include "amtgate/sys/standard_streams.h"

int main(int argc, char** argv) {
  amtgate::sys::fill_standard_streams();
  return amtgate::sys::finish_output("amtgate-rules", amtgate::rules::run(argc, argv));
}
