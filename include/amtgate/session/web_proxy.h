// WebProxy: one client of a machine's web ports (WS-Management, a browser), joined to the machine's own web server.
// HTTP ends here on both sides: requests are read whole, judged, given the gateway's login and sent on; answers go
// back as they come.
//
//   client ── receive_client ──> ┌──────────┐ ──> device_output ── device
//   client <── client_output ─── │ WebProxy │ <── receive_device ── device
//                                └──────────┘ ──> next_event
//
// The client sees one server that keeps its connection. Behind it there is one connection to the machine at a time,
// made when a request needs it and made anew when the machine has closed it, as AMT does with each 401. One request
// is under way at a time. Rules of such a proxy: a login of the client never reaches the machine unless it is meant
// to, bodies are not changed, what says where a message ends is always our own.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "amtgate/auth/credentials.h"
#include "amtgate/auth/random.h"
#include "amtgate/base/inet.h"
#include "amtgate/base/machine.h"
#include "amtgate/http/challenger.h"
#include "amtgate/http/digest_header.h"
#include "amtgate/http/message.h"
#include "amtgate/wsman/request_class.h"

namespace amtgate::session {

enum class WebLogin {
  None,         // who is let in at all needs none; a challenge that a client waits for is made, any answer will do
  Users,        // the gateway's own users
  Passthrough,  // the client's own at the machine: headers of digest go through untouched
};

struct WebOptions {
  std::string machine;  // its name, for sentences
  WebLogin login = WebLogin::None;
  const auth::CredentialStore* users = nullptr;  // with WebLogin::Users
  std::string realm;                             // of challenges; empty: one is made
  auth::Credentials credentials;                 // the gateway's at the machine
  bool read_only = false;                        // nothing goes through that changes anything
  /// Why this user may not do something of this kind; empty when it may. With WebLogin::Users.
  std::function<std::string(std::string_view user, wsman::RequestClass kind)> why_not{};
  bool tls = false;  // the client's side is https
  std::string from;  // whose wrong guesses are counted
  /// Names that a page of the machine's own may have in a browser, besides addresses and names without a dot.
  std::vector<std::string> names{};
  std::optional<Error> refusal;  // all that a client is told: 403, or 503 where it is Busy
};

class WebProxy {
 public:
  /// A connection on which nothing is asked. AMT's own server hangs up after a minute.
  static constexpr Duration kIdle = seconds(75);
  /// The same where a refusal is all that there is to hear.
  static constexpr Duration kRefused = seconds(10);
  /// A request from its first to its last byte.
  static constexpr Duration kRequest = seconds(30);
  /// The machine begins its answer, and goes on with it. No stock client waits longer.
  static constexpr Duration kAnswer = seconds(60);
  /// The client takes bytes.
  static constexpr Duration kStall = seconds(30);
  /// What waits for a client before the machine is read no further.
  static constexpr std::size_t kHighMark = 128 * 1024;
  /// Requests that came early wait up to this; then the client is not read.
  static constexpr std::size_t kMostWaiting = 64 * 1024;

  struct NeedDevice {};  // connected and trusted, no more: device_opened() or device_failed()
  struct DropDevice {};  // close it
  /// Credentials would be shown to the machine for the first time: login_granted() or login_held(). What comes of it
  /// follows as LoginJudged, unless this object is gone before.
  struct AskLogin {};
  enum class Judgement { Accepted, Refused, Undecided };
  struct LoginJudged {
    Judgement how;
  };
  struct ClientRefused {};  // it answered a challenge of ours wrongly
  struct Opened {           // the machine has answered for the first time
    std::string user;       // who the client proved to be, or "" where it did not
    std::string method;     // "none", "digest", "passthrough"
  };
  struct Served {  // a request was answered
    wsman::Judged request;
    unsigned status;
    bool by_device;
    std::string user;
  };
  /// Nothing more is taken. The owner writes what is left of client_output() and closes.
  struct End {
    Error error;
    bool cut;    // in the middle of an answer: the client must not take it for whole
    bool quiet;  // the client has done with us; nothing went wrong
  };
  using Event = std::variant<NeedDevice, DropDevice, AskLogin, LoginJudged, ClientRefused, Opened, Served, End>;

  /// `challenger` and `random` outlive this.
  WebProxy(WebOptions options, http::Challenger& challenger, auth::RandomSource& random, TimePoint now);

