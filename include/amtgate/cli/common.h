// What subcommands share: the options before the command, the daemon's answer, tables.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/config/config.h"
#include "amtgate/control/protocol.h"

namespace amtgate::cli {

struct Common {
  std::string config = AMTGATE_SYSCONFDIR "/amtgate/amtgate.conf";
  bool config_given = false;
  bool json = false;
};

/// [gateway] as far as it can be read: who runs a command may not be allowed to read the secrets that the whole
/// configuration names. A file that cannot be read gives the defaults, unless it was named with -c. Errors: System.
Result<config::Gateway> gateway_settings(const Common& common);

/// Sends one request to the daemon and waits for its answer. Errors: Unreachable (no daemon), Timeout, Closed,
/// BadValue, System; each a whole line for fail(). `passed`: descriptors that go with it, control::kMaxPassed at
/// most.
Result<control::Reply> ask_daemon(const Common& common, const std::string& request, std::span<const int> passed = {});

/// The same at the control socket `path`, and no longer than `patience`.
Result<control::Reply> ask_daemon_at(const std::string& path, const std::string& request, Duration patience,
                                     std::span<const int> passed = {});

/// ask_daemon(), with everything but a good answer turned into a message; nothing then, and `code` is set.
std::optional<control::Reply> ask_or_fail(const Common& common, const std::string& request, int& code,
                                          std::span<const int> passed = {});

/// Rows as columns: each as wide as its widest cell, two blanks between, nothing behind the last. The first row is
/// the heading. Control characters become '?', an empty cell '-'.
std::string table(const std::vector<std::vector<std::string>>& rows);

/// "512", "12.3k", "4.5M": of 1024.
std::string human_bytes(std::uint64_t n);
/// "45s", "12m", "3h 12m", "5d 4h".
std::string human_duration(std::int64_t seconds);
/// Of a clock that is so many seconds ahead: "right" (give or take one), "+1h 2m", "-45s".
std::string clock_word(std::int64_t ahead);

}  // namespace amtgate::cli
