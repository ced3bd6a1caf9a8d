#include "amtgate/control/protocol.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "amtgate/control/metrics.h"

namespace amtgate::control {
namespace {

using Json = nlohmann::ordered_json;

// Names from the network (user names) may not be UTF-8.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Nothing when the text is not JSON or is nested deeper than any message of ours.
std::optional<Json> parse_json(std::string_view text, int most_depth) {
  bool too_deep = false;
  const Json::parser_callback_t watch = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > most_depth;
    return !too_deep;
  };
  Json json = Json::parse(text.begin(), text.end(), watch, false);
  if (json.is_discarded() || too_deep) return std::nullopt;
  return json;
}

std::string refusal(std::string text, std::vector<std::string> mistakes = {}) {
  Json reply = {{"ok", false}, {"error", std::move(text)}};
  if (!mistakes.empty()) reply["mistakes"] = std::move(mistakes);
  return dump(reply) + "\n";
}
std::string success(Json data) {
  return dump(Json{{"ok", true}, {"data", std::move(data)}}) + "\n";
}

Json json_of(const SessionInfo& s) {
  return {{"id", s.id.value},       {"target", s.target},     {"service", s.service},
          {"client", s.client},     {"user", s.user},         {"device", s.device},
          {"tls", s.tls},           {"state", s.state},       {"started", format_time(s.started)},
          {"rx_bytes", s.rx_bytes}, {"tx_bytes", s.tx_bytes}, {"role", s.role}};
}
Json json_of(const std::vector<SessionInfo>& sessions) {
  Json out = Json::array();
  for (const SessionInfo& s : sessions) out.push_back(json_of(s));
  return out;
}
Json json_of(const ImageInfo& i) {
  return {{"target", i.target}, {"drive", i.drive},
          {"image", i.image},   {"origin", i.origin},
          {"state", i.state},   {"detail", i.detail},
          {"size", i.size},     {"served_bytes", i.served},
          {"reads", i.reads},   {"read_errors", i.read_errors},
          {"rate", i.rate},     {"web", i.web},
          {"cached", i.cached}};
}
Json json_of(const std::vector<ImageInfo>& images) {
  Json out = Json::array();
  for (const ImageInfo& i : images) out.push_back(json_of(i));
  return out;
}
Json json_of(const Status& s) {
  Json targets = Json::array();
  for (const TargetStatus& t : s.targets) {
    targets.push_back({{"name", t.name},
                       {"addresses", t.addresses},
                       {"device", t.device},
                       {"state", t.state},
                       {"detail", t.detail},
                       {"sessions", t.sessions},
                       {"login_refusals", t.login_refusals},
                       {"login_wait", t.login_wait},
                       {"problems", t.problems}});
  }
  return {{"version", s.version},
          {"pid", s.pid},
          {"config", s.config},
          {"started", format_time(s.started)},
          {"loaded", format_time(s.loaded)},
          {"reload_failed", s.reload_failed},
          {"workers", s.workers},
          {"sessions", s.sessions},
          {"sessions_total", s.sessions_total},
          {"refused_total", s.refused_total},
          {"problems", s.problems},
          {"targets", std::move(targets)}};
}

/// Reads fields of one object; the first that is missing or of another type is remembered.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}

  std::string text(const char* key) {
    const Json* value = find(key, &Json::is_string);
    return value != nullptr ? value->get<std::string>() : std::string();
  }
  std::uint64_t number(const char* key) {
    const Json* value = find(key, &Json::is_number_unsigned);
    return value != nullptr ? value->get<std::uint64_t>() : 0;
  }
  bool flag(const char* key) {
    const Json* value = find(key, &Json::is_boolean);
    return value != nullptr && value->get<bool>();
  }
  WallTime time(const char* key) {
    const Result<WallTime> t = parse_time(text(key));
    if (!t && wrong_.empty()) wrong_ = key;
    return t ? *t : WallTime{};
  }
  const Json& list(const char* key) {
    static const Json empty = Json::array();
    const Json* value = find(key, &Json::is_array);
    return value != nullptr ? *value : empty;
  }
  std::vector<std::string> texts(const char* key) {
    std::vector<std::string> out;
    for (const Json& item : list(key)) {
      if (!item.is_string()) {
        if (wrong_.empty()) wrong_ = key;
        continue;
      }
      out.push_back(item.get<std::string>());
    }
    return out;
  }
  const std::string& wrong() const { return wrong_; }

 private:
  const Json* find(const char* key, bool (Json::*is)() const noexcept) {
    const auto at = object_.is_object() ? object_.find(key) : object_.end();
    if (at == object_.end() || !((*at).*is)()) {
      if (wrong_.empty()) wrong_ = key;
      return nullptr;
    }
    return &*at;
  }
  const Json& object_;
  std::string wrong_;
};

