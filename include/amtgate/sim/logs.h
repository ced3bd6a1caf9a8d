// Logs: the event log (AMT_MessageLog) and the audit log (AMT_AuditLog) of a machine: records that its actions
// append, and the methods that read them.
//
// Source: Intel's class reference. How many audit records a reading gives, and the ReturnValues for a log without
// records, are guesses.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "amtgate/base/bytes.h"
#include "amtgate/wsman/request.h"

namespace amtgate::sim {

class EventLog {
 public:
  /// Appends; the oldest goes when there is no room. `data`: up to 8 bytes.
  void add(std::int64_t time, std::uint8_t sensor_type, std::uint8_t offset, std::uint8_t severity,
           std::uint8_t entity, std::initializer_list<std::uint8_t> data = {});
  /// A method of the class: its ReturnValue. Empty: there is no such method.
  std::optional<std::uint64_t> invoke(const wsman::Request& request, wsman::Instance& output);
  std::size_t size() const { return records_.size(); }

 private:
  std::deque<Buffer> records_;  // the newest first
  bool frozen_ = false;
};

class AuditLog {
 public:
  /// `who` empty: somebody at the machine.
  void add(std::int64_t time, std::uint16_t application, std::uint16_t event, std::string_view who,
           std::string_view data = {});
  std::optional<std::uint64_t> invoke(const wsman::Request& request, wsman::Instance& output);
  std::size_t size() const { return records_.size(); }

 private:
  std::deque<Buffer> records_;  // the oldest first
};

}  // namespace amtgate::sim
