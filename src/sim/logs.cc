#include "amtgate/sim/logs.h"

#include <algorithm>

#include "amtgate/base/base64.h"
#include "amtgate/base/writer.h"

namespace amtgate::sim {
namespace {

constexpr std::uint64_t kDone = 0, kNoRecord = 2, kInvalidIndex = 35, kInvalidParameter = 36;
constexpr std::size_t kMaxEvents = 390, kMaxAudit = 1000;
// Small, so that readers have to ask again.
constexpr std::size_t kEventsAPage = 16, kAuditAPage = 10;
constexpr std::size_t kMaxText = 255;

}  // namespace

void EventLog::add(std::int64_t time, std::uint8_t sensor_type, std::uint8_t offset, std::uint8_t severity,
                   std::uint8_t entity, std::initializer_list<std::uint8_t> data) {
  if (frozen_) return;
  constexpr std::uint8_t kDevice = 0xff, kSensorSpecific = 0x6f, kFirmware = 0x68, kNoSensor = 0xff;
  Buffer record;
  Writer out(record);
  out.le32(static_cast<std::uint32_t>(time)).u8(kDevice).u8(sensor_type).u8(kSensorSpecific).u8(offset);
  out.u8(kFirmware).u8(severity).u8(kNoSensor).u8(entity).u8(0);
  std::size_t n = 0;
  for (const std::uint8_t b : data) {
    if (n++ < 8) out.u8(b);
  }
  for (; n < 8; ++n) out.u8(0);
  records_.push_front(std::move(record));
  if (records_.size() > kMaxEvents) records_.pop_back();
}

std::optional<std::uint64_t> EventLog::invoke(const wsman::Request& request, wsman::Instance& out) {
  if (request.method == "PositionToFirstRecord") {
    if (records_.empty()) return kNoRecord;
    out.add("IterationIdentifier", "1");
    return kDone;
  }
  if (request.method == "ClearLog") {
    records_.clear();
    return kDone;
  }
  if (request.method == "FreezeLog") {
    const auto freeze = request.body.boolean("Freeze");
    if (!freeze) return kInvalidParameter;
    frozen_ = *freeze;
    return kDone;
  }
  if (request.method != "GetRecords") return std::nullopt;
  const std::uint64_t at = request.body.number("IterationIdentifier").value_or(0);
  const std::uint64_t most = request.body.number("MaxReadRecords").value_or(0);
  if (at < 1 || at > records_.size()) return kNoRecord;
  if (most < 1 || most > kMaxEvents) return kInvalidParameter;
  const std::size_t n = std::min<std::size_t>({kEventsAPage, most, records_.size() - (at - 1)});
  out.add("IterationIdentifier", std::to_string(at + n));
  out.add("NoMoreRecords", at + n > records_.size() ? "true" : "false");
  for (std::size_t i = 0; i < n; ++i) out.add("RecordArray", to_base64(records_[at - 1 + i]));
  return kDone;
}

void AuditLog::add(std::int64_t time, std::uint16_t application, std::uint16_t event, std::string_view who,
                   std::string_view data) {
  constexpr std::uint8_t kDigest = 0, kLocal = 2, kNoPlace = 2;
  who = who.substr(0, kMaxText);
  data = data.substr(0, kMaxText);
  Buffer record;
  Writer out(record);
  out.be16(application).be16(event);
  if (who.empty()) {
    out.u8(kLocal);
  } else {
    out.u8(kDigest).u8(static_cast<std::uint8_t>(who.size())).bytes(as_bytes(who));
  }
  out.be32(static_cast<std::uint32_t>(time)).u8(kNoPlace).u8(0);
  out.u8(static_cast<std::uint8_t>(data.size())).bytes(as_bytes(data));
  records_.push_back(std::move(record));
  if (records_.size() > kMaxAudit) records_.pop_front();
}

std::optional<std::uint64_t> AuditLog::invoke(const wsman::Request& request, wsman::Instance& out) {
  if (request.method == "ClearLog") {
    records_.clear();
    return kDone;
  }
  if (request.method != "ReadRecords") return std::nullopt;
  const std::uint64_t at = request.body.number("StartIndex").value_or(0);
  if (at < 1 || (at > records_.size() && at != 1)) return kInvalidIndex;
  const std::size_t n = std::min<std::size_t>(kAuditAPage, records_.size() - (at - 1));
  out.add("TotalRecordCount", std::to_string(records_.size())).add("RecordsReturned", std::to_string(n));
  for (std::size_t i = 0; i < n; ++i) out.add("EventRecords", to_base64(records_[at - 1 + i]));
  return kDone;
}

}  // namespace amtgate::sim