Error bad_field(const std::string& key) {
  return Error{Errc::BadValue, "the daemon's answer has no usable '" + key + "'"};
}

/// A command that is done to one session.
std::string with_session(Commands& commands, const std::string& name, Result<void> (Commands::*act)(SessionId),
                         const Json& request) {
  const auto id = request.find("id");
  if (id == request.end() || !id->is_number_unsigned())
    return refusal(name + " needs an id: a number of `amtgate sessions`");
  const Result<void> done = (commands.*act)(SessionId{id->get<std::uint64_t>()});
  return done ? success(Json::object()) : refusal(done.error().detail);
}

std::optional<Errc> errc_of(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(Errc::System); ++i) {
    if (word == amtgate::name(static_cast<Errc>(i))) return static_cast<Errc>(i);
  }
  return std::nullopt;
}

/// What is shown on every viewer's screen.
constexpr std::size_t kMaxWhat = 80;

std::string park(Commands& commands, const Json& request) {
  const auto target = request.find("target"), what = request.find("what"), lease = request.find("seconds");
  const bool whole = target != request.end() && target->is_string() && what != request.end() && what->is_string() &&
                     lease != request.end() && lease->is_number_unsigned();
  if (!whole) return refusal("park needs a target, what is done with it, and seconds");
  const auto text = what->get<std::string>();
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (text.empty() || text.size() > kMaxWhat || !printable) return refusal("park: `what` is no short text");
  const auto n = std::min<std::uint64_t>(lease->get<std::uint64_t>(), kLongestPark / seconds(1));
  const Result<std::size_t> done =
      commands.park(target->get<std::string>(), text, seconds(static_cast<std::int64_t>(n)));
  return done ? success(Json{{"viewers", *done}}) : refusal(done.error().detail);
}

std::string unpark(Commands& commands, const Json& request) {
  const auto target = request.find("target");
  if (target == request.end() || !target->is_string()) return refusal("unpark needs a target");
  const Result<void> done = commands.unpark(target->get<std::string>());
  return done ? success(Json::object()) : refusal(done.error().detail);
}

constexpr std::pair<const char*, AttachRequest::Start> kStarts[] = {{"now", AttachRequest::Start::Now},
                                                                    {"graceful", AttachRequest::Start::Graceful},
                                                                    {"reboot", AttachRequest::Start::Reboot}};

/// False: it is there, and wrong.
bool take_medium(const Json& request, const char* drive, std::span<const int> passed,
                 std::optional<AttachRequest::Medium>& out) {
  const auto at = request.find(drive);
  if (at == request.end()) return true;
  if (!at->is_object()) return false;
  const auto name = at->find("name"), fd = at->find("fd"), url = at->find("url");
  if (url != at->end()) {
    if (!url->is_string() || fd != at->end()) return false;
    out = AttachRequest::Medium{url->get<std::string>(), -1};
    return true;
  }
  if (name == at->end() || !name->is_string() || fd == at->end() || !fd->is_number_unsigned()) return false;
  const auto n = fd->get<std::uint64_t>();
  if (n >= passed.size()) return false;
  out = AttachRequest::Medium{name->get<std::string>(), passed[static_cast<std::size_t>(n)]};
  return true;
}

std::string attach(Commands& commands, const Json& request, std::span<const int> passed) {
  AttachRequest out;
  const auto target = request.find("target"), start = request.find("start");
  if (target == request.end() || !target->is_string()) return refusal("attach needs a target");
  out.target = target->get<std::string>();
  if (!take_medium(request, "cd", passed, out.cd) || !take_medium(request, "floppy", passed, out.floppy)) {
    return refusal("attach: cd and floppy are a url, or a name and the place of a descriptor that is passed");
  }
  if (start != request.end()) {
    const auto* const found =
        std::ranges::find_if(kStarts, [&](const auto& s) { return start->is_string() && *start == s.first; });
    if (found == std::end(kStarts)) return refusal("attach: start is now, graceful or reboot");
    out.start = found->second;
  }
  const Result<void> done = commands.attach(out);
  return done ? success(Json::object()) : refusal(done.error().detail);
}

std::string detach(Commands& commands, const Json& request) {
  const auto target = request.find("target");
  if (target == request.end() || !target->is_string()) return refusal("detach needs a target");
  const Result<void> done = commands.detach(target->get<std::string>());
  return done ? success(Json::object()) : refusal(done.error().detail);
}

std::string reload(Commands& commands) {
  std::vector<std::string> mistakes = commands.reload();
  if (mistakes.empty()) return success(Json::object());
  return refusal("the new configuration is refused, the old one stays in force", std::move(mistakes));
}

}  // namespace

