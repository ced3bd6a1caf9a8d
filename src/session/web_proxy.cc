#include "amtgate/session/web_proxy.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace amtgate::session {
namespace {

// Without credentials, with them, and once more with a nonce that is not stale; a connection that had died makes
// four.
constexpr unsigned kMostAttempts = 4;
// The page beside a 401.
constexpr std::size_t kMostThrownAway = 64 * 1024;

// Fields that are between two neighbours only (RFC 9110 section 7.6.1), those that are ours to write, and those that
// say where the client thinks it is.
constexpr std::array<std::string_view, 15> kNotForDevice = {
    "connection", "keep-alive",     "proxy-connection", "proxy-authorization",
    "te",         "trailer",        "trailers",         "upgrade",
    "expect",     "host",           "content-length",   "transfer-encoding",
    "origin",     "http2-settings", "referer"};
constexpr std::array<std::string_view, 8> kNotForClient = {"connection",        "keep-alive", "proxy-connection",
                                                           "trailer",           "upgrade",    "content-length",
                                                           "transfer-encoding", "alt-svc"};

bool among(std::string_view name, std::span<const std::string_view> list) {
  return std::ranges::any_of(list, [&](std::string_view one) { return http::same_word(name, one); });
}

/// "http://pc:16992/x" to "pc:16992"; empty when it is no such address.
std::string_view authority_of(std::string_view url) {
  const std::size_t at = url.find("://");
  if (at == std::string_view::npos) return {};
  url.remove_prefix(at + 3);
  return url.substr(0, url.find_first_of("/?#"));
}

/// Without the port.
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

std::string bracketed(const IpAddress& address) {
  return address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
}

}  // namespace

WebProxy::WebProxy(WebOptions options, http::Challenger& challenger, auth::RandomSource& random, TimePoint now)
    : options_(std::move(options)),
      challenger_(challenger),
      random_(random),
      realm_(options_.realm.empty() ? auth::make_realm(random) : options_.realm),
      since_(now),
      sent_(now) {}

std::optional<WebProxy::Event> WebProxy::next_event() {
  if (events_.empty()) return std::nullopt;
  Event e = std::move(events_.front());
  events_.pop_front();
  return e;
}

// --- the client -------------------------------------------------------------------------------------------

bool WebProxy::wants_client() const {
  if (step_ == Step::Over || half_) return false;
  // While a request is under way, only to see that its client goes.
  return step_ == Step::Idle ? to_client_.view().size() < kHighMark : requests_.waiting() < kMostWaiting;
}

bool WebProxy::wants_device() const {
  return device_open_ && to_client_.view().size() < kHighMark;
}

void WebProxy::client_sent(std::size_t n, TimePoint now) {
  const bool paused = !wants_device();
  to_client_.sent(n);
  sent_ = now;
  if (paused && wants_device()) since_ = now;  // the machine's time counts again
  if (step_ == Step::Idle && requests_.waiting() > 0) take_requests(now);
}

void WebProxy::receive_client(Bytes in, TimePoint now) {
  if (step_ == Step::Over) return;
  requests_.receive(in);
  take_requests(now);
}

void WebProxy::client_closed(TimePoint now) {
  half_ = true;
  if (step_ == Step::Idle) end({Errc::Closed, "the client closed the connection"}, How::Quiet);
  (void)now;
}

void WebProxy::client_lost(const Error& why) {
  end(why, step_ == Step::Idle ? How::Quiet : How::Cut);
}

void WebProxy::take_requests(TimePoint now) {
  if (std::exchange(taking_, true)) return;  // from done(), below the loop here
  while (step_ == Step::Idle && to_client_.view().size() < kHighMark) {
    Result<std::optional<http::Request>> next = requests_.next();
    if (!next) {
      closing_ = true;
      end_ = next.error();
      judged_ = {wsman::RequestClass::Change, "a request that is not understood", {}};
      const Errc code = next.error().code;
      Local local{400, "Bad Request", "amtgate: " + next.error().detail};
      if (code == Errc::TooLarge) local = {413, "Content Too Large", std::move(local.text)};
      if (code == Errc::Unsupported) local = {501, "Not Implemented", std::move(local.text)};
      request_ = {};
      answer(std::move(local), now);
      break;
    }
    if (!*next) {
      if (requests_.take_expectation()) {
        if (to_client_.view().empty()) sent_ = now;
        append(to_client_.buffer(), std::string_view("HTTP/1.1 100 Continue\r\n\r\n"));
      }
      const bool began = requests_.began();
      if (began && !began_) since_ = now;
      began_ = began;
      break;
    }
    request_ = std::move(**next);
    began_ = false;
    begin(now);
  }
  taking_ = false;
}

