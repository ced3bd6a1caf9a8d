// Fault: what goes wrong on purpose, and when. The text form is that of `amtgate-sim --fault`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/result.h"

namespace amtgate::sim {

/// Where a connection stands. The order is that in which it gets there; Tls is skipped on plain ports.
enum class Stage : std::uint8_t {
  Connect,  // accepted, nothing read yet
  Tls,      // the handshake
  Start,    // StartRedirectionSession (0x10) and its reply
  Auth,     // every 0x13 and 0x14
  Open,     // 0x20, 0x40 and their replies; on port 5900 the RFB handshake
  Stream,   // after that
  Wsman,  // a request of WS-Management that changes something; close: it is not done; reset, stall: it is, unanswered
};

enum class FaultKind : std::uint8_t {
  Close,    // orderly end of the connection
  Reset,    // RST
  Stall,    // stays open; reads nothing, writes nothing more
  Garbage,  // kGarbageBytes of pseudo-random bytes in place of the reply, then as Stall
  Unknown,  // a message that does not belong there is put in front of the reply; then all goes on
  Refuse,   // Wsman: it is not done, and the answer says so (ReturnValue 2, or AccessDenied)
};

constexpr std::size_t kGarbageBytes = 256;

struct Fault {
  Stage stage = Stage::Connect;
  FaultKind kind = FaultKind::Close;
  std::uint64_t after = 0;      // bytes that still go out in that stage before it strikes; Wsman: requests before it
  unsigned times = 0;           // connections it strikes, 0 = each
  std::uint8_t message = 0x29;  // Unknown: the id of the ten-byte message
};

/// "STAGE:KIND[:AFTER[:TIMES]]", e.g. "auth:close", "stream:reset:100000", "start:stall:0:1". KIND is close, reset,
/// stall, garbage, unknown or unknown=ID with ID in hexadecimal, refuse. At stage connect and tls AFTER must be 0 and
/// KIND not unknown: no message has a place there. At stage wsman AFTER counts requests; refuse is for it alone.
/// Errors: BadValue, saying which word is wrong.
Result<Fault> parse_fault(std::string_view text);

std::string_view name(Stage stage);
std::string_view name(FaultKind kind);
/// Back to the text form.
std::string to_string(const Fault& fault);

/// The faults of a simulated machine, with how often each may still strike. Shared by its connections.
class FaultPlan {
 public:
  FaultPlan() = default;
  explicit FaultPlan(std::vector<Fault> faults);

  bool empty() const { return faults_.empty(); }
  /// The first fault for that stage that may still strike, and counts it as spent for one connection.
  std::optional<Fault> take(Stage stage);
  /// A request of WS-Management that changes something is there: whether a fault of stage Wsman strikes it.
  std::optional<Fault> take_request();

 private:
  struct Entry {
    Fault fault;
    unsigned struck = 0;
  };
  std::vector<Entry> faults_;
  std::uint64_t requests_ = 0;
};

}  // namespace amtgate::sim
