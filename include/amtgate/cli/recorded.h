// What the gateway has recorded: the folder, read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "amtgate/base/result.h"

namespace amtgate::cli {

struct Recorded {
  struct Looker {
    std::string user, client;
    std::uint64_t from_ms = 0;
  };
  std::string id;
  std::string target, service, device, started;  // as its head says; empty: there is none, or it is broken
  std::vector<Looker> who;
  std::uint64_t length_ms = 0;
  bool ended = false;  // in order; not: it is being made, or was cut off; then its length is that of its file's time
  std::string cut;     // by what, as far as it says
  std::uint64_t bytes = 0;
  std::string file;  // what was shown; ".fbs" or ".cast"
};

/// Longest head that is read.
inline constexpr std::size_t kMaxRecordHead = 16U << 20U;

/// From the oldest on. Errors: System (the folder cannot be read; that there is none is no error).
Result<std::vector<Recorded>> find_recordings(const std::string& folder);
/// `id`, or the beginning of just one. Errors: Refused (none, or several), as find_recordings().
Result<Recorded> find_recording(const std::string& folder, const std::string& id);

}  // namespace amtgate::cli
