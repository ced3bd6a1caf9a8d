// The systemd notify protocol. All of these do nothing when no supervisor asked for it (NOTIFY_SOCKET).
#pragma once

#include <optional>
#include <string>

#include "amtgate/base/time.h"

namespace amtgate::sys {

void notify_ready(const std::string& status);
void notify_reloading();  // follow with notify_ready()
void notify_stopping();
void notify_status(const std::string& status);
void notify_watchdog();
/// How often the supervisor expects notify_watchdog(), halved; empty when it does not.
std::optional<Duration> watchdog_interval();

}  // namespace amtgate::sys
