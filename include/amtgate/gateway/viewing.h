// Viewing: a connection that looks at a machine's screen, a VNC viewer's or a script's: its bytes to and from the
// ScreenHost, to the end.
#pragma once

#include <functional>
#include <optional>

#include "amtgate/gateway/closing.h"
#include "amtgate/gateway/screen_host.h"
#include "amtgate/gateway/session_record.h"
#include "amtgate/gateway/shard.h"
#include "amtgate/net/stream.h"

namespace amtgate::gateway {

class Viewing final : private ScreenHost::Client {
 public:
  /// It is over and said in the log; the owner retires it. Empty: the client has gone, and cannot be told anything.
  using OnEnd = std::function<void(std::optional<LastWords>)>;

  /// `record` and `client` outlive this; the client's on_ready() is the owner's, and leads to pump(). `on_end` comes
  /// once, from pump(), end() or the loop.
  Viewing(Shard& shard, ScreenHost& screen, SessionRecord& record, net::Stream& client,
          const session::ViewerOptions& options, OnEnd on_end);
  ~Viewing() override;
  Viewing(const Viewing&) = delete;
  Viewing& operator=(const Viewing&) = delete;

  void pump();
  /// Ends it in its protocol's words.
  void end(const Error& why);
  /// This viewer types from now on. Errors: BadValue (it does not look on yet).
  Result<void> take_keyboard();
  /// State, role and bytes.
  void describe(control::SessionInfo& info) const;

 private:
  void secure();
  void gone(std::string_view cause, const Error& why);
  void finish(std::optional<LastWords> words);
  void leave();
  void screen_start_tls() override;
  void screen_known(const session::SharedScreen::ViewerKnown& who) override;
  void screen_joined() override;
  void screen_ended(const Error& error) override;
  void screen_output() override;

  Shard& shard_;
  ScreenHost* screen_;  // lives as long as we are attached; null at the end
  SessionRecord& record_;
  net::Stream& client_;
  const session::ViewerId id_;
  const bool script_;
  OnEnd on_end_;
  bool joined_ = false;
  enum class Tls { None, Due, Handshake } tls_ = Tls::None;  // in the middle of RFB's opening
  Outbox first_words_;                                       // to a script: the control protocol's answer
};

}  // namespace amtgate::gateway
