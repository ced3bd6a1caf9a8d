// SerialUser: how one user of a serial console speaks: raw bytes, telnet (telnet_user.h), or the messages of a stock
// serial-over-LAN client. Serial bytes on one side, what is on its wire on the other.
#pragma once

#include <memory>
#include <optional>

#include "amtgate/base/bytes.h"
#include "amtgate/base/machine.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/sol/server_role.h"

namespace amtgate::session {

class SerialUser {
 public:
  virtual ~SerialUser() = default;

  /// From its wire; what it types is appended to `typed`. Errors: Closed (it has ended in order), and what its
  /// protocol does not allow.
  virtual Result<void> receive(Bytes in, TimePoint now, Buffer& typed) = 0;
  /// Serial bytes for it; returns how many were taken. Fewer: it is asked again behind sent().
  virtual std::size_t send(Bytes serial, TimePoint now) = 0;
  /// The next unit for its wire: one write.
  virtual Bytes output() const = 0;
  virtual void sent(std::size_t n) = 0;
  virtual std::optional<TimePoint> deadline() const { return std::nullopt; }
  virtual Result<void> tick(TimePoint /*now*/) { return {}; }

  /// The machine's control lines and power state (sol::HostStatus); also whether it is there at all.
  virtual void host(std::uint8_t /*control*/, std::uint8_t /*status*/, TimePoint /*now*/) {}
  /// The session is ended from our side: its protocol's words for that go to output().
  virtual void end(TimePoint /*now*/) {}
  /// It asked for a break, which serial-over-LAN cannot pass on; once each.
  virtual bool take_break() { return false; }
};

/// Bytes as they are.
class RawUser final : public SerialUser {
 public:
  static constexpr std::size_t kMaxOutput = 64 * 1024;

  Result<void> receive(Bytes in, TimePoint, Buffer& typed) override {
    append(typed, in);
    return {};
  }
  std::size_t send(Bytes serial, TimePoint now) override;
  Bytes output() const override { return out_.view(); }
  void sent(std::size_t n) override { out_.sent(n); }

 private:
  Outbox out_;
};

/// A stock client (amtterm, MeshCommander) behind its login: a session that it has with the gateway alone.
class SolUser final : public SerialUser {
 public:
  /// `pause`: behind messages with which amtterm loses what follows (sol/server_role.h); zero on TLS.
  SolUser(milliseconds pause, TimePoint now);

  Result<void> receive(Bytes in, TimePoint now, Buffer& typed) override;
  std::size_t send(Bytes serial, TimePoint now) override { return role_.send(serial, now); }
  Bytes output() const override { return role_.output(); }
  void sent(std::size_t n) override { role_.sent(n); }
  std::optional<TimePoint> deadline() const override { return role_.deadline(); }
  Result<void> tick(TimePoint now) override { return role_.tick(now); }
  void host(std::uint8_t control, std::uint8_t status, TimePoint now) override;
  void end(TimePoint now) override { role_.end(now); }

 private:
  sol::ServerRole role_;
  std::uint8_t control_ = 0;
  std::uint8_t status_ = 0;
};

}  // namespace amtgate::session