std::string answer(Commands& commands, std::string_view request, std::span<const int> passed) {
  if (request.size() > kMaxRequest) return refusal("the request is too long");
  const std::optional<Json> json = parse_json(request, kMaxDepth);
  if (!json || !json->is_object()) return refusal("the request is not a JSON object");
  const auto command = json->find("command");
  if (command == json->end() || !command->is_string()) return refusal("the request names no command");
  const auto name = command->get<std::string>();
  if (const Result<void> may = commands.may(name); !may) return refusal(may.error().detail);
  if (name == "status") return success(json_of(commands.status()));
  if (name == "sessions") return success(json_of(commands.sessions()));
  if (name == "end") return with_session(commands, name, &Commands::end, *json);
  if (name == "give") return with_session(commands, name, &Commands::give, *json);
  if (name == "park") return park(commands, *json);
  if (name == "unpark") return unpark(commands, *json);
  if (name == "images") return success(json_of(commands.images()));
  if (name == "attach") return attach(commands, *json, passed);
  if (name == "detach") return detach(commands, *json);
  if (name == "reload") return reload(commands);
  if (name == "metrics") return success(render(commands.metrics()));
  if (name == "viewer") return refusal("viewer needs a target: a name of `amtgate status`, or an address");
  return refusal("unknown command '" + name.substr(0, 40) + "'");
}

std::optional<ViewerRequest> viewer_request(std::string_view request) {
  if (request.size() > kMaxRequest) return std::nullopt;
  const std::optional<Json> json = parse_json(request, kMaxDepth);
  if (!json || !json->is_object()) return std::nullopt;
  const auto command = json->find("command"), target = json->find("target");
  if (command == json->end() || *command != "viewer") return std::nullopt;
  if (target == json->end() || !target->is_string()) return std::nullopt;
  const auto set = [&json](const char* name) {
    const auto flag = json->find(name);
    return flag != json->end() && *flag == true;
  };
  return ViewerRequest{target->get<std::string>(), set("types"), set("serial")};
}

std::string viewer_accepted(const ViewerInfo& viewer) {
  return success(
      {{"target", viewer.target}, {"device", viewer.device}, {"tls", viewer.tls}, {"keyboard", viewer.keyboard}});
}
std::string viewer_refused(const Error& why) {
  return dump(Json{{"ok", false}, {"error", why.detail}, {"cause", amtgate::name(why.code)}}) + "\n";
}

std::string request(std::string_view command) {
  return dump(Json{{"command", command}}) + "\n";
}
std::string request_end(SessionId id) {
  return dump(Json{{"command", "end"}, {"id", id.value}}) + "\n";
}
std::string request_park(std::string_view target, std::string_view what, Duration lease) {
  return dump(Json{{"command", "park"},
                   {"target", target},
                   {"what", what},
                   {"seconds", std::chrono::ceil<seconds>(lease).count()}}) +
         "\n";
}
std::string request_unpark(std::string_view target) {
  return dump(Json{{"command", "unpark"}, {"target", target}}) + "\n";
}
std::string request_give(SessionId id) {
  return dump(Json{{"command", "give"}, {"id", id.value}}) + "\n";
}
std::string request_attach(const AttachRequest& attach) {
  Json out = {{"command", "attach"}, {"target", attach.target}};
  const auto put = [&](const char* drive, const std::optional<AttachRequest::Medium>& medium) {
    if (!medium) return;
    out[drive] = medium->fd < 0 ? Json{{"url", medium->name}} : Json{{"name", medium->name}, {"fd", medium->fd}};
  };
  put("cd", attach.cd);
  put("floppy", attach.floppy);
  for (const auto& [word, start] : kStarts) {
    if (start == attach.start) out["start"] = word;
  }
  return dump(out) + "\n";
}
std::string request_detach(std::string_view target) {
  return dump(Json{{"command", "detach"}, {"target", target}}) + "\n";
}
std::string request_viewer(const ViewerRequest& viewer) {
  Json out{{"command", "viewer"}, {"target", viewer.target}, {"types", viewer.types}};
  if (viewer.serial) out["serial"] = true;
  return dump(out) + "\n";
}

Result<Reply> parse_reply(std::string_view line) {
  // A status is an object of a list of objects of lists, inside the reply.
  const std::optional<Json> json = line.size() > kMaxReply ? std::nullopt : parse_json(line, kMaxDepth + 3);
  if (!json || !json->is_object()) return Error{Errc::BadValue, "the daemon's answer is not a JSON object"};
  Fields fields(*json);
  Reply reply;
  reply.ok = fields.flag("ok");
  if (!fields.wrong().empty()) return bad_field(fields.wrong());
  if (!reply.ok) {
    reply.error = fields.text("error");
    if (json->contains("mistakes")) reply.mistakes = fields.texts("mistakes");
    if (json->contains("cause")) reply.cause = errc_of(fields.text("cause"));
    if (!fields.wrong().empty()) return bad_field(fields.wrong());
    return reply;
  }
  if (!json->contains("data")) return bad_field("data");
  reply.data = dump((*json)["data"]);
  return reply;
}

