// Event log: what the machine's firmware and BIOS noticed (AMT_MessageLog), as sentences.
//
// Source: Intel's class reference (records, reading), IPMI PET for the numbers, MeshCommander and go-wsman-messages
// for what Intel's own mean.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

/// 21 bytes: le32 Unix time | device address | sensor type | event type | event offset | source type | severity |
/// sensor number | entity | entity instance | 8 of data.
struct Event {
  std::int64_t time = 0;  // Unix seconds by the machine's clock; 0: it did not know
  std::uint8_t sensor_type = 0, type = 0, offset = 0, source_type = 0, severity = 0, sensor = 0, entity = 0,
               instance = 0;
  std::uint8_t data[8] = {};

  std::string severity_name() const;  // "monitor", "info", "ok", "warning", "critical", "fatal"
  std::string entity_name() const;    // "BIOS", "memory"; "entity 77"
  std::string sentence() const;
};
/// Errors: BadValue (another length).
Result<Event> parse_event(Bytes record);

struct EventLog {
  std::vector<Event> events;  // as the machine gives them: the newest first
  std::size_t unreadable = 0;
};
/// All of it. Errors: also TooLarge.
Result<EventLog> read_event_log(Caller& machine);
Result<void> clear_event_log(Caller& machine);

}  // namespace amtgate::wsman
