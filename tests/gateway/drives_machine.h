// DrivesMachine: a machine at port 16994 of an address, whose AMT lends its two drives to one client at a time, with
// a password. What the machine does with them the test says.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "amtgate/auth/credentials.h"
#include "amtgate/auth/random.h"
#include "amtgate/ider/host_role.h"
#include "amtgate/net/listen.h"
#include "amtgate/net/stream.h"
#include "amtgate/redir/server_role.h"
#include "amtgate/sys/clock.h"
#include "tests/support/digest_login.h"

namespace amtgate::gateway::test {

/// How a machine answers who wants its drives.
struct DrivesManners {
  bool hangs_up = false;  // on whoever connects
  bool busy = false;      // somebody else has the drives
  redir::StartStatus start = redir::StartStatus::Success;
  bool enables = true;  // the drives, when it is told to
};

/// One connection: the login, then the drives.
class DrivesSession {
 public:
  DrivesSession(net::Loop& loop, sys::UniqueFd fd, const auth::CredentialStore& store, const DrivesManners& manners)
      : loop_(loop),
        stream_(loop, std::move(fd)),
        login_(amtgate::test::digest_login(store), random_, loop.now()),
        manners_(manners),
        drives_(drives_options(manners), loop.now()) {
    stream_.on_ready([this](net::Ready) { pump(); });
    stream_.want(true, false);
  }

  /// What came to pass, in words: "login enabled reset-answered close-requested ended closed"; "reset" when the
  /// client did not close in order.
  const std::string& story() const { return story_; }
  /// Of the last time that the drives were switched on: ider::Features, value.
  std::uint32_t features() const { return features_; }
  bool live() const { return logged_in_ && !over_ && !given_back_; }
  bool has_drives() const { return live() && drives_.enabled(); }

  /// The machine reads; `done()` has it when it came.
  std::uint64_t submit(ider::Drive drive, const ider::Cdb& cdb, std::size_t limit) {
    const std::optional<std::uint64_t> id = drives_.submit(drive, cdb, limit, loop_.now());
    EXPECT_TRUE(id) << "the machine has no drives";
    flush();
    return id.value_or(0);
  }
  const ider::HostRole::CommandDone* done(std::uint64_t id) const {
    const auto found = done_.find(id);
    return found == done_.end() ? nullptr : &found->second;
  }
  void reset_bus() {
    drives_.reset(1, loop_.now());
    take_events();
    flush();
  }
  /// Takes the drives away, in order.
  void end() {
    drives_.close(loop_.now());
    take_events();
    flush();
    over_ = true;
    stream_.close_write();
  }
  /// As by a machine that loses its power.
  void cut() {
    if (over_) return;
    over_ = true;
    stream_.reset();
  }

 private:
  /// Without a limit of time: the test machine may be slow.
  static ider::HostRole::Options drives_options(const DrivesManners& manners) {
    ider::HostRole::Options o;
    o.check_sequence = true;
    o.features_value = manners.enables ? 1 : 0;
    o.rx_timeout = o.heartbeat = o.open_timeout = o.command_timeout = milliseconds(0);
    return o;
  }

  void note(const char* word) { story_ += (story_.empty() ? "" : " ") + std::string(word); }

  void pump() {
    std::array<std::uint8_t, 64 * 1024> buffer;
    const net::IoResult got = stream_.read(buffer);
    if (got.status == net::Io::Closed || got.status == net::Io::Failed) {
      note(got.status == net::Io::Closed ? "closed" : "reset");
      over_ = true;
      stream_.close_write();
      return stream_.want(false, false);
    }
    if (got.status == net::Io::Ok && !over_) take(Bytes(buffer).first(got.bytes));
    flush();
  }