// --- a request --------------------------------------------------------------------------------------------

void WebProxy::begin(TimePoint now) {
  attempts_ = 0;
  since_ = now;
  closing_ = !request_.keep_alive();
  if (options_.login == WebLogin::Users) user_.clear();
  const std::string_view path = request_.path();
  judged_ = wsman::judge_request(request_.method, path, request_.body);
  if (options_.refusal) {
    closing_ = true;
    if (options_.refusal->code == Errc::Busy) {
      end_ = options_.refusal;
      return answer({503, "Service Unavailable", "amtgate: " + options_.refusal->detail, "Retry-After: 10\r\n"}, now);
    }
    return answer({403, "Forbidden", "amtgate: " + options_.refusal->detail}, now);
  }
  // A tunnel is not what this port is for, and TRACE would show what a browser's script may not see.
  if (request_.method == "CONNECT" || request_.method == "TRACE" || path.empty()) {
    return answer(
        {405, "Method Not Allowed", "amtgate: " + request_.method + " is not for this port", "Allow: GET, POST\r\n"},
        now);
  }
  // A page of somebody else in a browser that may come here must not act with the gateway's login.
  const std::string* host = request_.fields.find("Host");
  if (request_.fields.count("Host") > 1 || (host == nullptr && !request_.old)) {
    closing_ = true;
    return answer({400, "Bad Request", "amtgate: HTTP: no Host, or two"}, now);
  }
  const std::string* origin = request_.fields.find("Origin");
  if (origin != nullptr && (host == nullptr || !http::same_word(authority_of(*origin), *host))) {
    return answer({403, "Forbidden", "amtgate: a page of another server asks for this"}, now);
  }
  // Whoever has a name can have it lead here (DNS rebinding), and a browser then takes the page for the machine's
  // own.
  if (origin != nullptr && options_.login == WebLogin::None && !knows_name(host_of(*host))) {
    return answer({403, "Forbidden",
                   "amtgate: a page asks for this under a name that the gateway does not know: aim at the machine's "
                   "address, have the name in its `address`, or give users a login (client_auth)"},
                  now);
  }
  if (!let_in(now)) return;
  if (const std::optional<std::string> no = forbidden()) {
    // A fault with status 400 is what every client of WS-Management shows in words: openwsman and MeshCentral's
    // modules print the reason, and take 403 for a broken connection. A browser gets a page.
    if (request_.method == "POST" && path == "/wsman") {
      return answer(
          {400, "Bad Request", wsman::access_denied(judged_.message_id, std::string(wsman::kGatewayReason) + *no), "",
           "application/soap+xml; charset=UTF-8"},
          now);
    }
    return answer({403, "Forbidden", "amtgate: " + *no}, now);
  }
  forward(now);
}

bool WebProxy::knows_name(std::string_view host) const {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host.starts_with('[') || host.find('.') == std::string_view::npos || IpAddress::parse(host).has_value() ||
         http::same_word(host, options_.machine) ||
         std::ranges::any_of(options_.names, [&](const auto& name) { return http::same_word(host, name); });
}

/// False when the request was answered.
bool WebProxy::let_in(TimePoint now) {
  switch (options_.login) {
    case WebLogin::Passthrough: return true;
    case WebLogin::None:
      // A client that knows digest alone sends nothing before it was asked to log in, and would wait for it.
      if ((request_.method == "POST" || request_.method == "PUT") && request_.body.empty() &&
          request_.fields.find("Authorization") == nullptr) {
        challenge(false, false, now);
        return false;
      }
      return true;
    case WebLogin::Users: break;
  }
  const http::Challenger::Verdict verdict = challenger_.judge(request_, *options_.users, realm_, options_.from, now);
  if (const auto* passed = std::get_if<http::Challenger::Passed>(&verdict)) {
    user_ = passed->user;
    return true;
  }
  if (const auto* wait = std::get_if<http::Challenger::Wait>(&verdict)) {
    const auto left = std::to_string(std::chrono::ceil<seconds>(wait->left).count());
    answer({429, "Too Many Requests", "amtgate: too many wrong passwords; wait " + left + " s",
            "Retry-After: " + left + "\r\n"},
           now);
    return false;
  }
  const auto& ask = std::get<http::Challenger::Ask>(verdict);
  if (ask.wrong) events_.emplace_back(ClientRefused{});
  challenge(ask.stale, ask.wrong, now);
  return false;
}

