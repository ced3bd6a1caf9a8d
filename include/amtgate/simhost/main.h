// The program amtgate-sim: a simulated AMT machine on real sockets. `sim` stays a pure core that tests join in
// memory; this module gives it listeners, TLS, timers, a log file and signals, and decides nothing about a protocol.
#pragma once

namespace amtgate::simhost {

/// Exit codes: 0 ended by SIGTERM or SIGINT; 1 could not start; 2 wrong usage.
int run(int argc, char** argv);

}  // namespace amtgate::simhost
