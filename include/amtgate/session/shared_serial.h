// SharedSerial: the serial console of one machine and all who use it: one wire to the device, one to each user.
//
//   user  <──> SerialUser ─┐                                                     ┌─ owner: reaches the device,
//   user  <──> SerialUser ─┼─ SerialAudience ── SharedSerial ── sol::ClientRole ─┤  moves the bytes
//   user  <──> SerialUser ─┘   OutputRing                                        └─
//
// AMT has one serial session. It is asked for when there is a user, or all the time (SerialOptions::always), and
// given up with the last one. All users see what the machine says. One of them types: the first one, and when it
// leaves the one that has been there longest; what the others type is dropped, and they are told.
//
// When the machine goes away (every reset) the users stay, with a line that says so, until it is back; each of them
// sees such lines where they belong in the output. What is typed meanwhile is dropped, as on a cable that is pulled.
//
// Nothing that is typed at a machine that is there is lost: while AMT does not take it its user is not read from
// (takes()). What the machine says is kept in a ring, of which each user has had a part. AMT is not read from
// (takes_device()) while the one who types would lose something, as it would be with a session of its own; where
// there are others, or a log, it has kStall for that and then loses like them: what the ring does not hold any more
// is counted, and a line says how much is missing.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "amtgate/base/bytes.h"
#include "amtgate/base/machine.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/session/absence.h"
#include "amtgate/session/joint.h"
#include "amtgate/session/serial_audience.h"
#include "amtgate/sol/client_role.h"

namespace amtgate::session {

struct SerialOptions {
  std::string name;         // the target's
  bool reconnect = true;    // users stay while the machine is away
  bool always = false;      // the session is wanted without a user
  bool logs = false;        // what comes is wanted by take_log()
  bool logs_typed = false;  // what goes by take_typed()
  std::size_t keep = 0;     // bytes that a new user is shown
  bool lines = true;        // lines of ours in the output
};

class SharedSerial {
 public:
  /// Open the device (Depth::Authenticated, Service::Sol), then device_opened() or device_failed().
  struct NeedDevice {};
  /// Close the device, or stop opening it.
  struct DropDevice {};
  /// Those who wait for the machine (reserve()) may join.
  struct Ready {};
  /// They may not.
  struct NotReady {
    DeviceFailure failure;
  };
  using UserEnded = SerialAudience::UserEnded;
  using WriterChanged = SerialAudience::WriterChanged;
  struct DeviceLost {
    Error error;
  };
  struct DeviceBack {
    Duration away;
  };
  using Event =
      std::variant<NeedDevice, DropDevice, Ready, NotReady, UserEnded, WriterChanged, DeviceLost, DeviceBack>;

  /// A device that says nothing for so long, not even the heartbeats that it was asked for, is gone.
  static constexpr Duration kPatience = seconds(20);
  static constexpr Duration kStall = SerialAudience::kStall;
  /// At most so much is taken from the device at once: receive_device().
  static constexpr std::size_t kMostRead = SerialAudience::kMostPut;
  /// The ring holds that much at least, whatever is shown to new users.
  static constexpr std::size_t kLeastRing = 4 * kMostRead;
  /// Behind the last user, for what it has typed to reach the device, and for the device to end the session.
  static constexpr Duration kLeave = seconds(20);
  /// Typed and not yet with the device.
  static constexpr std::size_t kMostTyped = 64 * 1024;

  explicit SharedSerial(SerialOptions options);
  SharedSerial(const SharedSerial&) = delete;
  SharedSerial& operator=(const SharedSerial&) = delete;

  /// New ones, at a reload. The session ends where nobody wants it any more.
  void configure(SerialOptions options, TimePoint now);