/// Why this request may not go to the machine; empty when it may.
std::optional<std::string> WebProxy::forbidden() const {
  if (options_.read_only && judged_.kind != wsman::RequestClass::Read) {
    return options_.machine + " may be looked at only (the gateway's `wsman_only = read`): " + judged_.what;
  }
  if (options_.login == WebLogin::Users && options_.why_not) {
    if (std::string why = options_.why_not(user_, judged_.kind); !why.empty()) return why + ": " + judged_.what;
  }
  return std::nullopt;
}

void WebProxy::forward(TimePoint now) {
  since_ = now;
  if (!device_open_) {
    step_ = Step::Device;
    events_.emplace_back(NeedDevice{});
    return;
  }
  const bool own = options_.login != WebLogin::Passthrough;
  const bool shows = own ? challenge_ && uses_ == 0 : request_.fields.find("Authorization") != nullptr && !proven_;
  if (shows && !owes_) {
    step_ = Step::Login;
    events_.emplace_back(AskLogin{});
    return;
  }
  send(now);
}

void WebProxy::login_granted(TimePoint now) {
  if (step_ != Step::Login) {  // the connection has gone meanwhile
    events_.emplace_back(LoginJudged{Judgement::Undecided});
    return;
  }
  owes_ = true;
  send(now);
}

void WebProxy::login_held(const Error& why, TimePoint now) {
  if (step_ == Step::Login) bad_gateway(why, now);
}

void WebProxy::send(TimePoint now) {
  ++attempts_;
  std::string head = head_for_device();
  authorized_ = false;
  if (options_.login == WebLogin::Passthrough) {
    if (const std::string* own = request_.fields.find("Authorization")) {
      head += "Authorization: " + *own + "\r\n";
      authorized_ = true;
    }
  } else if (challenge_) {
    head += "Authorization: " +
            http::digest_answer(*challenge_, options_.credentials, request_.method, request_.path(), ++uses_,
                                auth::make_cnonce(random_)) +
            "\r\n";
    authorized_ = true;
  }
  Buffer& out = to_device_.buffer();
  append(out, head + "\r\n");
  append(out, request_.body);
  answers_.expect(request_.method == "HEAD");
  step_ = Step::Asked;
  since_ = now;
}

std::string WebProxy::head_for_device() const {
  const std::string here = bracketed(device_.address) + ":" + std::to_string(device_.port.value);
  std::string out = request_.method + " " + std::string(request_.path()) + " HTTP/1.1\r\nHost: " + here + "\r\n";
  const std::string* host = request_.fields.find("Host");
  for (const http::Field& f : request_.fields.all()) {
    if (http::same_word(f.name, "referer") && host != nullptr && http::same_word(authority_of(f.value), *host)) {
      // As the machine's own pages would say it.
      const std::size_t rest = f.value.find("://") + 3 + host->size();
      out += f.name + ": " + (device_tls_ ? "https://" : "http://") + here + f.value.substr(rest) + "\r\n";
      continue;
    }
    if (among(f.name, kNotForDevice) || http::same_word(f.name, "authorization")) continue;
    if (request_.fields.lists("Connection", f.name)) continue;
    out += f.name + ": " + f.value + "\r\n";
  }
  if (!request_.body.empty() || request_.method == "POST" || request_.method == "PUT") {
    out += "Content-Length: " + std::to_string(request_.body.size()) + "\r\n";
  }
  return out;
}

// --- the machine ------------------------------------------------------------------------------------------

void WebProxy::device_opened(const Endpoint& device, bool tls, TimePoint now) {
  if (step_ != Step::Device) {
    events_.emplace_back(DropDevice{});
    return;
  }
  device_ = device;
  device_tls_ = tls;
  device_open_ = true;
  fresh_ = true;
  answers_.reset();
  to_device_ = Outbox();
  forward(now);
}

