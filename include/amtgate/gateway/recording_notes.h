// RecordingNotes: the JSON lines beside a recording: what it is of, who looked on and when, and how it ended.
//
//   {"version":1,"target":…,"service":"vnc","device":…,"started":…}
//   {"at":0,"event":"join","session":7,"client":"10.0.0.5:51332","user":"ann"}   "leave", "away", "back", "end"
//   {"at":9000,"event":"cut","why":"the disk does not follow"}                   instead of "end"
//
// "at": milliseconds since the beginning.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "amtgate/base/inet.h"
#include "amtgate/base/service.h"
#include "amtgate/base/time.h"
#include "amtgate/gateway/recordings.h"

namespace amtgate::gateway {

/// Somebody who looks on.
struct Onlooker {
  std::string client;  // address and port
  std::string user;    // empty: nobody asked
};

/// The line that a recording ends with which is not recorded any further.
std::string cut_note(std::uint64_t at_ms, const std::string& why);

class RecordingNotes {
 public:
  RecordingNotes(std::shared_ptr<Recordings::Recording> recording, const std::string& target, Service service,
                 const Endpoint& device, sys::WallTime started, TimePoint now);

  void joined(std::uint64_t session, const Onlooker& who, TimePoint now);
  /// Who it was; null: nobody who had joined.
  std::unique_ptr<Onlooker> left(std::uint64_t session, TimePoint now);
  std::size_t onlookers() const { return onlookers_.size(); }
  void event(const std::string& what, TimePoint now);
  std::uint32_t ms(TimePoint now) const;

 private:
  std::shared_ptr<Recordings::Recording> recording_;
  const TimePoint began_;
  std::map<std::uint64_t, Onlooker> onlookers_;
};

}  // namespace amtgate::gateway
