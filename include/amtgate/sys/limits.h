// Resource limits.
#pragma once

#include <cstdint>

namespace amtgate::sys {

/// Raises the soft limit of open files to `want`, and the hard limit too where we may (CAP_SYS_RESOURCE). Gives the
/// soft limit that holds afterwards, which may be less.
std::uint64_t raise_open_files(std::uint64_t want);

}  // namespace amtgate::sys
