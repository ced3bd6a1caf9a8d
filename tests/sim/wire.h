// A simulated machine's connection joined in memory to whatever a test plays as its client, with a clock moved by
// hand.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "amtgate/redir/client_role.h"
#include "amtgate/sim/connection.h"

namespace amtgate::sim::test {

/// Repeats itself from run to run.
class FixedRandom final : public auth::RandomSource {
 public:
  void fill(MutableBytes out) override {
    for (std::uint8_t& b : out) b = static_cast<std::uint8_t>(state_ = state_ * 1103515245U + 12345U, state_ >> 16);
  }

 private:
  std::uint32_t state_ = 1;
};

inline Options options_of(std::string_view profile) {
  Options o;
  o.profile = *find_profile(profile);
  o.profile.methods = {4};
  return o;
}

/// The machine and one connection of it, seen from the client's end of the wire.
struct Wire {
  Wire(MachineState& m, Door door, TimePoint& clock) : connection(m, door, clock), now(clock) { collect(); }

  /// Takes everything that goes out within `patience`, moving the clock over gaps and timers.
  void collect(Duration patience = seconds(1)) {
    const TimePoint end = now + patience;
    for (int guard = 0; guard < 1'000'000; ++guard) {
      while (std::optional<Connection::Event> e = connection.next_event()) {
        if (const auto* log = std::get_if<Connection::Log>(&*e)) logs.push_back(log->fields);
        if (const auto* c = std::get_if<Connection::Close>(&*e)) close = *c;
        if (std::holds_alternative<Connection::Reboot>(*e)) rebooted = true;
      }
      const Bytes out = connection.output();
      if (!out.empty()) {
        units.emplace_back(out.begin(), out.end());
        received.insert(received.end(), out.begin(), out.end());
        connection.sent(out.size());
        connection.produce(now);
        if (received.size() >= enough) return;
        continue;
      }
      const std::optional<TimePoint> deadline = connection.deadline();
      if (!deadline || *deadline > end) return;
      now = std::max(now, *deadline);
      EXPECT_TRUE(connection.tick(now));
    }
    ADD_FAILURE() << "the connection never comes to rest";
  }
  void send(Bytes in) {
    EXPECT_TRUE(connection.receive(in, now));
    collect();
  }
  Buffer take() { return std::exchange(received, {}); }
  bool logged(std::string_view part) const {
    for (const std::string& l : logs) {
      if (l.find(part) != std::string::npos) return true;
    }
    return false;
  }

  Connection connection;
  TimePoint& now;
  Buffer received;
  std::size_t enough = 64 * 1024 * 1024;
  std::vector<Buffer> units;
  std::vector<std::string> logs;
  std::optional<Connection::Close> close;
  bool rebooted = false;
};

/// What a client role came to.
struct Opening {
  bool open = false;
  std::optional<redir::ClientRole::Failed> failed;
  Buffer rest;
};

/// Runs a client role against the wire to its end.
inline Opening open_session(Wire& wire, redir::ClientRole::Options options, auth::RandomSource& random) {
  redir::ClientRole role(std::move(options), random, wire.now);
  Opening out;
  for (int guard = 0; guard < 1000; ++guard) {
    bool moved = false;
    while (!role.output().empty()) {
      const Bytes bytes = role.output();
      const Buffer copy(bytes.begin(), bytes.end());
      role.sent(copy.size());
      wire.send(copy);
      moved = true;
    }
    wire.collect(seconds(0));
    if (!wire.received.empty()) {
      EXPECT_TRUE(role.receive(wire.take(), wire.now));
      moved = true;
    } else if (wire.close) {
      role.closed();
      moved = true;
    }
    while (std::optional<redir::ClientRole::Event> e = role.next_event()) {
      if (std::holds_alternative<redir::ClientRole::Open>(*e)) out.open = true;
      if (const auto* failed = std::get_if<redir::ClientRole::Failed>(&*e)) out.failed = *failed;
    }
    if (out.open || out.failed) break;
    if (!moved) {  // a stall: only time goes on
      if (!role.deadline()) break;
      wire.now = std::max(wire.now, *role.deadline());
      EXPECT_TRUE(role.tick(wire.now));
    }
  }
  out.rest = role.take_rest();
  return out;
}

inline redir::ClientRole::Options client_of(const MachineState& machine, Service service) {
  redir::ClientRole::Options o;
  o.service = service;
  o.credentials = {machine.options().user, machine.options().password};
  return o;
}

}  // namespace amtgate::sim::test
