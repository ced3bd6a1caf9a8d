// Web: a session on the web ports. A session::WebProxy speaks with the client and with the machine; this moves the
// bytes, dials, and keeps the record of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "amtgate/device/dialer.h"
#include "amtgate/gateway/closing.h"
#include "amtgate/gateway/session_record.h"
#include "amtgate/gateway/shard.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/stream.h"
#include "amtgate/session/web_proxy.h"

namespace amtgate::gateway {

/// 623, 664, 16992 and 16993.
bool is_web_port(Port port);
/// Those of them where clients speak TLS.
bool is_web_tls_port(Port port);

class Web {
 public:
  /// It is over, and that is said in the log. Empty: the client has gone, or must not take what it got for whole.
  using OnEnd = std::function<void(std::optional<LastWords>)>;
  /// Who aims at what: for the device's address, and for whose logins are counted.
  struct Aim {
    IpAddress client;
    IpAddress destination;
  };

  /// `policy`, `record` and `client` outlive this; the client's on_ready() is the owner's, and leads to pump().
  /// `refusal`: all that the client is told. `on_end` comes once, from pump(), end() or the loop; the owner retires
  /// this then.
  Web(Shard& shard, const Policy& policy, SessionRecord& record, net::Stream& client, const Aim& aim,
      std::optional<Error> refusal, OnEnd on_end);
  ~Web();
  Web(const Web&) = delete;
  Web& operator=(const Web&) = delete;

  void pump(bool client_readable, bool device_readable);
  /// The client is told, where it waits for an answer.
  void end(const Error& why);
  void describe(control::SessionInfo& out) const;

 private:
  using Proxy = session::WebProxy;

  void read_client();
  void read_device();
  void settle();
  bool write();
  void arm();
  void handle(Proxy::NeedDevice& need);
  void handle(Proxy::DropDevice& drop);
  void handle(Proxy::AskLogin& ask);
  void handle(Proxy::LoginJudged& judged);
  void handle(Proxy::ClientRefused& refused);
  void handle(Proxy::Opened& opened);
  void handle(Proxy::Served& served);
  void handle(Proxy::End& end);
  void device_done(std::variant<device::Opened, device::Failure> outcome);
  void device_gone(const Error& why);
  void ask_guard();
  void drop_device();

  Shard& shard_;
  const Policy& policy_;
  SessionRecord& record_;
  net::Stream& client_;
  const Aim aim_;
  const bool seated_;  // a refusal takes none of the places that there are
  OnEnd on_end_;       // null: it is over
  Proxy proxy_;
  bool opened_ = false;
  bool settling_ = false;
  IpAddress address_;  // of the machine
  std::unique_ptr<device::Opening> opening_;
  std::unique_ptr<net::Stream> device_;
  std::string account_;  // whose login is asked for; empty: none
  std::string login_;    // whose judgement is owed; empty: none
  TimePoint asked_;
  TimePoint armed_;  // when timer_ comes
  net::Timer timer_;
  net::Timer guard_timer_;
};

}  // namespace amtgate::gateway
