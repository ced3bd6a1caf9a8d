#include "amtgate/control/protocol.h"

#include <gtest/gtest.h>

namespace amtgate::control {
namespace {

class FakeDaemon final : public Commands {
 public:
  std::vector<std::string> mistakes;
  std::uint64_t ended = 0;
  std::uint64_t given = 0;
  std::string parked;
  std::optional<AttachRequest> attached;

  Status status() const override {
    Status s;
    s.workers = 2;
    s.version = "1";
    s.problems = {"x"};
    s.targets.push_back({"pc1", {"192.0.2.1"}, "10.0.0.1", "backing off", "wait", 3, 2, 17, {"sol_log: full", "y"}});
    return s;
  }
  std::vector<SessionInfo> sessions() const override {
    SessionInfo s;
    s.id = SessionId{42};
    s.target = "pc1";
    s.service = "sol";
    s.client = "10.0.0.5:51332";
    s.user = "caf\xe9";  // a client may claim any bytes
    s.started = std::chrono::system_clock::from_time_t(1769860800);
    s.tx_bytes = 18446744073709551615U;
    s.role = "types";
    return {s};
  }
  Result<void> end(SessionId id) override {
    if (id.value != 42) return Error{Errc::BadValue, "there is no session " + std::to_string(id.value)};
    ended = id.value;
    return {};
  }
  Result<void> give(SessionId id) override {
    if (id.value != 42) return Error{Errc::BadValue, "session " + std::to_string(id.value) + " is no viewer"};
    given = id.value;
    return {};
  }
  Result<std::size_t> park(const std::string& target, const std::string& what, Duration lease) override {
    if (target != "pc1") return Error{Errc::BadValue, "there is no target '" + target + "'"};
    parked = what + " " + std::to_string(lease / seconds(1));
    return 2U;
  }
  Result<void> unpark(const std::string& target) override {
    if (target != "pc1") return Error{Errc::BadValue, "there is no target '" + target + "'"};
    parked.clear();
    return {};
  }
  std::vector<ImageInfo> images() const override {
    ImageInfo i;
    i.target = "pc1";
    i.drive = "cd";
    i.state = "attached";
    i.served = 18446744073709551615U;
    i.reads = 7;
    i.read_errors = 3;
    i.web = true;
    return {i};
  }
  Result<void> attach(const AttachRequest& request) override {
    attached = request;
    return {};
  }
  Result<void> detach(const std::string& target) override {
    if (target != "pc1") return Error{Errc::BadValue, target + " has no image"};
    return {};
  }
  std::vector<std::string> reload() override { return mistakes; }
  std::vector<Metric> metrics() const override { return {{"amtgate_x", "X.", MetricType::Gauge, {}, 1}}; }
};

std::string without_newline(std::string text) {
  EXPECT_TRUE(text.ends_with('\n'));
  text.pop_back();
  EXPECT_EQ(text.find('\n'), std::string::npos);
  return text;
}
Reply ask(Commands& commands, const std::string& request) {
  const Result<Reply> reply = parse_reply(without_newline(answer(commands, without_newline(request))));
  EXPECT_TRUE(reply);
  return reply ? *reply : Reply{};
}

TEST(Protocol, ParksAScreenForAWhile) {
  FakeDaemon daemon;
  const Reply parked = ask(daemon, request_park("pc1", "is being switched off", seconds(30)));
  ASSERT_TRUE(parked.ok) << parked.error;
  EXPECT_EQ(daemon.parked, "is being switched off 30");
  EXPECT_TRUE(ask(daemon, request_park("pc1", "x", seconds(86400))).ok);
  EXPECT_EQ(daemon.parked, "x 120") << "for ever it cannot be";
  EXPECT_FALSE(ask(daemon, request_park("pc2", "x", seconds(1))).ok);
  EXPECT_FALSE(ask(daemon, request_park("pc1", "", seconds(1))).ok);
  EXPECT_FALSE(ask(daemon, request_park("pc1", "two\nlines", seconds(1))).ok);
  EXPECT_FALSE(ask(daemon, request_park("pc1", std::string(81, 'x'), seconds(1))).ok);
  EXPECT_FALSE(ask(daemon, "{\"command\":\"park\",\"target\":\"pc1\",\"what\":\"x\",\"seconds\":-1}\n").ok);
  EXPECT_TRUE(ask(daemon, request_unpark("pc1")).ok);
  EXPECT_EQ(daemon.parked, "");
  EXPECT_FALSE(ask(daemon, request_unpark("pc2")).ok);
}

TEST(Protocol, SessionsComeBackAsTheyWere) {
  FakeDaemon daemon;
  const Reply reply = ask(daemon, request("sessions"));
  ASSERT_TRUE(reply.ok);
  const auto sessions = sessions_from_json(reply.data);
  ASSERT_TRUE(sessions);
  const SessionInfo& s = sessions->at(0);
  EXPECT_EQ(s.id.value, 42U);
  EXPECT_EQ(s.client, "10.0.0.5:51332");
  EXPECT_EQ(s.user, "caf\xef\xbf\xbd");
  EXPECT_EQ(s.tx_bytes, 18446744073709551615U);
  EXPECT_EQ(s.role, "types");
  EXPECT_EQ(format_time(s.started), "2026-01-31T12:00:00Z");
}

TEST(Protocol, SessionsHaveTheContractsKeysInOrder) {
  FakeDaemon daemon;
  const std::string json = to_json(daemon.sessions());
  std::size_t at = 0;
  for (const char* key :
       {"id", "target", "service", "client", "user", "device", "tls", "state", "started", "rx_bytes", "tx_bytes"}) {
    const std::size_t next = json.find("\"" + std::string(key) + "\":", at);
    ASSERT_NE(next, std::string::npos) << key;
    at = next;
  }
}

TEST(Protocol, StatusComesBackAsItWas) {
  FakeDaemon daemon;
  const auto status = status_from_json(ask(daemon, request("status")).data);
  ASSERT_TRUE(status) << status.error().detail;
  EXPECT_EQ(status->workers, 2U);
  EXPECT_EQ(status->problems, std::vector<std::string>{"x"});
  ASSERT_EQ(status->targets.size(), 1U);
  EXPECT_EQ(status->targets[0].addresses, std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(status->targets[0].sessions, 3U);
  EXPECT_EQ(status->targets[0].problems, (std::vector<std::string>{"sol_log: full", "y"}));
}

TEST(Protocol, EndsTheSessionOfThatNumber) {
  FakeDaemon daemon;
  EXPECT_TRUE(ask(daemon, request_end(SessionId{42})).ok);
  EXPECT_EQ(daemon.ended, 42U);
  EXPECT_EQ(ask(daemon, request_end(SessionId{7})).error, "there is no session 7");
}

TEST(Protocol, GivesTheKeyboardToThatViewer) {
  FakeDaemon daemon;
  EXPECT_TRUE(ask(daemon, request_give(SessionId{42})).ok);
  EXPECT_EQ(daemon.given, 42U);
  EXPECT_EQ(daemon.ended, 0U);
  EXPECT_EQ(ask(daemon, request_give(SessionId{7})).error, "session 7 is no viewer");
}

TEST(Protocol, WhoMayNotIsToldSo) {
  class Closed final : public Commands {
   public:
    Result<void> may(std::string_view command) const override {
      if (command == "status") return {};
      return Error{Errc::Refused, "not you: " + std::string(command)};
    }
    Status status() const override { return {}; }
    std::vector<SessionInfo> sessions() const override { throw std::logic_error("asked"); }
    Result<void> end(SessionId) override { throw std::logic_error("asked"); }
    Result<void> give(SessionId) override { throw std::logic_error("asked"); }
    Result<std::size_t> park(const std::string&, const std::string&, Duration) override {
      throw std::logic_error("asked");
    }
    Result<void> unpark(const std::string&) override { throw std::logic_error("asked"); }
    std::vector<ImageInfo> images() const override { return {}; }
    Result<void> attach(const AttachRequest&) override { return {}; }
    Result<void> detach(const std::string&) override { return {}; }
    std::vector<std::string> reload() override { throw std::logic_error("asked"); }
    std::vector<Metric> metrics() const override { throw std::logic_error("asked"); }
  } closed;
  EXPECT_TRUE(ask(closed, request("status")).ok);
  for (const char* command : {"sessions", "reload", "metrics"}) {
    EXPECT_EQ(ask(closed, request(command)).error, "not you: " + std::string(command));
  }
  EXPECT_EQ(ask(closed, request_end(SessionId{1})).error, "not you: end");
  EXPECT_EQ(ask(closed, request_give(SessionId{1})).error, "not you: give");
  EXPECT_EQ(ask(closed, request_park("pc1", "x", seconds(1))).error, "not you: park");
  EXPECT_EQ(ask(closed, request_unpark("pc1")).error, "not you: unpark");
}

TEST(Protocol, ARequestForAViewerNamesItsTarget) {
  for (const bool types : {false, true}) {
    const auto viewer = viewer_request(without_newline(request_viewer({"pc \"1\"", types})));
    ASSERT_TRUE(viewer);
    EXPECT_EQ(viewer->target, "pc \"1\"");
    EXPECT_EQ(viewer->types, types);
  }
  const auto plain = viewer_request(R"({"command": "viewer", "target": "pc1"})");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->types);
  for (const char* other :
       {"", "{}", "[]", R"({"command": "viewer"})", R"({"command": "viewer", "target": 7})",
        R"({"command": ["viewer"], "target": "pc1"})", R"({"command": "end", "target": "pc1"})"}) {
    EXPECT_FALSE(viewer_request(other)) << other;
  }
  EXPECT_FALSE(viewer_request(request_viewer({std::string(kMaxRequest, 'x'), false})));
  FakeDaemon daemon;
  EXPECT_NE(ask(daemon, request("viewer")).error.find("needs a target"), std::string::npos);
}

TEST(Protocol, AViewerIsAcceptedOrToldWhyNot) {
  const auto yes = parse_reply(without_newline(viewer_accepted({"pc1", "10.0.0.1:16995", "TLSv1.2", "de"})));
  ASSERT_TRUE(yes && yes->ok);
  const auto info = viewer_from_json(yes->data);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->target, "pc1");
  EXPECT_EQ(info->device, "10.0.0.1:16995");
  EXPECT_EQ(info->tls, "TLSv1.2");
  EXPECT_EQ(info->keyboard, "de");
  EXPECT_FALSE(viewer_from_json(R"({"target": "pc1"})"));
  for (int i = 0; i <= static_cast<int>(Errc::System); ++i) {
    const auto code = static_cast<Errc>(i);
    const auto no = parse_reply(without_newline(viewer_refused({code, "it said no\n"})));
    ASSERT_TRUE(no && !no->ok);
    EXPECT_EQ(no->error, "it said no\n");
    EXPECT_EQ(no->cause, code);
  }
  EXPECT_EQ(parse_reply(R"({"ok": false, "error": "x", "cause": "of another version"})")->cause, std::nullopt);
}

TEST(Protocol, ReloadGivesEveryMistake) {
  FakeDaemon daemon;
  EXPECT_TRUE(ask(daemon, request("reload")).ok);
  daemon.mistakes = {"f:1: x", "f:2: y"};
  const Reply reply = ask(daemon, request("reload"));
  EXPECT_FALSE(reply.ok);
  EXPECT_EQ(reply.mistakes, daemon.mistakes);
}

TEST(Protocol, MetricsAreText) {
  FakeDaemon daemon;
  EXPECT_EQ(ask(daemon, request("metrics")).data,
            "\"# HELP amtgate_x X.\\n# TYPE amtgate_x gauge\\namtgate_x 1\\n\"");
}

struct Row {
  const char* name;
  std::string request;
  const char* error;
};
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}
const Row kRows[] = {
    {"empty", "", "the request is not a JSON object"},
    {"not_json", "status", "the request is not a JSON object"},
    {"list", "[]", "the request is not a JSON object"},
    {"cut", R"({"command":"status")", "the request is not a JSON object"},
    {"two", R"({"command":"status"}{})", "the request is not a JSON object"},
    {"no_command", "{}", "the request names no command"},
    {"number_for_command", R"({"command":1})", "the request names no command"},
    {"unknown", R"({"command":"stop"})", "unknown command 'stop'"},
    {"end_without_id", R"({"command":"end"})", "end needs an id: a number of `amtgate sessions`"},
    {"end_of_minus_one", R"({"command":"end","id":-1})", "end needs an id: a number of `amtgate sessions`"},
    {"end_of_text", R"({"command":"end","id":"42"})", "end needs an id: a number of `amtgate sessions`"},
    {"too_long", std::string(kMaxRequest + 1, ' '), "the request is too long"},
    {"too_deep", R"({"command":"status","x":[[[[[[1]]]]]]})", "the request is not a JSON object"},
    {"very_deep", std::string(4000, '['), "the request is not a JSON object"},
    {"not_utf8", "{\"command\":\"\xff\"}", "the request is not a JSON object"},
};
class ProtocolRows : public testing::TestWithParam<Row> {};
TEST_P(ProtocolRows, IsRefusedInWords) {
  FakeDaemon daemon;
  const Result<Reply> reply = parse_reply(without_newline(answer(daemon, GetParam().request)));
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->ok);
  EXPECT_EQ(reply->error, GetParam().error);
}
INSTANTIATE_TEST_SUITE_P(Bad, ProtocolRows, testing::ValuesIn(kRows),
                         [](const auto& i) { return std::string(i.param.name); });

