// fence_amtgate: the command line as a fence agent, which cluster managers (Pacemaker, oVirt) call by that name.
#pragma once

#include <string_view>

namespace amtgate::cli {

/// amtgate called by this name is the agent.
inline constexpr std::string_view kFenceAgent = "fence_amtgate";

/// Exit codes: 0 done (status: on), 2 status: off, 1 everything else, wrong usage too: 2 would be taken for "off".
int fence_agent(int argc, char** argv);

}  // namespace amtgate::cli