void WebProxy::device_failed(const Error& why, TimePoint now) {
  if (step_ == Step::Device) bad_gateway(why, now);
}

void WebProxy::drop_device() {
  if (!device_open_) return;
  device_open_ = false;
  to_device_ = Outbox();
  events_.emplace_back(DropDevice{});
}

void WebProxy::receive_device(Bytes in, TimePoint now) {
  if (!device_open_ || step_ == Step::Over) return;
  if (step_ != Step::Asked && step_ != Step::Answer) return drop_device();  // it speaks without being asked
  answers_.receive(in);
  since_ = now;
  read_answer(now);
}

void WebProxy::device_closed(const Error& why, TimePoint now) {
  if (!device_open_) return;
  device_open_ = false;
  if (step_ != Step::Asked && step_ != Step::Answer) {
    to_device_ = Outbox();
    return step_ == Step::Login ? forward(now) : void();
  }
  answers_.closed();
  read_answer(now);
  if (step_ == Step::Asked && !device_open_) lost_device(why, now);
}

/// It went before it said anything.
void WebProxy::lost_device(const Error& why, TimePoint now) {
  device_open_ = false;
  // A connection that had served before may have been closed by the machine while the request was on its way. Then a
  // request that only looks is sent again; what does something might be done twice.
  const bool again = !fresh_ && attempts_ < kMostAttempts && judged_.kind == wsman::RequestClass::Read;
  to_device_ = Outbox();
  if (again) return forward(now);
  bad_gateway({why.code, why.detail + (judged_.kind == wsman::RequestClass::Read
                                           ? ""
                                           : "; whether it has done what was asked is not known")},
              now);
}

void WebProxy::read_answer(TimePoint now) {
  while (step_ == Step::Asked || step_ == Step::Answer) {
    Result<std::optional<http::AnswerReader::Event>> next = answers_.next();
    if (!next) {
      const bool answering = step_ == Step::Answer && !unauthorized_;
      const Error why{next.error().code, options_.machine + " (" + device_.to_string() + "): " + next.error().detail};
      drop_device();
      if (answering) return end(why, How::Cut);
      return bad_gateway(why, now);
    }
    if (!*next) return;
    std::visit([&](const auto& e) { handle(e, now); }, **next);
  }
}

/// A 401 says that the credentials are wrong only where they came with a nonce that the machine had just given.
void WebProxy::judge_login(bool unauthorized) {
  const bool own = options_.login != WebLogin::Passthrough;
  std::optional<http::DigestAnswer> said;
  if (const std::string* field = request_.fields.find("Authorization"); field != nullptr && !own) {
    if (Result<http::DigestAnswer> parsed = http::parse_digest_answer(*field)) said = std::move(*parsed);
  }
  const bool with_new_nonce = own ? uses_ == 1 : said && said->nonce == shown_;
  refused_ = unauthorized && authorized_ && with_new_nonce && !(offered_ && offered_->stale);
  if (!own && unauthorized && offered_) shown_ = offered_->nonce;
  if (!authorized_) return;
  if (!unauthorized) proven_ = true;
  if (!unauthorized && said) user_ = std::move(said->username);
  if (!std::exchange(owes_, false)) return;
  const Judgement refused = refused_ ? Judgement::Refused : Judgement::Undecided;
  events_.emplace_back(LoginJudged{unauthorized ? refused : Judgement::Accepted});
}

