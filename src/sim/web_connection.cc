#include "amtgate/sim/web_connection.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "amtgate/http/digest_header.h"
#include "amtgate/sim/json_line.h"
#include "amtgate/sim/legacy_soap.h"

namespace amtgate::sim {
namespace {

// A connection on which nothing is asked.
constexpr Duration kIdle = seconds(60);
constexpr std::size_t kChunk = 762;
constexpr std::size_t kHighMarkOut = 1024 * 1024;

constexpr std::string_view kLogonPage =
    "<html><head><title>Intel&reg; Active Management Technology</title></head><body><h1>Log On</h1>"
    "<form method=\"GET\" action=\"index.htm\"><input type=\"submit\" value=\"Log On...\"></form></body></html>";
constexpr std::string_view kRefusedPage =
    "<html><head><title>Intel&reg; Active Management Technology</title></head><body><h1>Log on failed.</h1>"
    "<p>Incorrect user name or password, or the account is temporarily locked.</p></body></html>";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}
std::string_view trim(std::string_view t) {
  while (!t.empty() && (t.front() == ' ' || t.front() == '\t')) t.remove_prefix(1);
  while (!t.empty() && (t.back() == ' ' || t.back() == '\t' || t.back() == '\r')) t.remove_suffix(1);
  return t;
}

std::string_view reason(unsigned status) {
  return status == 200 ? "OK" : status == 500 ? "Internal Server Error" : "Bad Request";
}

}  // namespace

WebConnection::WebConnection(MachineState& machine, TimePoint now)
    : machine_(machine), boot_(machine.boots()), deadline_(now + kIdle) {}

bool WebConnection::wants_input() const {
  return !ended_ && !stalled_ && !answer_at_ && out_.view().size() < kHighMarkOut;
}

std::optional<MachineSide::Event> WebConnection::next_event() {
  if (events_.empty()) return std::nullopt;
  Event e = std::move(events_.front());
  events_.pop_front();
  return e;
}

void WebConnection::end(std::string reason, bool reset) {
  if (ended_) return;
  ended_ = true;
  deadline_.reset();
  answer_at_.reset();
  events_.push_back(Close{reset, std::move(reason)});
}

void WebConnection::closed(TimePoint) {
  end("client closed");
}

Result<void> WebConnection::tick(TimePoint now) {
  // The network hangs up at a restart, as the other connections see it.
  if (machine_.boots() != boot_) end("the machine restarts");
  if (answer_at_ && now >= *answer_at_) take_requests(now);
  if (deadline_ && now >= *deadline_) end("nothing was asked for a minute");
  return {};
}

Result<void> WebConnection::receive(Bytes in, TimePoint now) {
  if (ended_) return {};
  append(in_, in);
  deadline_ = now + kIdle;
  take_requests(now);
  return {};
}

void WebConnection::take_requests(TimePoint now) {
  while (!ended_) {
    if (!head_) {
      const std::string_view text = as_text(in_);
      const std::size_t end_of_head = text.find("\r\n\r\n");
      if (end_of_head == std::string_view::npos) {
        if (in_.size() > kMaxHead) {
          page("431 Request Header Fields Too Large", "", "", true);
          end("a request head over " + std::to_string(kMaxHead) + " bytes");
        }
        return;
      }
      Result<Head> head = parse_head(text.substr(0, end_of_head + 2));
      if (!head) {
        page(head.error().code == Errc::TooLarge ? "413 Request Entity Too Large" : "400 Bad Request", "", "", true);
        return end(head.error().detail);
      }
      in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(end_of_head + 4));
      head_ = std::move(*head);
    }
    if (in_.size() < head_->length) return;
    if (!answer_at_) answer_at_ = now + machine_.options().latency;
    if (now < *answer_at_) return;
    answer_at_.reset();
    deadline_ = now + kIdle;
    const Head head = std::move(*head_);
    head_.reset();
    const std::string body(as_text(Bytes(in_).first(head.length)));
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(head.length));
    handle(head, body, now);
    if (head.close) end("the client asked for it");
  }
}