TEST(Protocol, RefusesRepliesThatAreNone) {
  for (const char* bad : {"", "[]", "{}", R"({"ok":1})", R"({"ok":true})", R"({"ok":false})",
                          R"({"ok":false,"error":1})", R"({"ok":false,"error":"x","mistakes":1})"}) {
    EXPECT_FALSE(parse_reply(bad)) << bad;
  }
  EXPECT_FALSE(sessions_from_json(R"([{"id":"x"}])"));
  EXPECT_FALSE(sessions_from_json(R"([1])"));
  EXPECT_FALSE(sessions_from_json("{}"));
  EXPECT_FALSE(status_from_json("{}"));
}

TEST(Protocol, ReadsTimesStrictly) {
  EXPECT_EQ(format_time(*parse_time("2026-01-31T12:00:00Z")), "2026-01-31T12:00:00Z");
  for (const char* bad : {"", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00:00Zx", "2026-13-31T12:00:00Z"}) {
    EXPECT_FALSE(parse_time(bad)) << bad;
  }
}

TEST(Protocol, AnImageIsADescriptorThatWasPassedOrAnAddress) {
  FakeDaemon daemon;
  AttachRequest wanted;
  wanted.target = "pc1";
  wanted.cd = AttachRequest::Medium{"/x.iso", 1};
  wanted.floppy = AttachRequest::Medium{"https://h/f.img", -1};
  wanted.start = AttachRequest::Start::Reboot;
  const int passed[] = {7, 8};
  EXPECT_TRUE(parse_reply(without_newline(answer(daemon, without_newline(request_attach(wanted)), passed)))->ok);
  ASSERT_TRUE(daemon.attached && daemon.attached->cd && daemon.attached->floppy);
  EXPECT_EQ(daemon.attached->cd->name, "/x.iso");
  EXPECT_EQ(daemon.attached->cd->fd, 8);
  EXPECT_EQ(daemon.attached->floppy->name, "https://h/f.img");
  EXPECT_EQ(daemon.attached->floppy->fd, -1);
  EXPECT_EQ(daemon.attached->start, AttachRequest::Start::Reboot);
  daemon.attached.reset();
  for (const char* bad : {R"({"command":"attach"})", R"({"command":"attach","target":"pc1","cd":"/x.iso"})",
                          R"({"command":"attach","target":"pc1","cd":{"name":"/x.iso"}})",
                          R"({"command":"attach","target":"pc1","cd":{"name":"/x.iso","fd":2}})",
                          R"({"command":"attach","target":"pc1","cd":{"name":"/x.iso","fd":-1}})",
                          R"({"command":"attach","target":"pc1","cd":{"url":"http://h/","fd":0}})",
                          R"({"command":"attach","target":"pc1","start":"later"})"}) {
    EXPECT_FALSE(parse_reply(without_newline(answer(daemon, bad, passed)))->ok) << bad;
    EXPECT_FALSE(daemon.attached) << bad;
  }
}

TEST(Protocol, ImagesComeBackAsTheyWere) {
  FakeDaemon daemon;
  const auto reply = parse_reply(without_newline(answer(daemon, without_newline(request("images")))));
  ASSERT_TRUE(reply && reply->ok);
  const auto images = images_from_json(reply->data);
  ASSERT_TRUE(images) << images.error().detail;
  ASSERT_EQ(images->size(), 1U);
  EXPECT_EQ(images->front().served, 18446744073709551615U);
  EXPECT_EQ(images->front().reads, 7U);
  EXPECT_EQ(images->front().read_errors, 3U);
  EXPECT_TRUE(images->front().web);
  EXPECT_TRUE(parse_reply(without_newline(answer(daemon, without_newline(request_detach("pc1")))))->ok);
  EXPECT_FALSE(parse_reply(without_newline(answer(daemon, without_newline(request_detach("pc2")))))->ok);
}

}  // namespace
}  // namespace amtgate::control
