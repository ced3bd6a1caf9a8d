// The SCSI (ATAPI) commands that a CD, DVD or floppy drive understands. Pure: a CDB goes in, what to answer comes
// out; the blocks themselves are moved by the caller, piece by piece.
//
// Source: MeshCommander's and amtider's command tables, corrected where they break the standards: real sense data
// (Mesh answers GOOD by an inverted flag), READ(12), ranges checked, allocation lengths honoured, the TOC's lead-out
// at the end of the image. What they do not have is from MMC-5 (CD, DVD), SBC-3 and SFF-8070i (floppy).
//
// An empty drive answers what a real one does: tables about itself, 2/3A/00 to everything about a medium. Linux takes
// a drive that says "ready" and then fails READ CAPACITY for a medium that spins up, and asks for minutes.
#pragma once

#include <variant>

#include "amtgate/ider/block_source.h"
#include "amtgate/ider/messages.h"

namespace amtgate::ider {

namespace sense {
inline constexpr Sense kNone{};
inline constexpr Sense kNoMedium{2, 0x3a, 0};
inline constexpr Sense kWriteError{3, 0x0c, 0};
inline constexpr Sense kReadError{3, 0x11, 0};
inline constexpr Sense kUnknownCommand{5, 0x20, 0};
inline constexpr Sense kOutOfRange{5, 0x21, 0};
inline constexpr Sense kBadField{5, 0x24, 0};
inline constexpr Sense kWrongMedium{5, 0x30, 0x02};
inline constexpr Sense kRemovalPrevented{5, 0x53, 0x02};
inline constexpr Sense kMediumChanged{6, 0x28, 0};
inline constexpr Sense kWriteProtected{7, 0x27, 0};
inline constexpr Sense kDataPhase{0x0b, 0x4b, 0};
inline constexpr Sense kMiscompare{0x0e, 0x1d, 0};
}  // namespace sense

/// More blocks than the longest CD has (80 minutes) make a DVD.
inline constexpr std::uint32_t kMaxCdBlocks = 80 * 60 * 75;

/// One drive of the two.
class ScsiDrive {
 public:
  /// The command is done: good, or CHECK CONDITION with sense data.
  struct Done {
    Sense sense;
  };
  /// Answer with these bytes (already cut to the allocation length, never empty).
  struct Reply {
    Buffer bytes;
  };
  /// Answer with these blocks; the range was checked and is not empty.
  struct Blocks {
    Lba first;
    SectorCount count;
  };
  /// Ask the host for these blocks and write them; checked like Blocks. `verify`: and read them again.
  struct Store {
    Lba first;
    SectorCount count;
    bool verify;
  };
  using Outcome = std::variant<Done, Reply, Blocks, Store>;

  /// `medium` may be null: the drive is empty. It must outlive this, or be replaced before it goes.
  ScsiDrive(Drive drive, BlockSource* medium) : drive_(drive), medium_(medium) {}

  /// Every 12-byte CDB has an outcome; unknown ones are 5/20/00. Remembers the sense data for REQUEST SENSE.
  /// SYNCHRONIZE CACHE flushes the medium here.
  Outcome execute(const std::array<std::uint8_t, 12>& cdb);
  /// A transfer of blocks failed on the way.
  void failed(Sense sense) { last_ = sense; }
  /// Null ejects. The host is told once, whatever it asks next of the medium: 6/28/00.
  void insert(BlockSource* medium);
  /// After a reset the host must notice the medium again, and may take it out.
  void reset();

  /// What is in the drive; null after the host has ejected it.
  BlockSource* medium() const { return ejected_ ? nullptr : medium_; }
  /// The host took the medium out (START STOP UNIT), and has not loaded it again.
  bool ejected() const { return ejected_; }
  Drive drive() const { return drive_; }

 private:
  using Cdb = std::array<std::uint8_t, 12>;
  /// What the host still has to hear of the medium: nothing, at its next TEST UNIT READY, at its next command.
  enum class News { None, WhenAsked, First };
  Outcome dispatch(const Cdb& cdb);
  Outcome without_medium(const Cdb& cdb);
  Outcome with_medium(const Cdb& cdb);
  Outcome blocks_of(const Cdb& cdb, std::uint32_t first, std::uint32_t count);
  Outcome start_stop(const Cdb& cdb);
  Outcome inquiry(const Cdb& cdb) const;
  Outcome request_sense(const Cdb& cdb);
  Outcome event_status(const Cdb& cdb);

  Drive drive_;
  BlockSource* medium_;
  bool ejected_ = false;
  bool locked_ = false;          // PREVENT MEDIUM REMOVAL
  News news_ = News::WhenAsked;  // the unit attention
  bool new_medium_ = true;       // the media event
  Sense last_;
};

}  // namespace amtgate::ider