Result<WebConnection::Head> WebConnection::parse_head(std::string_view text) const {
  const std::size_t line_end = text.find("\r\n");
  const std::string_view line = text.substr(0, line_end);
  const std::size_t one = line.find(' '), two = line.rfind(' ');
  if (one == std::string_view::npos || one == two || !line.substr(two + 1).starts_with("HTTP/1.")) {
    return Error{Errc::BadValue, "no HTTP/1 request line"};
  }
  Head head{std::string(line.substr(0, one)), std::string(line.substr(one + 1, two - one - 1)), "", 0,
            line.ends_with("/1.0")};
  for (std::string_view rest = text.substr(line_end + 2); !rest.empty();) {
    const std::size_t n = rest.find("\r\n");
    const std::string_view field = rest.substr(0, n);
    rest.remove_prefix(n == std::string_view::npos ? rest.size() : n + 2);
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos) return Error{Errc::BadValue, "a header line without a colon"};
    const std::string_view name = field.substr(0, colon), value = trim(field.substr(colon + 1));
    if (same_word(name, "authorization")) head.authorization = value;
    if (same_word(name, "connection")) head.close = head.close || same_word(value, "close");
    // No client of AMT sends chunks, and whether it takes them nobody knows.
    if (same_word(name, "transfer-encoding")) return Error{Errc::BadValue, "a request in chunks"};
    if (same_word(name, "content-length")) {
      const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), head.length);
      if (ec != std::errc{} || end != value.data() + value.size())
        return Error{Errc::BadValue, "a Content-Length that is no number"};
      if (head.length > kMaxBody) return Error{Errc::TooLarge, "a body of " + std::to_string(head.length) + " bytes"};
    }
  }
  return head;
}

std::optional<std::string> WebConnection::authenticate(const Head& head, std::string_view body, TimePoint now) {
  if (head.authorization.empty()) {
    challenge(false);
    return std::nullopt;
  }
  const Result<http::DigestAnswer> a = http::parse_digest_answer(head.authorization);
  const auto ha1 = a ? machine_.users().ha1(a->username, machine_.realm()) : std::nullopt;
  const bool proved = ha1 && a->realm == machine_.realm() && http::proves(*a, *ha1, head.verb, body);
  JsonLine line("http.auth");
  line.add("ok", proved).add("path", head.path);
  if (a) line.add("user", a->username).add("qop", a->qop).add("nc", a->nc);
  events_.push_back(Log{line.fields()});
  if (proved && machine_.knows_nonce(a->nonce)) return a->username;
  if (!proved) {
    ++machine_.counters().failed_logins;
    machine_.management().login_failed(a ? a->username : "", now);
  }
  challenge(proved);
  return std::nullopt;
}

void WebConnection::challenge(bool stale) {
  const std::string header =
      "WWW-Authenticate: " +
      http::digest_challenge(machine_.realm(), machine_.new_nonce(), stale, machine_.options().profile.http_qop) +
      "\r\n";
  page("401 Unauthorized", header, kRefusedPage, true);
  end("unauthorized");
}

void WebConnection::page(std::string_view status, std::string_view extra, std::string_view html, bool close) {
  Buffer& out = out_.buffer();
  append(out, "HTTP/1.1 " + std::string(status) + "\r\n");
  append(out, extra);
  append(out, "Content-Type: text/html\r\nServer: Intel(R) Active Management Technology " +
                  machine_.options().profile.firmware + "\r\nContent-Length: " + std::to_string(html.size()) +
                  "\r\n");
  if (close) append(out, std::string_view("Connection: close\r\n"));
  append(out, std::string_view("\r\n"));
  append(out, html);
}

void WebConnection::handle(const Head& head, std::string_view body, TimePoint now) {
  if (head.path == "/wsman") {
    if (head.verb != "POST") return page("405 Method Not Allowed", "Allow: POST\r\n", "");
    if (std::optional<std::string> user = authenticate(head, body, now)) wsman(std::move(*user), body, now);
    return;
  }
  if (is_legacy_path(head.path)) {
    if (!has_legacy_soap(machine_.options().profile, machine_.management())) return page("404 Not Found", "", "");
    if (head.verb != "POST") return page("405 Method Not Allowed", "Allow: POST\r\n", "");
    if (authenticate(head, body, now)) legacy(head, body, now);
    return;
  }
  if (head.verb != "GET") return page("405 Method Not Allowed", "Allow: GET\r\n", "");
  if (head.path == "/") return page("303 See Other", "Location: /logon.htm\r\n", "");
  if (head.path == "/logon.htm") return page("200 OK", "", kLogonPage);
  if (head.path == "/index.htm") {
    if (!authenticate(head, body, now)) return;
    const bool on = machine_.management().power(now) == Power::On;
    return page(
        "200 OK", "",
        "<html><body><h1>System Status</h1><p>Power: " + std::string(on ? "On" : "Off") + "</p></body></html>");
  }
  page("404 Not Found", "", "");
}

