#include "amtgate/daemon/commander.h"

#include <unistd.h>

#include <filesystem>

#include "amtgate/sys/clock.h"

namespace amtgate::daemon {
namespace {

double seconds_of(control::WallTime t) {
  return std::chrono::duration<double>(t.time_since_epoch()).count();
}

/// Open descriptors of this process; a leak shows here first.
double open_descriptors() {
  std::error_code ec;
  std::size_t n = 0;
  for (auto at = std::filesystem::directory_iterator("/proc/self/fd", ec);
       !ec && at != std::filesystem::directory_iterator(); at.increment(ec)) {
    ++n;
  }
  return static_cast<double>(n);
}

}  // namespace

Commander::Commander(gateway::Gateway& gateway, std::string config_file, std::vector<std::string> problems,
                     std::function<std::vector<std::string>()> reload)
    : gateway_(gateway),
      config_file_(std::move(config_file)),
      problems_(std::move(problems)),
      reload_(std::move(reload)),
      started_(sys::wall_now()),
      loaded_(started_) {}

control::Status Commander::status() const {
  control::Status out = gateway_.status();
  out.version = AMTGATE_VERSION;
  out.pid = static_cast<std::uint64_t>(::getpid());
  out.config = config_file_;
  out.started = started_;
  out.loaded = loaded_;
  out.reload_failed = reload_failed_;
  out.problems.insert(out.problems.end(), problems_.begin(), problems_.end());
  if (reload_failed_) {
    out.problems.push_back("the last reload was refused; the older configuration is in force (amtgated --check)");
  }
  return out;
}

std::vector<control::SessionInfo> Commander::sessions() const {
  return gateway_.sessions();
}

Result<void> Commander::end(control::SessionId id) {
  return gateway_.end(id, "the administrator ended the session");
}

Result<void> Commander::give(control::SessionId id) {
  return gateway_.give(id);
}

Result<std::size_t> Commander::park(const std::string& target, const std::string& what, Duration lease) {
  return gateway_.park(target, what, lease);
}

Result<void> Commander::unpark(const std::string& target) {
  return gateway_.unpark(target);
}

std::vector<control::ImageInfo> Commander::images() const {
  return gateway_.images();
}

Result<void> Commander::attach(const control::AttachRequest& request) {
  return gateway_.attach(request);
}

Result<void> Commander::detach(const std::string& target) {
  return gateway_.detach(target);
}

std::vector<std::string> Commander::reload() {
  std::vector<std::string> mistakes = reload_();
  reload_failed_ = !mistakes.empty();
  if (!reload_failed_) loaded_ = sys::wall_now();
  return mistakes;
}

std::vector<control::Metric> Commander::metrics() const {
  using control::MetricType;
  std::vector<control::Metric> out = gateway_.metrics();
  out.push_back({"amtgate_build_info",
                 "Always 1; the version is a label.",
                 MetricType::Gauge,
                 {{"version", AMTGATE_VERSION}},
                 1});
  out.push_back({"amtgate_start_time_seconds",
                 "When the daemon started, since 1970.",
                 MetricType::Gauge,
                 {},
                 seconds_of(started_)});
  out.push_back({"amtgate_config_load_time_seconds",
                 "When the configuration in force was read, since 1970.",
                 MetricType::Gauge,
                 {},
                 seconds_of(loaded_)});
  out.push_back({"amtgate_reload_failed",
                 "1 while the last reload was refused.",
                 MetricType::Gauge,
                 {},
                 reload_failed_ ? 1.0 : 0.0});
  out.push_back({"amtgate_open_fds", "Open file descriptors.", MetricType::Gauge, {}, open_descriptors()});
  return out;
}

}  // namespace amtgate::daemon