  void take(Bytes in) {
    if (logged_in_) {
      const Result<void> taken = drives_.receive(in, loop_.now());
      EXPECT_TRUE(taken) << taken.error().detail;
      return take_events();
    }
    (void)login_.receive(in, loop_.now());
    while (auto event = login_.next_event()) {
      if (auto* start = std::get_if<redir::ServerRole::Start>(&*event)) {
        EXPECT_EQ(start->service, Service::Ider);
        if (manners_.busy || manners_.start != redir::StartStatus::Success) {
          login_.reject(manners_.busy ? redir::StartStatus::Busy : manners_.start);
        } else {
          (void)login_.accept(loop_.now());
        }
      } else if (std::holds_alternative<redir::ServerRole::AuthFailed>(*event)) {
        note("refused");
      } else if (std::holds_alternative<redir::ServerRole::HandOff>(*event)) {
        note("login");
        logged_in_ = true;
        const Buffer rest = login_.take_rest();
        flush();
        if (!rest.empty()) take(rest);
        return;
      }
    }
  }

  void take_events() {
    while (auto event = drives_.next_event()) {
      if (auto* set = std::get_if<ider::HostRole::FeaturesSet>(&*event)) {
        features_ = set->value;
        note(set->enabled ? "enabled" : "not-enabled");
      } else if (auto* command = std::get_if<ider::HostRole::CommandDone>(&*event)) {
        const std::uint64_t id = command->id;
        done_.insert_or_assign(id, std::move(*command));
      } else if (std::holds_alternative<ider::HostRole::ResetAnswered>(*event)) {
        note("reset-answered");
      } else if (std::holds_alternative<ider::HostRole::CloseRequested>(*event)) {
        note("close-requested");
        given_back_ = true;  // for the next client, before this one has hung up
      } else if (std::holds_alternative<ider::HostRole::Ended>(*event)) {
        note("ended");
      }
    }
  }

  void flush() {
    const auto write = [this](auto& role) {
      while (!role.output().empty()) {
        const net::IoResult put = stream_.write(role.output());
        if (put.status != net::Io::Ok) break;
        role.sent(put.bytes);
      }
    };
    write(login_);
    if (logged_in_) write(drives_);
    if (!over_) stream_.want(true, !login_.output().empty() || !drives_.output().empty());
  }

  net::Loop& loop_;
  auth::SystemRandom random_;
  net::Stream stream_;
  redir::ServerRole login_;
  DrivesManners manners_;
  ider::HostRole drives_;
  bool logged_in_ = false;
  bool given_back_ = false;
  bool over_ = false;
  std::uint32_t features_ = 0;
  std::string story_;
  std::map<std::uint64_t, ider::HostRole::CommandDone> done_;
};

class DrivesMachine {
 public:
  DrivesMachine(net::Loop& loop, const IpAddress& address, auth::Credentials account)
      : loop_(loop), address_(address), store_(std::move(account)) {}

  /// Of the connections that come from now on.
  DrivesManners manners;

  void switch_on() {
    net::ListenOptions options;
    options.at = {address_, Port{16994}};
    Result<sys::UniqueFd> fd = net::open_listener(options);
    ASSERT_TRUE(fd) << fd.error().detail;
    door_ = std::make_unique<net::Listener>(loop_, std::move(*fd), net::Destination::Socket, [this](net::Accepted a) {
      asked_.push_back(sys::now());
      if (manners.hangs_up) return;
      DrivesManners now = manners;
      now.busy |= std::ranges::any_of(sessions_, [](const auto& s) { return s->live(); });
      sessions_.push_back(std::make_unique<DrivesSession>(loop_, std::move(a.fd), store_, now));
    });
  }
  /// Without a word to anybody.
  void switch_off() {
    door_.reset();
    for (const auto& s : sessions_) s->cut();
  }

  /// When somebody connected, each time.
  const std::vector<TimePoint>& asked() const { return asked_; }
  /// Those that were not hung up on.
  const std::vector<std::unique_ptr<DrivesSession>>& sessions() const { return sessions_; }
  /// The session that has the drives; null: none has.
  DrivesSession* session() const {
    const auto found = std::ranges::find_if(sessions_, [](const auto& s) { return s->has_drives(); });
    return found == sessions_.end() ? nullptr : found->get();
  }

 private:
  net::Loop& loop_;
  IpAddress address_;
  auth::SingleUser store_;
  std::unique_ptr<net::Listener> door_;
  std::vector<TimePoint> asked_;
  std::vector<std::unique_ptr<DrivesSession>> sessions_;
};

}  // namespace amtgate::gateway::test