bool WebConnection::strike(std::optional<Fault>& fault, std::string_view body) {
  if (machine_.faults().empty()) return true;
  const Result<wsman::Request> request = wsman::parse_request(body);
  if (!request || request->only_reads() || request->method.starts_with("Get")) return true;
  fault = machine_.faults().take_request();
  if (!fault) return true;
  events_.push_back(Log{JsonLine("fault").add("fault", to_string(*fault)).add("what", request->what()).fields()});
  if (fault->kind != FaultKind::Close) return true;
  end("fault " + to_string(*fault));
  return false;
}

void WebConnection::wsman(std::string user, std::string_view body, TimePoint now) {
  std::optional<Fault> fault;
  if (!strike(fault, body)) return;
  Management::Surroundings around;
  around.user = std::move(user);
  around.sessions = machine_.in_use(now);
  around.refuse = fault && fault->kind == FaultKind::Refuse;
  const std::string code_before = machine_.management().opt_in().code();
  const Management::Answer answer = machine_.management().answer(body, around, now);
  JsonLine line("wsman");
  line.add("what", answer.what).add("status", answer.status);
  if (!answer.fault.empty()) line.add("fault", answer.fault);
  events_.push_back(Log{line.fields()});
  const std::string& code = machine_.management().opt_in().code();
  if (!code.empty() && code != code_before) events_.push_back(Log{JsonLine("consent").add("code", code).fields()});
  if (machine_.follow_consent()) {
    events_.push_back(Log{JsonLine("consent").add("given", !machine_.awaits_consent()).fields()});
    events_.push_back(ModeChanged{});
  }
  if (!around.boot.empty()) events_.push_back(Log{JsonLine("boot").add("from", around.boot).fields()});
  if (around.listener) events_.push_back(DoorsChanged{});
  if (around.network) {
    machine_.restart_network(now);
    const TlsService& tls = machine_.management().tls();
    JsonLine network("network");
    network.add("tls", tls.tls).add("plain", tls.plain).add("mutual", tls.mutual);
    events_.push_back(Log{network.fields()});
    events_.push_back(Reboot{});
  }
  if (fault && !around.refuse) {
    if (fault->kind == FaultKind::Reset) return end("fault " + to_string(*fault), true);
    stalled_ = true;
    return;
  }
  send_xml(answer.status, "application/soap+xml", answer.xml);
  if (around.network) return end("the network restarts");
  if (around.reboot) restart(now);
}

void WebConnection::legacy(const Head& head, std::string_view body, TimePoint now) {
  Management::Surroundings around;
  around.sessions = machine_.in_use(now);
  const LegacyAnswer answer =
      answer_legacy(head.path, body, machine_.options().profile, machine_.management(), around, now);
  events_.push_back(Log{JsonLine("legacy").add("what", answer.what).add("status", answer.status).fields()});
  if (!around.boot.empty()) events_.push_back(Log{JsonLine("boot").add("from", around.boot).fields()});
  send_xml(answer.status, "text/xml", answer.xml);
  if (around.reboot) restart(now);
}

void WebConnection::send_xml(unsigned status, std::string_view type, std::string_view xml) {
  Buffer& out = out_.buffer();
  append(out, "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason(status)) +
                  "\r\nServer: Intel(R) Active Management Technology " + machine_.options().profile.firmware +
                  "\r\nX-Frame-Options: DENY\r\nContent-Type: " + std::string(type) +
                  "; charset=UTF-8\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (std::string_view rest = xml; !rest.empty();) {
    const std::string_view chunk = rest.substr(0, kChunk);
    rest.remove_prefix(chunk.size());
    char size[16];
    std::snprintf(size, sizeof size, "%04zX\r\n", chunk.size());
    append(out, std::string_view(size));
    append(out, chunk);
    append(out, std::string_view("\r\n"));
  }
  append(out, std::string_view("0\r\n\r\n"));
}

void WebConnection::restart(TimePoint now) {
  machine_.reboot(now);
  events_.push_back(Reboot{});
  end("the machine restarts");
}

}  // namespace amtgate::sim
