// ClientRole: the image server of an IDE-R session: opens it, and answers the host's commands from a CD and a floppy
// image. Begins at the hand-over of the redirection session; its first bytes are redir::ClientRole::take_rest().
//
// Memory: one data block (the device's read buffer, at most 65535 bytes) waits in output(), or with Options::gather
// kAhead bytes of them; the next is read from the image when that was sent. What prepare() reads ahead lies in the
// same memory while nothing waits there. Up to kMaxQueued commands wait meanwhile. A write has one block of the
// device's write buffer in hand.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <variant>

#include "amtgate/base/machine.h"
#include "amtgate/ider/batch_outbox.h"
#include "amtgate/ider/block_source.h"
#include "amtgate/ider/messages.h"
#include "amtgate/ider/scsi.h"
#include "amtgate/redir/framing.h"

namespace amtgate::ider {

/// Real devices send one command at a time; Mesh clients queue, so some may not.
inline constexpr std::size_t kMaxQueued = 32;
/// A device that takes less in one data block cannot get a CD's blocks whole; none is known.
inline constexpr std::uint16_t kMinReadBuffer = 2048;
/// With Options::gather no more blocks are read from an image while so many bytes wait to be sent: those of a READ of
/// 64 KiB leave together.
inline constexpr std::size_t kAhead = 64 * 1024;
/// READs that follow each other, from which on prepare() takes the next one for known.
inline constexpr unsigned kSequence = 2;
/// What prepare() has read is good for so long: a machine that has paused gets what the image holds by then.
inline constexpr Duration kPreparedFor = milliseconds(250);

/// Messages of data that are read from an image at once.
inline constexpr std::size_t kMaxGathered = 16;

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
    bool gather = false;  // output() is all that waits, else the first message of it (a write, a TLS record for each)
    milliseconds answer_timeout{10000};  // for 0x41, and for 0x49
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
  /// An image could not be read or written, and the host heard so. Once for each drive until insert().
  struct MediumFailed {
    Drive drive;
    Error error;
  };
  /// The host has ejected a medium, or loaded it again.
  struct Tray {
    Drive drive;
    bool out;
  };
  /// The session is over: flush and close.
  struct Ended {};
  using Event = std::variant<Opened, Enabled, HostReset, DeviceReported, MediumFailed, Tray, Ended>;

  struct Stats {
    std::uint64_t commands = 0;
    std::uint64_t checks = 0;         // of them, ended with CHECK CONDITION
    std::uint64_t data_bytes = 0;     // in 0x54 messages
    std::uint64_t written_bytes = 0;  // of blocks that were written to an image
    Drive at = Drive::Cd;             // where the last block was moved
    Lba lba;
  };

  /// 0x40 is in output() at once.
  ClientRole(Options options, TimePoint now);

  /// Errors: Refused (status of 0x41), Unsupported (unknown message, protocol or buffer size), BadValue (sequence,
  /// order), TooLarge (more than kMaxQueued commands, pings whose answers are not read, more data than was asked
  /// for).
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  Bytes output() const { return options_.gather ? out_.all() : out_.first(); }
  /// With Options::gather: what may be written at once in pieces (TLS records) of `message` bytes, each a message.
  Bytes output_run(std::size_t& message) const { return out_.run(message); }
  /// Reads the next blocks from the image when there is room for them.
  void sent(std::size_t n);
  std::optional<TimePoint> deadline() const;
  /// Errors: Timeout.
  Result<void> tick(TimePoint now);

  /// Nothing is to be done before the device speaks again: reads what it will ask for if it goes on reading in
  /// sequence, so that the image is read while it digests the last answer. With Options::gather only.
  void prepare(TimePoint now);

  /// A source that had said Later may have the blocks now: goes on with the read that waits, if one does.
  void resume() { work(); }
  /// Changes the medium of a drive; null ejects. A read or write that is under way ends with "no medium".
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
  /// A WRITE whose blocks come from the host.
  struct Intake {
    Drive drive;
    bool verify;
    Lba next;
    std::uint32_t left;       // blocks
    std::uint32_t asked = 0;  // bytes that the device still owes us
    Buffer held{};            // a part of a block
  };

  /// Where the messages of a read go, and what of them the blocks are.
  struct Layout {
    std::array<MutableBytes, kMaxGathered> pieces;
    std::size_t messages = 0;
    std::uint32_t blocks = 0;
    MutableBytes room{};
  };
  /// The READ that came last.
  struct LastRead {
    Drive drive;
    Lba next;  // behind it
    std::uint32_t count;
    unsigned run;  // READs in sequence, this one too
  };
  /// What prepare() has read: the beginning of that READ, in the room of out_.
  struct Prepared {
    Drive drive;
    Lba first;
    std::uint32_t count;
    TimePoint at;
  };

  void work();
  void note_read(Drive d, Lba first, std::uint32_t count);
  Layout lay_out(std::uint32_t block_size, std::uint32_t left, bool alone);
  bool take_prepared(const Transfer& t, BlockSource& medium);
  bool room() const { return options_.gather ? out_.size() < kAhead : out_.empty(); }
  void execute(const Command& c);
  bool send_block(bool alone = false);
  void ask_for_data();
  Result<void> take_data(Bytes bytes, TimePoint now);
  Result<void> store(Bytes blocks);
  void end_intake(Sense sense);
  void abandon();
  void medium_failed(Drive d, const Error& error);
  void send_reply(const Command& c, Bytes bytes);
  void send_end(Drive d, Sense sense);
  void push(ClientMessage m);
  void finish();

  Options options_;
  State state_ = State::Opening;
  ScsiDrive cd_;
  ScsiDrive floppy_;
  redir::MessageCutter cutter_{Service::Ider, redir::Direction::FromDevice};
  BatchOutbox out_;
  Buffer scratch_;  // a message while it is made
  std::deque<Event> events_;
  std::deque<Command> queue_;
  std::optional<Transfer> transfer_;
  std::optional<LastRead> last_read_;
  std::optional<Prepared> prepared_;
  std::optional<Intake> intake_;
  bool told_cd_ = false, told_floppy_ = false;  // MediumFailed
  std::uint16_t read_buffer_ = kMinReadBuffer;
  std::uint16_t write_buffer_ = kMinReadBuffer;
  std::uint32_t sequence_ = 0;         // of our next message
  std::uint32_t device_sequence_ = 0;  // of the device's next
  Stats stats_;
  std::optional<TimePoint> answer_by_;
  std::optional<TimePoint> heartbeat_at_;
  std::optional<TimePoint> patience_until_;
  std::optional<TimePoint> data_by_;  // of an intake
  TimePoint now_;                     // as last heard
};

static_assert(Machine<ClientRole>);

}  // namespace amtgate::ider
