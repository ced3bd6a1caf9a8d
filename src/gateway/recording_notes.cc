#include "amtgate/gateway/recording_notes.h"

#include <nlohmann/json.hpp>

namespace amtgate::gateway {
namespace {

std::string line(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string cut_note(std::uint64_t at_ms, const std::string& why) {
  return line({{"at", at_ms}, {"event", "cut"}, {"why", why}});
}

RecordingNotes::RecordingNotes(std::shared_ptr<Recordings::Recording> recording, const std::string& target,
                               Service service, const Endpoint& device, sys::WallTime started, TimePoint now)
    : recording_(std::move(recording)), began_(now) {
  recording_->note(line({{"version", 1},
                         {"target", target},
                         {"service", std::string(amtgate::name(service))},
                         {"device", device.to_string()},
                         {"started", sys::to_iso8601(started)}}));
}

std::uint32_t RecordingNotes::ms(TimePoint now) const {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<milliseconds>(now - began_).count());
}

void RecordingNotes::joined(std::uint64_t session, const Onlooker& who, TimePoint now) {
  onlookers_[session] = who;
  recording_->note(
      line({{"at", ms(now)}, {"event", "join"}, {"session", session}, {"client", who.client}, {"user", who.user}}));
}

std::unique_ptr<Onlooker> RecordingNotes::left(std::uint64_t session, TimePoint now) {
  const auto found = onlookers_.find(session);
  if (found == onlookers_.end()) return nullptr;
  auto who = std::make_unique<Onlooker>(std::move(found->second));
  onlookers_.erase(found);
  recording_->note(line({{"at", ms(now)}, {"event", "leave"}, {"session", session}}));
  return who;
}

void RecordingNotes::event(const std::string& what, TimePoint now) {
  recording_->note(line({{"at", ms(now)}, {"event", what}}));
}

}  // namespace amtgate::gateway
