#include "amtgate/sys/notify.h"

#include <systemd/sd-daemon.h>

#include <ctime>

namespace amtgate::sys {

void notify_ready(const std::string& status) {
  ::sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

void notify_reloading() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);  // Type=notify-reload wants the time along
  const long long us = static_cast<long long>(t.tv_sec) * 1000000 + t.tv_nsec / 1000;
  ::sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us)).c_str());
}

void notify_stopping() {
  ::sd_notify(0, "STOPPING=1");
}

void notify_status(const std::string& status) {
  ::sd_notify(0, ("STATUS=" + status).c_str());
}

void notify_watchdog() {
  ::sd_notify(0, "WATCHDOG=1");
}

std::optional<Duration> watchdog_interval() {
  std::uint64_t us = 0;
  if (::sd_watchdog_enabled(0, &us) <= 0 || us == 0) return std::nullopt;
  return std::chrono::microseconds(us / 2);
}

}  // namespace amtgate::sys