  // Users. `who` names it in sentences for the others.
  /// Somebody who wants to join, and is told by Ready or NotReady; the machine is asked for. release() when it is
  /// gone again, or has joined.
  void reserve(UserId id);
  void release(UserId id, TimePoint now);
  /// Whether add_user() is told to wait no longer: the machine is there, or its users are let in to its absence.
  bool ready() const;
  void add_user(UserId id, std::unique_ptr<SerialUser> user, const std::string& who, TimePoint now);
  void remove_user(UserId id, TimePoint now);
  /// Only while takes().
  void receive_user(UserId id, Bytes in, TimePoint now);
  bool takes(UserId id) const;
  Bytes user_output(UserId id) const;
  void user_sent(UserId id, std::size_t n, TimePoint now);
  /// In its protocol's words; UserEnded follows.
  void end_user(UserId id, const Error& error, TimePoint now);
  /// From now on this one types. Errors: BadValue (no such user).
  Result<void> give(UserId id, TimePoint now);
  std::optional<UserId> writer() const { return audience_.writer(); }
  std::size_t users() const { return audience_.size(); }
  /// Somebody wants to join.
  bool reserved() const { return !reserved_.empty(); }

  /// The machine is let go of before something is done to it that it refuses while a session is open. Users stay and
  /// are told `what` ("is being switched off"); it is not tried again before unpark(), or `until`.
  void park(const std::string& what, TimePoint until, TimePoint now);
  void unpark(TimePoint now);

  // The device.
  void device_opened(Bytes rest, TimePoint now);
  void device_failed(const DeviceFailure& failure, TimePoint now);
  /// At most kMostRead bytes, and only while takes_device().
  void receive_device(Bytes in, TimePoint now);
  void device_closed(const Error& error, TimePoint now);
  bool takes_device() const;
  Bytes device_output() const;
  void device_sent(std::size_t n, TimePoint now);

  /// What has come since the last call, for a log; with SerialOptions::logs.
  Buffer take_log() { return std::exchange(log_, {}); }

  /// The same of what was typed; with SerialOptions::logs_typed.
  Buffer take_typed() { return std::exchange(typed_log_, {}); }

  std::optional<Event> next_event();
  std::optional<TimePoint> deadline() const;
  void tick(TimePoint now);

  bool live() const { return device_ == Device::Live; }
  /// "open", "away", "connecting", "idle".
  const char* state() const;
  std::uint64_t rx_bytes() const { return typed_bytes_; }  // to the device, of the console's own
  std::uint64_t tx_bytes() const { return said_bytes_; }   // from it
  std::uint64_t lost_bytes() const { return audience_.lost_bytes(); }

 private:
  enum class Device { Absent, Opening, Starting, Live, Leaving, Away };
  bool wanted() const { return options_.always || !audience_.empty() || !reserved_.empty(); }
  void want_device();
  void leave_device(TimePoint now);
  void drop_device();
  void drain_role(TimePoint now);
  void lost(const Error& error, std::uint8_t status, TimePoint now);
  void say(const std::string& sentence, TimePoint now);
  void put(Bytes bytes, TimePoint now);
  void feed(TimePoint now);
  void type(Bytes typed, TimePoint now);
  void push_typed(TimePoint now);
  void tell_host(TimePoint now);
  void watch_stall(TimePoint now);

  SerialOptions options_;
  SerialAudience audience_;
  Buffer log_, typed_log_;
  std::set<UserId> reserved_;
  std::uint64_t opened_at_ = 0;  // in the ring: where the session began

  Device device_ = Device::Absent;
  std::optional<sol::ClientRole> role_;
  Outbox typed_;  // not yet taken by role_
  Absence absence_;
  std::optional<Error> told_;  // why it is away, as users were told last
  std::uint8_t control_ = 0, status_ = 0;
  std::optional<TimePoint> silent_at_;  // the device is gone then
  std::optional<TimePoint> leave_by_;   // nobody wants it any more
  std::uint64_t typed_bytes_ = 0, said_bytes_ = 0;
  std::deque<Event> events_;
};

}  // namespace amtgate::session
