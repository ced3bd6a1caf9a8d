// Joining: a client and its device on the way to each other. A session::Joint speaks with both, the dialer reaches
// the device; at the end there are two streams that only have to be relayed, or a refusal.
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
#include "amtgate/session/joint.h"

namespace amtgate::gateway {

class Joining {
 public:
  /// Both sides have been answered, and all that the joint had to say is written.
  using OnJoined = std::function<void(session::HandOff, device::Opened)>;
  /// It failed, and that is said in the log. Empty: the client has gone, and cannot be told anything.
  using OnEnd = std::function<void(std::optional<LastWords>)>;

  /// The owner reaches the device itself: true, and provided() from the loop later.
  using Provide = std::function<bool(const session::NeedDevice&)>;

  /// Who aims at what: for the device's address, and for whose logins are counted.
  struct Aim {
    IpAddress client;
    IpAddress destination;
  };

  /// `policy`, `record` and `client` outlive this; the client's on_ready() is the owner's, and leads to pump(). One
  /// of `on_joined` and `on_end` comes, once, from pump(), end() or the loop; the owner retires this then.
  Joining(Shard& shard, const Policy& policy, SessionRecord& record, net::Stream& client, const Aim& aim,
          std::unique_ptr<session::Joint> joint, Provide provide, OnJoined on_joined, OnEnd on_end);
  ~Joining();
  Joining(const Joining&) = delete;
  Joining& operator=(const Joining&) = delete;

  /// Only the side that the loop called for is read: asking the other costs as much as a message, and hears nothing.
  void pump(bool client_readable, bool device_readable);
  /// Ends it in its protocol's words.
  void end(const Error& why);
  /// The answer of a Provide. Empty: the device is there. on_joined() has no stream of it then.
  void provided(const std::optional<session::DeviceFailure>& failure);
  bool has_device() const { return device_.stream != nullptr; }

 private:
  enum class State { Join, Flush, Over };

  bool pump_client(bool readable);
  bool pump_device(bool readable);
  bool write_client();
  void write_device();
  void handle_events();
  void handle(session::NeedDevice& need);
  void handle(session::ClientKnown& who);
  void handle(session::HandOff& hand_off);
  void handle(session::End& end);
  void device_done(std::variant<device::Opened, device::Failure> outcome);
  void judge_login(bool accepted);
  void joined();
  void failed(const Error& why);
  void gone(const Error& why);
  void finish(std::optional<LastWords> words);
  void arm();
  void on_timer();

  Shard& shard_;
  const Policy& policy_;
  SessionRecord& record_;
  net::Stream& client_;
  const Aim aim_;
  std::unique_ptr<session::Joint> joint_;
  Provide provide_;
  OnJoined on_joined_;
  OnEnd on_end_;
  State state_ = State::Join;
  std::string login_;  // of the client's own credentials, owed a judgement; empty: none
  std::unique_ptr<device::Opening> opening_;
  device::Opened device_;
  std::optional<session::HandOff> hand_off_;
  net::Timer timer_;
};

}  // namespace amtgate::gateway
