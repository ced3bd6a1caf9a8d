// Serving: a connection that uses a machine's serial console: its bytes to and from the SerialHost, to the end.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "amtgate/gateway/closing.h"
#include "amtgate/gateway/serial_host.h"
#include "amtgate/gateway/session_record.h"
#include "amtgate/gateway/shard.h"
#include "amtgate/net/stream.h"
#include "amtgate/session/serial_user.h"

namespace amtgate::gateway {

class Serving final : private SerialHost::Client {
 public:
  /// It is over and said in the log; the owner retires it. Empty: the client has gone.
  using OnEnd = std::function<void(std::optional<LastWords>)>;
  struct Begin {
    Buffer words{};  // for the client, before anything of the console's
    Buffer typed{};  // of the client, read already
  };

  /// `record` and `client` outlive this; the client's on_ready() is the owner's, and leads to pump(). `on_end` comes
  /// once, from pump(), end() or the loop.
  Serving(Shard& shard, SerialHost& host, SessionRecord& record, net::Stream& client,
          std::unique_ptr<session::SerialUser> user, Begin begin, OnEnd on_end);
  ~Serving() override;
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  void pump(bool readable);
  /// Ends it in its protocol's words.
  void end(const Error& why);
  /// This user types from now on.
  Result<void> take_keyboard();
  /// State, role and bytes.
  void describe(control::SessionInfo& info) const;

 private:
  void serial_output() override;
  void serial_ended(const session::SharedSerial::UserEnded& end) override;
  void gone(std::string_view cause, const Error& why);
  void told(std::string_view cause, std::string_view side, const Error& why);
  void finish(std::optional<LastWords> words);
  void leave();
  bool flush();

  Shard& shard_;
  SerialHost* host_;  // lives as long as we are attached; null at the end
  SessionRecord& record_;
  net::Stream& client_;
  const session::UserId id_;
  Outbox words_;
  OnEnd on_end_;
};

}  // namespace amtgate::gateway
