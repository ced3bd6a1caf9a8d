#include "amtgate/wsman/event_log.h"

#include <algorithm>
#include <array>
#include <utility>

#include "amtgate/base/base64.h"
#include "amtgate/base/hex.h"
#include "amtgate/base/reader.h"

namespace amtgate::wsman {
namespace {

constexpr const char* kLog = "AMT_MessageLog";
// Firmware has room for 390.
constexpr std::size_t kMaxRecords = 2000;
constexpr const char* kAPage = "390";

constexpr std::array<std::string_view, 14> kErrors = {"an unspecified failure",
                                                      "no memory is installed",
                                                      "no usable memory",
                                                      "a disk failed",
                                                      "the board failed",
                                                      "a floppy failed",
                                                      "a disk controller failed",
                                                      "the keyboard failed",
                                                      "removable boot media not found",
                                                      "the video controller failed",
                                                      "no video device",
                                                      "the firmware's ROM is corrupt",
                                                      "CPU voltage mismatch",
                                                      "CPU speed mismatch"};
constexpr std::array<std::string_view, 26> kProgress = {"unspecified progress",
                                                        "memory is initialised",
                                                        "disks are initialised",
                                                        "other processors are initialised",
                                                        "user authentication",
                                                        "the set-up was entered",
                                                        "USB is configured",
                                                        "PCI is configured",
                                                        "option ROMs start",
                                                        "video is initialised",
                                                        "the cache is initialised",
                                                        "the SMBus is initialised",
                                                        "the keyboard controller is initialised",
                                                        "the embedded controller is initialised",
                                                        "docking station is attached",
                                                        "docking station is enabled",
                                                        "docking station is ejected",
                                                        "docking station is disabled",
                                                        "the operating system is woken",
                                                        "the operating system is started",
                                                        "the base board is initialised",
                                                        "",
                                                        "floppies are initialised",
                                                        "the keyboard is tested",
                                                        "the pointing device is tested",
                                                        "the main processor is "
                                                        "initialised"};

template <std::size_t N>
std::string pick(const std::array<std::string_view, N>& words, std::size_t n, const char* other) {
  return n < N && !words[n].empty() ? std::string(words[n]) : std::string(other) + " " + std::to_string(n);
}

std::string firmware_sentence(const Event& e) {
  const auto& d = e.data;
  if (d[0] == 235) return "the BIOS reported data that is not valid";
  if (e.offset == 0) return "BIOS error: " + pick(kErrors, d[1], "failure");
  if ((e.offset == 3 || e.offset == 5) && d[0] == 0xaa) {
    const char* what = d[1] == 0x30 ? "one-click recovery" : d[1] == 0x40 ? "platform erase" : "the maker's own";
    return std::string("BIOS ") + (e.offset == 3 ? "error: " : "progress: ") + what + " " + std::to_string(d[2]);
  }
  return "BIOS: " + pick(kProgress, d[1], "progress");
}

std::string redirection_sentence(const Event& e) {
  constexpr std::array<std::string_view, 4> kSessions = {
      "a serial console session was opened", "a serial console session was closed",
      "a session with redirected drives was opened", "a session with redirected drives was closed"};
  const auto& d = e.data;
  if (d[0] == 0xaa && d[1] == 0x30 && d[2] < kSessions.size()) return std::string(kSessions[d[2]]);
  return d[2] == 0   ? "a security policy was put in force, and stopped what was sent"
         : d[2] == 2 ? "a security policy was put in force, and stopped what was received"
                     : "a security policy was put in force";
}

}  // namespace

std::string Event::severity_name() const {
  switch (severity) {
    case 1: return "monitor";
    case 2: return "info";
    case 4: return "ok";
    case 8: return "warning";
    case 16: return "critical";
    case 32: return "fatal";
    default: return "severity " + std::to_string(severity);
  }
}

std::string Event::entity_name() const {
  constexpr std::pair<unsigned, std::string_view> kEntities[] = {{0, ""},
                                                                 {3, "processor"},
                                                                 {4, "disk"},
                                                                 {5, "peripheral"},
                                                                 {7, "board"},
                                                                 {8, "memory"},
                                                                 {10, "power supply"},
                                                                 {29, "fan"},
                                                                 {34, "BIOS"},
                                                                 {35, "operating system"},
                                                                 {36, "bus"},
                                                                 {38, "AMT"},
                                                                 {40, "battery"},
                                                                 {53, "management firmware"}};
  for (const auto& [number, name] : kEntities) {
    if (number == entity) return std::string(name);
  }
  return "entity " + std::to_string(entity);
}

std::string Event::sentence() const {
  switch (sensor_type) {
    case 5:
      if (offset == 0) return "the case was opened";
      break;
    case 6:
      return "authentication failed " + std::to_string(data[1] + (data[2] << 8)) +
             " times; the system may be under attack";
    case 15: return firmware_sentence(*this);
    case 18:
      if (data[0] == 0xaa) return "an agent's watchdog changed its state";
      break;
    case 30: return "no bootable media";
    case 32: return "the operating system locked up, or the power was interrupted";
    case 35: return data[0] == 64 ? "the BIOS did not get through its self-test" : "the system failed to boot";
    case 36: {
      const unsigned handle = static_cast<unsigned>(data[1]) << 24 | static_cast<unsigned>(data[2]) << 16 |
                              static_cast<unsigned>(data[3]) << 8 | data[4];
      return "packet filter " + std::to_string(handle) + " matched";
    }
    case 37: return "the firmware started";
    case 192: return redirection_sentence(*this);
    case 193:
      if (data[0] == 0xaa && data[1] == 0x30) return "the user asked for a remote connection";
      break;
    default: break;
  }
  return "sensor type " + std::to_string(sensor_type) + ", event " + std::to_string(type) + "/" +
         std::to_string(offset) + ", data " + to_hex(data);
}

Result<Event> parse_event(Bytes record) {
  Reader in(record);
  Event e;
  const std::uint32_t time = in.le32();
  e.time = time == 0xffffffff ? 0 : time;
  in.skip(1);
  for (std::uint8_t* field :
       {&e.sensor_type, &e.type, &e.offset, &e.source_type, &e.severity, &e.sensor, &e.entity, &e.instance}) {
    *field = in.u8();
  }
  for (std::uint8_t& b : e.data) b = in.u8();
  if (!in.done()) return Error{Errc::BadValue, "an event record of " + std::to_string(record.size()) + " bytes"};
  return e;
}

Result<EventLog> read_event_log(Caller& machine) {
  const Result<Instance> begun = invoke(machine, "PositionToFirstRecord", Instance(kLog));
  if (!begun) {
    // An empty log has no first record.
    if (begun.error().code == Errc::Refused) {
      const Result<Instance> log = get(machine, kLog);
      if (log && log->number("CurrentNumberOfRecords") == 0U) return EventLog{};
    }
    return begun.error();
  }
  std::string at(begun->text("IterationIdentifier").value_or("1"));
  EventLog out;
  while (true) {
    Instance in(kLog);
    in.add("IterationIdentifier", at).add("MaxReadRecords", kAPage);
    const Result<Instance> page = invoke(machine, "GetRecords", std::move(in));
    if (!page) return page.error();
    const std::vector<std::string_view> records = page->texts("RecordArray");
    for (const std::string_view text : records) {
      const Result<Buffer> bytes = from_base64(text);
      const Result<Event> event = bytes ? parse_event(*bytes) : bytes.error();
      if (event) {
        out.events.push_back(*event);
      } else {
        ++out.unreadable;
      }
    }
    if (records.empty() || page->boolean("NoMoreRecords").value_or(true)) return out;
    if (out.events.size() + out.unreadable > kMaxRecords) {
      return Error{Errc::TooLarge, "GetRecords: more than " + std::to_string(kMaxRecords) + " records"};
    }
    at = page->text("IterationIdentifier").value_or("");
  }
}

Result<void> clear_event_log(Caller& machine) {
  const Result<Instance> done = invoke(machine, "ClearLog", Instance(kLog));
  if (!done) return done.error();
  return {};
}

}  // namespace amtgate::wsman
