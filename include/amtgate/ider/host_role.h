// HostRole: the device's side of an IDE-R session, for the simulator: it opens, and sends the commands that its owner
// submits, one at a time, as a BIOS or a kernel behind AMT would.
#pragma once

#include <deque>
#include <optional>
#include <variant>

#include "amtgate/base/machine.h"
#include "amtgate/ider/messages.h"
#include "amtgate/redir/framing.h"
#include "amtgate/redir/message_outbox.h"

namespace amtgate::ider {

using Cdb = std::array<std::uint8_t, 12>;

/// submit() takes no more commands than this ahead.
inline constexpr std::size_t kMaxSubmitted = 256;

class HostRole {
 public:
  struct Options {
    OpenReply open = {};                                    // 8192/8192, protocol 0: what stock clients take
    std::uint32_t features_value = 1;                       // of the 0x49 that answers "set state"; 1 = done
    bool dma = true;                                        // feature bit 0 of every command
    bool check_sequence = false;                            // of the client: amtider's cannot pass
    std::optional<milliseconds> rx_timeout = std::nullopt;  // instead of what the client asks; zero: none
    std::optional<milliseconds> heartbeat = std::nullopt;   // likewise
    milliseconds open_timeout{15000};                       // for 0x40; zero: none
    milliseconds command_timeout{30000};                    // for the answer to a command; zero: none
  };

  struct Opened {
    Open asked;
  };
  /// 0x48 "set state": with Features::kEnable the owner may begin to submit.
  struct FeaturesSet {
    std::uint32_t value;
    bool enabled;
  };
  enum class Status { Good, Check, Aborted };  // Aborted: by reset() or the end of the session
  struct CommandDone {
    std::uint64_t id;
    Drive drive;
    Cdb cdb;
    Status status;
    Sense sense;  // with Check
    Buffer data;  // from 0x54, in order
    Duration took;
  };
  struct ResetAnswered {};
  /// 0x45, or amtider's echo, after ping().
  struct PingAnswered {};
  /// 0x42, answered with 0x43.
  struct CloseRequested {};
  /// 0x12: flush and close.
  struct Ended {};
  using Event = std::variant<Opened, FeaturesSet, CommandDone, ResetAnswered, PingAnswered, CloseRequested, Ended>;

  HostRole(Options options, TimePoint now);

  /// Errors: Unsupported (unknown message), BadValue (order, sequence where checked, data without a command),
  /// TooLarge (more data than the command allows, pings whose answers are not read).
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  /// One message at a time: an edge makes each a write of its own.
  Bytes output() const { return out_.view(); }
  void sent(std::size_t n) { out_.sent(n); }
  std::optional<TimePoint> deadline() const;
  /// Errors: Timeout (no 0x40; silence of the client for its RX time-out; a command without an answer).
  Result<void> tick(TimePoint now);

  /// Queues a command; it is sent when those before it are done. `limit`: more bytes than that in answer are an
  /// error. `write`: what the host has for the client when it asks with 0x52. Returns the id that CommandDone will
  /// have, or nothing when the session is not enabled or kMaxSubmitted commands wait.
  std::optional<std::uint64_t> submit(Drive drive, const Cdb& cdb, std::size_t limit, TimePoint now,
                                      Buffer write = {});
  /// 0x44.
  void ping();
  /// 0x46: aborts all commands; the next is sent after the client's 0x47.
  void reset(std::uint8_t mask, TimePoint now);
  /// 0x43 unasked: the device ends the session. Nothing is taken after it.
  void close(TimePoint now);

  /// Bytes that the command under way has moved.
  std::size_t moved() const { return current_ ? current_->data.size() + current_->written : 0; }
  bool enabled() const { return state_ == State::Open && enabled_; }
  /// Commands that are not done yet.
  std::size_t pending() const { return queue_.size() + (current_ ? 1U : 0U); }

 private:
  enum class State { Waiting, Open, Closing, Over };
  struct Job {
    std::uint64_t id;
    Drive drive;
    Cdb cdb;
    std::size_t limit;
    Buffer write;
    std::size_t written = 0;
    TimePoint issued{};
    Buffer data;
  };

  Result<void> handle(const ClientMessage& m, TimePoint now);
  Result<void> check_sequence(const ClientMessage& m);
  Result<void> open(const Open& m, TimePoint now);
  Result<void> features(const Features& m);
  Result<void> data(const DataToHost& m, TimePoint now);
  void done(Status status, Sense sense, TimePoint now);
  void abort_all(TimePoint now);
  void issue(TimePoint now);
  void push(DeviceMessage m);

  Options options_;
  State state_ = State::Waiting;
  bool enabled_ = false;
  bool resetting_ = false;
  unsigned pings_ = 0;  // without an answer yet
  redir::MessageCutter cutter_{Service::Ider, redir::Direction::FromClient};
  redir::MessageOutbox out_;
  std::deque<Event> events_;
  std::deque<Job> queue_;
  std::optional<Job> current_;
  std::uint64_t next_id_ = 1;
  std::uint32_t sequence_ = 0;
  std::uint32_t client_sequence_ = 0;
  milliseconds rx_timeout_{0};
  milliseconds heartbeat_{0};
  std::optional<TimePoint> heartbeat_at_;
  std::optional<TimePoint> silent_at_;
  std::optional<TimePoint> answer_by_;
};

static_assert(Machine<HostRole>);

}  // namespace amtgate::ider
