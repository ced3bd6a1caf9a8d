// The control protocol: over a Unix stream socket, one request a connection, each side one line of JSON.
//
//   {"command": "status"}                {"ok": true, "data": {...}}
//   {"command": "sessions"}              {"ok": true, "data": [{"id": 42, ...}, ...]}
//   {"command": "end", "id": 42}         {"ok": true, "data": {}}
//   {"command": "reload"}                {"ok": false, "error": "...", "mistakes": ["FILE:LINE: ...", ...]}
//   {"command": "metrics"}               {"ok": true, "data": "the Prometheus text"}
//
// The socket's owner decides who may connect; there is no login in the protocol.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/control/commands.h"

namespace amtgate::control {

/// Without the newline. A request is a word and a number; an answer holds every session and target there may be.
constexpr std::size_t kMaxRequest = 4096;
constexpr std::size_t kMaxReply = 256 * 1024 * 1024;
constexpr int kMaxDepth = 4;

/// Carries out one request line (without its newline) and gives the reply line, with its newline. Never throws; what
/// is no request gets a reply that says so.
std::string answer(Commands& commands, std::string_view request);

/// A request line, with its newline.
std::string request(std::string_view command);
std::string request_end(SessionId id);

struct Reply {
  bool ok = false;
  std::string data;  // JSON text
  std::string error;
  std::vector<std::string> mistakes;
};
/// Errors: BadValue (not a reply).
Result<Reply> parse_reply(std::string_view line);

/// The `data` of status and of sessions, as JSON text.
std::string to_json(const Status& status);
std::string to_json(const std::vector<SessionInfo>& sessions);
/// Errors: BadValue, with the missing or wrong field.
Result<Status> status_from_json(std::string_view json);
Result<std::vector<SessionInfo>> sessions_from_json(std::string_view json);

/// "2026-01-31T12:00:00Z", and back. Errors: BadValue.
std::string format_time(WallTime t);
Result<WallTime> parse_time(std::string_view text);

}  // namespace amtgate::control
