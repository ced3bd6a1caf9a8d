// The SCSI (ATAPI) commands that a read-only CD or floppy drive understands. Pure: a CDB goes in, what to answer
// comes out; the blocks themselves are read by the caller, piece by piece.
//
// Source: MeshCommander's and amtider's command tables, corrected where they break the standards: real sense data
// (Mesh answers GOOD by an inverted flag), READ(12), ranges checked, allocation lengths honoured, the TOC's lead-out
// at the end of the image.
#pragma once

#include <variant>

#include "amtgate/ider/block_source.h"
#include "amtgate/ider/messages.h"

namespace amtgate::ider {

namespace sense {
inline constexpr Sense kNone{};
inline constexpr Sense kNoMedium{2, 0x3a, 0};
inline constexpr Sense kReadError{3, 0x11, 0};
inline constexpr Sense kUnknownCommand{5, 0x20, 0};
inline constexpr Sense kOutOfRange{5, 0x21, 0};
inline constexpr Sense kBadField{5, 0x24, 0};
inline constexpr Sense kMediumChanged{6, 0x28, 0};
inline constexpr Sense kWriteProtected{7, 0x27, 0};
}  // namespace sense

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
  using Outcome = std::variant<Done, Reply, Blocks>;

  /// `medium` may be null: the drive is empty. It must outlive this, or be replaced before it goes.
  ScsiDrive(Drive drive, BlockSource* medium) : drive_(drive), medium_(medium) {}

  /// Every 12-byte CDB has an outcome; unknown ones are 5/20/00. Remembers the sense data for REQUEST SENSE.
  Outcome execute(const std::array<std::uint8_t, 12>& cdb);
  /// A read of the blocks failed on the way.
  void failed(Sense sense) { last_ = sense; }
  /// Null ejects. The host is told once: 6/28/00.
  void insert(BlockSource* medium);
  /// After a reset the host must notice the medium again.
  void reset();

  BlockSource* medium() const { return medium_; }
  Drive drive() const { return drive_; }

 private:
  using Cdb = std::array<std::uint8_t, 12>;
  Outcome dispatch(const Cdb& cdb);
  Outcome read_blocks(std::uint32_t first, std::uint32_t count);
  Outcome inquiry(const Cdb& cdb) const;
  Outcome request_sense(const Cdb& cdb);
  Outcome read_toc(const Cdb& cdb) const;
  Outcome get_configuration(const Cdb& cdb) const;
  Outcome event_status(const Cdb& cdb);
  Outcome disc_information(const Cdb& cdb) const;
  Outcome mode_sense_6(const Cdb& cdb) const;
  Outcome mode_sense_10(const Cdb& cdb) const;

  Drive drive_;
  BlockSource* medium_;
  bool changed_ = true;     // TEST UNIT READY still owes a unit attention
  bool new_medium_ = true;  // likewise the media event
  Sense last_;
};

}  // namespace amtgate::ider
