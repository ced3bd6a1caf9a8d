// amtgated: arguments, start-up in named steps, signals, reload, the control socket and the metrics page.
#pragma once

namespace amtgate::daemon {

/// The whole program. 0 when it ended as asked (or --check found no mistake), 1 when it could not start or --check
/// found one, 2 for wrong usage.
int run(int argc, char** argv);

}  // namespace amtgate::daemon