std::string to_json(const Status& status) {
  return dump(json_of(status));
}
std::string to_json(const std::vector<SessionInfo>& sessions) {
  return dump(json_of(sessions));
}

std::string to_json(const std::vector<ImageInfo>& images) {
  return dump(json_of(images));
}

Result<Status> status_from_json(std::string_view text) {
  const std::optional<Json> json = parse_json(text, kMaxDepth + 2);
  if (!json || !json->is_object()) return Error{Errc::BadValue, "the daemon's status is not a JSON object"};
  Fields f(*json);
  Status s;
  s.version = f.text("version");
  s.pid = f.number("pid");
  s.config = f.text("config");
  s.started = f.time("started");
  s.loaded = f.time("loaded");
  s.reload_failed = f.flag("reload_failed");
  s.workers = static_cast<unsigned>(f.number("workers"));
  s.sessions = f.number("sessions");
  s.sessions_total = f.number("sessions_total");
  s.refused_total = f.number("refused_total");
  s.problems = f.texts("problems");
  for (const Json& item : f.list("targets")) {
    Fields t(item);
    TargetStatus target;
    target.name = t.text("name");
    target.addresses = t.texts("addresses");
    target.device = t.text("device");
    target.state = t.text("state");
    target.detail = t.text("detail");
    target.sessions = t.number("sessions");
    target.login_refusals = t.number("login_refusals");
    target.login_wait = t.number("login_wait");
    target.problems = t.texts("problems");
    if (!t.wrong().empty()) return bad_field(t.wrong());
    s.targets.push_back(std::move(target));
  }
  if (!f.wrong().empty()) return bad_field(f.wrong());
  return s;
}

Result<std::vector<SessionInfo>> sessions_from_json(std::string_view text) {
  const std::optional<Json> json = parse_json(text, kMaxDepth);
  if (!json || !json->is_array()) return Error{Errc::BadValue, "the daemon's sessions are not a JSON list"};
  std::vector<SessionInfo> out;
  for (const Json& item : *json) {
    Fields f(item);
    SessionInfo s;
    s.id = SessionId{f.number("id")};
    s.target = f.text("target");
    s.service = f.text("service");
    s.client = f.text("client");
    s.user = f.text("user");
    s.device = f.text("device");
    s.tls = f.text("tls");
    s.state = f.text("state");
    s.started = f.time("started");
    s.rx_bytes = f.number("rx_bytes");
    s.tx_bytes = f.number("tx_bytes");
    s.role = f.text("role");
    if (!f.wrong().empty()) return bad_field(f.wrong());
    out.push_back(std::move(s));
  }
  return out;
}

Result<std::vector<ImageInfo>> images_from_json(std::string_view text) {
  const std::optional<Json> json = parse_json(text, kMaxDepth);
  if (!json || !json->is_array()) return Error{Errc::BadValue, "the daemon's images are not a JSON list"};
  std::vector<ImageInfo> out;
  for (const Json& item : *json) {
    Fields f(item);
    ImageInfo i;
    i.target = f.text("target");
    i.drive = f.text("drive");
    i.image = f.text("image");
    i.origin = f.text("origin");
    i.state = f.text("state");
    i.detail = f.text("detail");
    i.size = f.number("size");
    i.served = f.number("served_bytes");
    i.reads = f.number("reads");
    i.read_errors = f.number("read_errors");
    i.rate = f.number("rate");
    i.web = f.flag("web");
    i.cached = f.number("cached");
    if (!f.wrong().empty()) return bad_field(f.wrong());
    out.push_back(std::move(i));
  }
  return out;
}

Result<ViewerInfo> viewer_from_json(std::string_view text) {
  const std::optional<Json> json = parse_json(text, kMaxDepth);
  if (!json || !json->is_object()) return Error{Errc::BadValue, "the daemon's answer is not a JSON object"};
  Fields f(*json);
  ViewerInfo v;
  v.target = f.text("target");
  v.device = f.text("device");
  v.tls = f.text("tls");
  v.keyboard = f.text("keyboard");
  if (!f.wrong().empty()) return bad_field(f.wrong());
  return v;
}

std::string format_time(WallTime t) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(t);
  std::tm parts = {};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Result<WallTime> parse_time(std::string_view text) {
  const std::string copy(text);
  std::tm parts = {};
  const char* end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return Error{Errc::BadValue, "'" + copy + "' is not a time"};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

}  // namespace amtgate::control
