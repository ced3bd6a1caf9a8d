// amtgate: the command line. One file per subcommand; the table of them is in src/cli/cli.cc.
#pragma once

namespace amtgate::cli {

/// The whole program; gives its exit code (exit.h).
int run(int argc, char** argv);

}  // namespace amtgate::cli