  void receive_client(Bytes in, TimePoint now);
  /// It sends no more; what it asked for is still answered.
  void client_closed(TimePoint now);
  /// Its connection is broken: nothing reaches it any more.
  void client_lost(const Error& why);
  Bytes client_output() const { return to_client_.view(); }
  void client_sent(std::size_t n, TimePoint now);
  /// Both false means: wait for the other side first.
  bool wants_client() const;
  bool wants_device() const;

  void device_opened(const Endpoint& device, bool tls, TimePoint now);
  void device_failed(const Error& why, TimePoint now);
  void receive_device(Bytes in, TimePoint now);
  /// The connection has gone; the owner has closed its side already.
  void device_closed(const Error& why, TimePoint now);
  Bytes device_output() const { return to_device_.view(); }
  void device_sent(std::size_t n) { to_device_.sent(n); }

  void login_granted(TimePoint now);
  void login_held(const Error& why, TimePoint now);

  std::optional<Event> next_event();
  bool has_events() const { return !events_.empty(); }
  std::optional<TimePoint> deadline() const;
  void tick(TimePoint now);
  /// It is over for another reason: the client is told, where it waits for an answer.
  void fail(const Error& why, TimePoint now);

 private:
  enum class Step {
    Idle,    // no whole request is here
    Device,  // waits for a connection
    Login,   // waits for leave to log in
    Asked,   // the request is on its way, or the machine thinks
    Answer,  // the machine answers
    Over,
  };

  // A request.
  void take_requests(TimePoint now);
  void begin(TimePoint now);
  bool knows_name(std::string_view host) const;
  bool let_in(TimePoint now);
  std::optional<std::string> forbidden() const;
  void forward(TimePoint now);
  void send(TimePoint now);
  std::string head_for_device() const;

  // Its answer.
  void read_answer(TimePoint now);
  void handle(const http::AnswerHead& head, TimePoint now);
  void handle(const http::AnswerPiece& piece, TimePoint now);
  void handle(const http::AnswerEnd& end, TimePoint now);
  void judge_login(bool unauthorized);
  void unauthorized(TimePoint now);
  void lost_device(const Error& why, TimePoint now);
  void drop_device();
  std::string here(std::string_view location) const;

  // Answers of our own.
  struct Local {
    unsigned status;
    std::string_view reason;
    std::string text;
    std::string fields = {};
    std::string_view type = "text/plain; charset=utf-8";
  };
  void answer(Local local, TimePoint now);
  void challenge(bool stale, bool wrong, TimePoint now);
  void bad_gateway(const Error& why, TimePoint now);
  void served(unsigned status, bool by_device);
  void done(TimePoint now);
  enum class How { Quiet, Wrong, Cut };
  void end(const Error& why, How how);

  const WebOptions options_;
  http::Challenger& challenger_;
  auth::RandomSource& random_;
  std::string realm_;

  Step step_ = Step::Idle;
  std::deque<Event> events_;
  Outbox to_client_, to_device_;
  TimePoint since_;           // the step, or the last byte that mattered in it
  TimePoint sent_;            // the client took bytes, or got the first of them
  bool began_ = false;        // a part of a request is here
  bool taking_ = false;       // take_requests() is at work
  bool half_ = false;         // the client sends no more
  bool closing_ = false;      // after this answer
  std::optional<Error> end_;  // then for this reason

  http::RequestReader requests_;
  http::Request request_;
  wsman::Judged judged_;
  std::string user_;

  bool device_open_ = false;
  bool fresh_ = true;  // the connection has answered nothing yet
  Endpoint device_;
  bool device_tls_ = false;
  unsigned attempts_ = 0;  // of this request
  http::AnswerReader answers_;
  bool opened_ = false;

  std::optional<http::DigestChallenge> challenge_;  // the machine's last
  unsigned uses_ = 0;                               // of its nonce
  bool authorized_ = false;                         // the request went with credentials
  bool owes_ = false;                               // a judgement
  bool proven_ = false;                             // the client's own credentials, on this connection

  bool unauthorized_ = false;                     // this answer is a 401 that we deal with
  bool refused_ = false;                          // and that means the credentials are wrong
  std::optional<http::DigestChallenge> offered_;  // by it
  std::string shown_;                             // the nonce that the client got last (passthrough)
  std::size_t thrown_away_ = 0;
  unsigned status_ = 0;
  bool chunked_ = false;
  bool keep_device_ = false;
};

}  // namespace amtgate::session