void WebProxy::handle(const http::AnswerHead& head, TimePoint now) {
  (void)now;
  step_ = Step::Answer;
  status_ = head.status;
  keep_device_ = head.keep_alive;
  fresh_ = false;
  unauthorized_ = false;
  offered_.reset();
  if (head.status == 401) {
    for (const http::Field& f : head.fields.all()) {
      if (!http::same_word(f.name, "www-authenticate") || offered_) continue;
      if (Result<http::DigestChallenge> c = http::parse_digest_challenge(f.value)) offered_ = std::move(*c);
    }
  }
  judge_login(head.status == 401);
  if (head.status == 401 && options_.login != WebLogin::Passthrough) {
    unauthorized_ = true;
    thrown_away_ = 0;
    return;
  }
  if (head.status != 401 && !std::exchange(opened_, true)) {
    constexpr std::array<std::string_view, 3> kMethods = {"none", "digest", "passthrough"};
    events_.emplace_back(Opened{user_, std::string(kMethods[static_cast<std::size_t>(options_.login)])});
  }
  std::string out = "HTTP/1.1 " + std::to_string(head.status) + " " + head.reason + "\r\n";
  for (const http::Field& f : head.fields.all()) {
    if (among(f.name, kNotForClient) || head.fields.lists("Connection", f.name)) continue;
    const bool login = http::same_word(f.name, "www-authenticate") || http::same_word(f.name, "authentication-info");
    if (login && options_.login != WebLogin::Passthrough) continue;
    out += f.name + ": " + (http::same_word(f.name, "location") ? here(f.value) : f.value) + "\r\n";
  }
  const bool bodiless = request_.method == "HEAD" || head.status == 204 || head.status == 304;
  chunked_ = !bodiless && !head.length && !request_.old;
  if (head.length && head.status != 204) {
    out += "Content-Length: " + std::to_string(*head.length) + "\r\n";
  } else if (chunked_) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (!bodiless) {
    closing_ = true;  // HTTP/1.0 has no other end for it
  }
  if (closing_ || half_) {
    out += "Connection: close\r\n";
  } else if (request_.old) {
    out += "Connection: keep-alive\r\n";
  }
  if (to_client_.view().empty()) sent_ = now;
  append(to_client_.buffer(), out + "\r\n");
}

void WebProxy::handle(const http::AnswerPiece& piece, TimePoint now) {
  if (unauthorized_) {
    thrown_away_ += piece.bytes.size();
    if (thrown_away_ <= kMostThrownAway) return;
    drop_device();
    return unauthorized(now);
  }
  if (to_client_.view().empty()) sent_ = now;
  Buffer& out = to_client_.buffer();
  if (chunked_) {
    char size[24];
    std::snprintf(size, sizeof size, "%zX\r\n", piece.bytes.size());
    append(out, std::string_view(size));
  }
  append(out, piece.bytes);
  if (chunked_) append(out, std::string_view("\r\n"));
}

void WebProxy::handle(const http::AnswerEnd&, TimePoint now) {
  if (!keep_device_) drop_device();
  if (unauthorized_) return unauthorized(now);
  if (chunked_) append(to_client_.buffer(), std::string_view("0\r\n\r\n"));
  served(status_, true);
  done(now);
}

/// The machine wants a login, ours.
void WebProxy::unauthorized(TimePoint now) {
  const std::string who = options_.machine + " (" + device_.to_string() + ")";
  if (refused_ || attempts_ >= kMostAttempts) {
    challenge_.reset();
    return bad_gateway(
        {Errc::AuthFailed, who + " refused user '" + options_.credentials.user +
                               "': wrong user name or password in the gateway's configuration, or AMT has "
                               "locked the account for a while"},
        now);
  }
  if (!offered_) return bad_gateway({Errc::Unsupported, who + " asks for a login that is not digest with MD5"}, now);
  challenge_ = std::move(offered_);
  uses_ = 0;
  forward(now);
}

/// An address of the machine as the client has it.
std::string WebProxy::here(std::string_view location) const {
  const std::string_view authority = authority_of(location);
  if (authority.empty() || host_of(authority) != bracketed(device_.address)) return std::string(location);
  std::string_view rest = location.substr(location.find("://") + 3 + authority.size());
  if (rest.empty()) rest = "/";
  const std::string* host = request_.fields.find("Host");
  if (host == nullptr) return std::string(rest);
  return (options_.tls ? "https://" : "http://") + *host + std::string(rest);
}

// --- answers of our own -----------------------------------------------------------------------------------

void WebProxy::answer(Local local, TimePoint now) {
  if (to_client_.view().empty()) sent_ = now;
  if (local.type.starts_with("text/plain")) local.text += '\n';
  // What is here of the request's body could be taken for the next request.
  std::string out = "HTTP/1.1 " + std::to_string(local.status) + " " + std::string(local.reason) + "\r\n" +
                    local.fields + "Content-Type: " + std::string(local.type) +
                    "\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nContent-Length: " +
                    std::to_string(local.text.size()) + "\r\n";
  if (closing_ || half_) {
    out += "Connection: close\r\n";
  } else if (request_.old) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
  if (request_.method != "HEAD") out += local.text;
  append(to_client_.buffer(), out);
  served(local.status, false);
  done(now);
}

