// The control protocol: over a Unix stream socket, one request a connection, each side one line of JSON.
//
//   {"command": "status"}                {"ok": true, "data": {...}}
//   {"command": "sessions"}              {"ok": true, "data": [{"id": 42, ...}, ...]}
//   {"command": "end", "id": 42}         {"ok": true, "data": {}}
//   {"command": "give", "id": 42}        {"ok": true, "data": {}}
//   {"command": "park", "target": "pc1", {"ok": true, "data": {"viewers": 2}}
//    "what": "is being switched off", "seconds": 60}
//   {"command": "unpark", "target": "pc1"} {"ok": true, "data": {}}
//   {"command": "images"}                {"ok": true, "data": [{"target": "pc1", "drive": "cd", ...}]}
//   {"command": "attach", "target": "pc1", {"ok": true, "data": {}}
//    "cd": {"name": "/x.iso", "fd": 0}, "floppy": {"url": "https://..."}, "start": "now"}
//   {"command": "detach", "target": "pc1"} {"ok": true, "data": {}}
//   {"command": "reload"}                {"ok": false, "error": "...", "mistakes": ["FILE:LINE: ...", ...]}
//   {"command": "metrics"}               {"ok": true, "data": "the Prometheus text"}
//   {"command": "viewer",                {"ok": true, "data": {"target": "pc1", "device": "10.99.0.10:16995", ...}}
//    "target": "pc1", "types": true}     {"ok": false, "error": "...", "cause": "unreachable"}
//
// Behind the good answer to `viewer` the same connection is RFB from ServerInit on: the machine's shared screen, as
// every viewer sees it. The answer comes when the machine's picture is there; the connection ends when the machine
// goes away. `target` is a target's name, or an address that clients aim at; `types`, which may be left out, says
// that the script is going to type and not only to look. With `"serial": true` it is the machine's serial console
// instead: behind the answer come its bytes, as they are.
//
// Files are never named to the daemon, which may read more than who asks: `fd` counts the descriptors that come with
// the first bytes of the request (SCM_RIGHTS), open for reading; `name` is what lists call the file. `start` is now,
// graceful or reboot. Without cd and floppy the images of the configuration are attached.
//
// There is no login in the protocol: the kernel says which account is at the other end, and the daemon knows what
// that one may do (Commands::may and what is behind it).
#pragma once

#include <optional>
#include <span>
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
/// `passed`: the descriptors that came with it, the caller's.
std::string answer(Commands& commands, std::string_view request, std::span<const int> passed = {});
/// More than a request can use.
constexpr std::size_t kMaxPassed = 2;

struct ViewerRequest {
  std::string target;
  bool types = false;
  bool serial = false;
};
/// A request for a viewer; nothing for what is none, and for one without a target (both are answer()'s).
std::optional<ViewerRequest> viewer_request(std::string_view request);

/// What the screen of a viewer is.
struct ViewerInfo {
  std::string target;    // its name in the configuration
  std::string device;    // "10.99.0.10:16995"
  std::string tls;       // towards the device: "TLSv1.2", or empty for none
  std::string keyboard;  // the layout of the PC's operating system; empty = us
};
/// Reply lines for a viewer, with their newline.
std::string viewer_accepted(const ViewerInfo& viewer);
std::string viewer_refused(const Error& why);

/// A request line, with its newline.
std::string request(std::string_view command);
std::string request_end(SessionId id);
std::string request_give(SessionId id);
std::string request_park(std::string_view target, std::string_view what, Duration lease);
std::string request_unpark(std::string_view target);
/// A medium's `fd` is the place of its descriptor among those that are passed; -1: an address.
std::string request_attach(const AttachRequest& attach);
std::string request_detach(std::string_view target);
std::string request_viewer(const ViewerRequest& viewer);

struct Reply {
  bool ok = false;
  std::string data;  // JSON text
  std::string error;
  std::optional<Errc> cause;  // where the daemon says it
  std::vector<std::string> mistakes;
};
/// Errors: BadValue (not a reply).
Result<Reply> parse_reply(std::string_view line);

/// The `data` of status and of sessions, as JSON text.
std::string to_json(const Status& status);
std::string to_json(const std::vector<SessionInfo>& sessions);
std::string to_json(const std::vector<ImageInfo>& images);
/// Errors: BadValue, with the missing or wrong field.
Result<Status> status_from_json(std::string_view json);
Result<std::vector<SessionInfo>> sessions_from_json(std::string_view json);
Result<std::vector<ImageInfo>> images_from_json(std::string_view json);
Result<ViewerInfo> viewer_from_json(std::string_view json);

/// "2026-01-31T12:00:00Z", and back. Errors: BadValue.
std::string format_time(WallTime t);
Result<WallTime> parse_time(std::string_view text);

}  // namespace amtgate::control
