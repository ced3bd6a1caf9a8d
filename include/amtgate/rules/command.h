// The program amtgate-rules: up, down, show.
#pragma once

namespace amtgate::rules {

/// Exit codes: 0 done, 1 refused or failed (one line on standard error says what and what to do), 2 wrong usage.
int run(int argc, char** argv);

}  // namespace amtgate::rules
