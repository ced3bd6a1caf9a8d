// ClientRole: the image server of an IDE-R session: opens it, and answers the host's commands from a CD and a floppy
// image. Begins at the hand-over of the redirection session; its first bytes are redir::ClientRole::take_rest().
//
// Memory: one data block (the device's read buffer, at most 65535 bytes) waits in output(); the next is read from the
// image when that one was sent. Up to kMaxQueued commands wait meanwhile.
#pragma once

#include <deque>
#include <optional>
#include <variant>

#include "amtgate/base/machine.h"
#include "amtgate/ider/block_source.h"
#include "amtgate/ider/messages.h"
#include "amtgate/ider/scsi.h"
#include "amtgate/redir/framing.h"
#include "amtgate/redir/message_outbox.h"

namespace amtgate::ider {

/// Real devices send one command at a time; Mesh clients queue, so some may not.
inline constexpr std::size_t kMaxQueued = 32;
/// A device that takes less in one data block cannot get a CD's blocks whole; none is known.
inline constexpr std::uint16_t kMinReadBuffer = 2048;

class ClientRole {
 public:
  enum class StartMode : std::uint8_t { NextReboot = 0x08, Graceful = 0x10, Now = 0x18 };
  struct Options {
    BlockSource* cd = nullptr;  // either may be missing; each must outlive the role
    BlockSource* floppy = nullptr;
    StartMode start = StartMode::Now;
    Open open = {};                       // the time-outs that are asked for
    milliseconds heartbeat_every{15000};  // our own 0x4B, half the RX time-out; zero: none
    bool check_sequence = true;           // of the device's messages
    milliseconds answer_timeout{10000};   // for 0x41, and for 0x49
    milliseconds patience{60000};    // without a byte from the device, which sends 0x4B every 20 s; zero: for ever
    milliseconds end_timeout{2000};  // for the reply to end()
  };

  /// 0x41: the device's versions and the largest block it takes.
  struct Opened {
    std::uint8_t firmware_major, firmware_minor;
    std::uint16_t read_buffer;
  };
  /// 0x49: the drives are there (or will be after the next boot). `accepted` false: the device said something else
  /// than "done".
  struct Enabled {
    bool accepted;
  };
  /// 0x46, answered: the host resets its bus, usually because it boots.
  struct HostReset {};
  /// 0x4A
  struct DeviceReported {
    std::uint8_t code;
  };
  /// The session is over: flush and close.
  struct Ended {};
  using Event = std::variant<Opened, Enabled, HostReset, DeviceReported, Ended>;

  struct Stats {
    std::uint64_t commands = 0;
    std::uint64_t checks = 0;      // of them, ended with CHECK CONDITION
    std::uint64_t data_bytes = 0;  // in 0x54 messages
  };

  /// 0x40 is in output() at once.
  ClientRole(Options options, TimePoint now);

  /// Errors: Refused (status of 0x41), Unsupported (unknown message, protocol or buffer size), BadValue (sequence,
  /// order), TooLarge (more than kMaxQueued commands, or pings whose answers are not read).
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  Bytes output() const { return out_.view(); }
  /// Reads the next block from the image when everything was sent.
  void sent(std::size_t n);
  std::optional<TimePoint> deadline() const;
  /// Errors: Timeout.
  Result<void> tick(TimePoint now);

  /// A source that had said Later may have the blocks now: goes on with the read that waits, if one does.
  void resume() { work(); }
  /// Changes the medium of a drive; null ejects. A read that is under way from the old one ends with "no medium".
  void insert(Drive drive, BlockSource* medium);
  /// Takes the drives away from the host (0x42). Ended follows on the reply or after end_timeout.
  void end(TimePoint now);

  const Stats& stats() const { return stats_; }

 private:
  enum class State { Opening, Enabling, Running, Ending, Over };
  /// A READ that is being answered.
  struct Transfer {
    Drive drive;
    bool dma;
    Lba next;
    std::uint32_t left;  // blocks
  };

  Result<void> handle(const DeviceMessage& m, TimePoint now);
  Result<void> opened(const OpenReply& m, TimePoint now);
  ScsiDrive& drive(Drive d) { return d == Drive::Cd ? cd_ : floppy_; }
  void work();
  void execute(const Command& c);
  bool send_block();
  void send_reply(const Command& c, Bytes bytes);
  void send_end(Drive d, Sense sense);
  void push(ClientMessage m);
  void finish();

  Options options_;
  State state_ = State::Opening;
  ScsiDrive cd_;
  ScsiDrive floppy_;
  redir::MessageCutter cutter_{Service::Ider, redir::Direction::FromDevice};
  redir::MessageOutbox out_;
  std::deque<Event> events_;
  std::deque<Command> queue_;
  std::optional<Transfer> transfer_;
  std::uint16_t read_buffer_ = kMinReadBuffer;
  std::uint32_t sequence_ = 0;         // of our next message
  std::uint32_t device_sequence_ = 0;  // of the device's next
  Stats stats_;
  std::optional<TimePoint> answer_by_;
  std::optional<TimePoint> heartbeat_at_;
  std::optional<TimePoint> patience_until_;
};

static_assert(Machine<ClientRole>);

}  // namespace amtgate::ider