void WebProxy::challenge(bool stale, bool wrong, TimePoint now) {
  answer({401, "Unauthorized", wrong ? "amtgate: wrong user name or password" : "amtgate: log in",
          "WWW-Authenticate: " + http::digest_challenge(realm_, challenger_.nonce(random_, now), stale, "auth") +
              "\r\n"},
         now);
}

/// The machine cannot be had: the client hears why, and the connection ends with the same sentence in the log.
void WebProxy::bad_gateway(const Error& why, TimePoint now) {
  closing_ = true;
  end_ = why;
  drop_device();
  answer({502, "Bad Gateway", "amtgate: " + why.detail}, now);
}

void WebProxy::served(unsigned status, bool by_device) {
  events_.emplace_back(Served{judged_, status, by_device, user_});
}

/// The request has its answer.
void WebProxy::done(TimePoint now) {
  step_ = Step::Idle;
  since_ = now;
  request_ = {};
  if (end_) return end(*end_, How::Wrong);
  if (closing_) return end({Errc::Closed, "the client asked for nothing more"}, How::Quiet);
  if (half_) return end({Errc::Closed, "the client closed the connection"}, How::Quiet);
  take_requests(now);
}

void WebProxy::end(const Error& why, How how) {
  if (step_ == Step::Over) return;
  drop_device();
  if (std::exchange(owes_, false)) events_.emplace_back(LoginJudged{Judgement::Undecided});
  step_ = Step::Over;
  events_.emplace_back(End{why, how == How::Cut, how == How::Quiet});
}

void WebProxy::fail(const Error& why, TimePoint now) {
  switch (step_) {
    case Step::Over: return;
    case Step::Idle: return end(why, How::Wrong);
    case Step::Answer:
      if (!unauthorized_) return end(why, How::Cut);
      [[fallthrough]];
    default:
      closing_ = true;
      end_ = why;
      drop_device();
      return answer({503, "Service Unavailable", "amtgate: " + why.detail}, now);
  }
}

// --- time -------------------------------------------------------------------------------------------------

std::optional<TimePoint> WebProxy::deadline() const {
  if (step_ == Step::Over) return std::nullopt;
  TimePoint due = since_ + kAnswer;
  if (step_ == Step::Idle) due = since_ + (began_ ? kRequest : options_.refusal ? kRefused : kIdle);
  // Who reaches the machine, and who grants logins, have deadlines of their own; this one is for the client's sake.
  if (step_ == Step::Answer && !wants_device() && device_open_) due = TimePoint::max();
  if (!to_client_.view().empty()) due = std::min(due, sent_ + kStall);
  return due;
}

void WebProxy::tick(TimePoint now) {
  if (const auto due = deadline(); !due || now < *due) return;
  if (!to_client_.view().empty() && now >= sent_ + kStall) {
    return end({Errc::Timeout, "the client takes no bytes"}, How::Cut);
  }
  const std::string who = options_.machine + " (" + device_.to_string() + ")";
  switch (step_) {
    case Step::Idle:
      if (!began_) return end({Errc::Timeout, "the client asks for nothing more"}, How::Quiet);
      closing_ = true;
      end_ = Error{Errc::Timeout, "a request that did not come whole"};
      judged_ = {wsman::RequestClass::Change, "a request that did not come whole", {}};
      return answer({408, "Request Timeout",
                     "amtgate: the request did not come whole in " +
                         std::to_string(std::chrono::ceil<seconds>(kRequest).count()) + " s"},
                    now);
    case Step::Device:
    case Step::Login: return bad_gateway({Errc::Timeout, options_.machine + ": no connection in time"}, now);
    case Step::Asked: return bad_gateway({Errc::Timeout, who + " does not answer"}, now);
    case Step::Answer:
      if (unauthorized_) return bad_gateway({Errc::Timeout, who + " does not end its answer"}, now);
      return end({Errc::Timeout, who + " does not end its answer"}, How::Cut);
    case Step::Over: return;
  }
}

}  // namespace amtgate::session
