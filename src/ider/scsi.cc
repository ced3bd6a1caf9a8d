#include "amtgate/ider/scsi.h"

#include <algorithm>
#include <array>
#include <optional>

#include "amtgate/base/writer.h"
#include "scsi_tables.h"

namespace amtgate::ider {
namespace {

constexpr std::uint8_t kMediaClass = 0x10;  // of GET EVENT STATUS NOTIFICATION

using Outcome = ScsiDrive::Outcome;

Outcome check(Sense s) {
  return ScsiDrive::Done{s};
}
Outcome good() {
  return ScsiDrive::Done{};
}

/// The reply cut to the allocation length; an allocation length of 0 is no error, and no data.
Outcome reply(std::optional<Buffer> bytes, std::size_t allocation) {
  if (!bytes) return check(sense::kBadField);
  bytes->resize(std::min(bytes->size(), allocation));
  if (bytes->empty()) return good();
  return ScsiDrive::Reply{std::move(*bytes)};
}

/// A text field of INQUIRY, padded with blanks.
void padded(Writer& w, std::string_view text, std::size_t width) {
  w.text(text.substr(0, width));
  for (std::size_t i = text.size(); i < width; ++i) w.u8(' ');
}

DriveFacts facts(Drive drive, const BlockSource* medium) {
  return {drive, medium ? medium->blocks().value : 0, medium && drive == Drive::Floppy && medium->writable()};
}

/// Those that have a meaning for a drive of this kind once there is a medium; without one they are 2/3A/00.
bool needs_medium(Drive drive, const std::array<std::uint8_t, 12>& cdb) {
  switch (cdb[0]) {
    case 0x00:
    case 0x01:
    case 0x08:
    case 0x0a:
    case 0x25:
    case 0x28:
    case 0x2a:
    case 0x2b:
    case 0x2e:
    case 0x2f:
    case 0x35:
    case 0xa8:
    case 0xaa:
    case 0xae:
    case 0xaf: return true;
    case 0x9e: return (cdb[1] & 0x1f) == 0x10;
    case 0x43:
    case 0x51:
    case 0x52:
    case 0xad: return drive == Drive::Cd;
    default: return false;
  }
}

}  // namespace

Outcome ScsiDrive::execute(const Cdb& cdb) {
  Outcome out = dispatch(cdb);
  // REQUEST SENSE asks for what the command before it left behind.
  if (cdb[0] != 0x03) last_ = std::holds_alternative<Done>(out) ? std::get<Done>(out).sense : Sense{};
  return out;
}

void ScsiDrive::insert(BlockSource* medium) {
  medium_ = medium;
  ejected_ = false;
  new_medium_ = true;
  news_ = News::First;
}

void ScsiDrive::reset() {
  if (news_ == News::None) news_ = News::WhenAsked;
  locked_ = false;
  last_ = {};
}

Outcome ScsiDrive::dispatch(const Cdb& cdb) {
  if (!needs_medium(drive_, cdb)) return without_medium(cdb);
  if (!medium()) return check(sense::kNoMedium);
  // TEST UNIT READY is the one command that every host repeats, so the one that tells of the first medium. A host
  // that reads without asking has not seen any other; of a change it has to hear before it mixes the two.
  if (news_ == News::First || (news_ == News::WhenAsked && cdb[0] == 0x00)) {
    news_ = News::None;
    return check(sense::kMediumChanged);
  }
  return with_medium(cdb);
}

/// What an empty drive answers too.
Outcome ScsiDrive::without_medium(const Cdb& cdb) {
  const bool cd = drive_ == Drive::Cd;
  const DriveFacts now = facts(drive_, medium());
  switch (cdb[0]) {
    case 0x03: return request_sense(cdb);
    case 0x12: return inquiry(cdb);
    case 0x1a: return reply(mode_sense_6(cdb, now), cdb[4]);
    case 0x5a: return reply(mode_sense_10(cdb, now), be16_at(cdb, 7));
    case 0x1b: return start_stop(cdb);
    case 0x1d:  // SEND DIAGNOSTIC: the self-test, which takes no parameters
      return be16_at(cdb, 3) == 0 ? good() : check(sense::kBadField);
    case 0x1e:  // PREVENT ALLOW MEDIUM REMOVAL
      locked_ = (cdb[4] & 1) != 0;
      return good();
    case 0x9e: return check(sense::kBadField);  // another service action than READ CAPACITY(16)
    default: break;
  }
  if (!cd)
    return cdb[0] == 0x23 ? reply(format_capacities(now.blocks), be16_at(cdb, 7)) : check(sense::kUnknownCommand);
  switch (cdb[0]) {
    case 0x46: return reply(configuration(cdb, now), be16_at(cdb, 7));
    case 0x4a: return event_status(cdb);
    case 0xac: {  // GET PERFORMANCE
      Buffer out;
      Writer(out).be32(4).u8(2).zeros(3);
      return Reply{std::move(out)};
    }
    case 0xbb: return good();                       // SET CD SPEED
    default: return check(sense::kUnknownCommand);  // 55, A4, BD, BE ...
  }
}

Outcome ScsiDrive::with_medium(const Cdb& cdb) {
  const std::uint32_t blocks = medium()->blocks().value;
  switch (cdb[0]) {
    case 0x00:                 // TEST UNIT READY
    case 0x01: return good();  // REZERO UNIT
    case 0x08:                 // READ(6)
    case 0x0a:                 // WRITE(6)
      return blocks_of(cdb, be32_at(cdb, 0) & 0x1fffff, cdb[4] ? cdb[4] : 256U);
    case 0x28:  // READ(10), WRITE(10), WRITE AND VERIFY(10), VERIFY(10)
    case 0x2a:
    case 0x2e:
    case 0x2f: return blocks_of(cdb, be32_at(cdb, 2), be16_at(cdb, 7));
    case 0xa8:  // the same with (12)
    case 0xaa:
    case 0xae:
    case 0xaf: return blocks_of(cdb, be32_at(cdb, 2), be32_at(cdb, 6));
    case 0x2b: return check(be32_at(cdb, 2) < blocks ? sense::kNone : sense::kOutOfRange);  // SEEK(10)
    case 0x35: return check(medium()->flush() ? sense::kNone : sense::kWriteError);         // SYNCHRONIZE CACHE(10)
    case 0x25: {                                                                            // READ CAPACITY(10)
      Buffer out;
      Writer(out).be32(blocks - 1).be32(medium()->block_size());
      return Reply{std::move(out)};
    }
    case 0x9e: {  // READ CAPACITY(16): of its allocation length a CDB of 12 bytes has only the upper half
      Buffer out;
      Writer(out).be32(0).be32(blocks - 1).be32(medium()->block_size()).zeros(20);
      return Reply{std::move(out)};
    }
    case 0x43: return reply(toc(cdb, blocks), be16_at(cdb, 7));
    case 0x51: return reply(disc_information(), be16_at(cdb, 7));
    case 0x52: return reply(track_information(cdb, blocks), be16_at(cdb, 7));
    case 0xad:
      if (blocks <= kMaxCdBlocks) return check(sense::kWrongMedium);
      return reply(dvd_structure(cdb, blocks), be16_at(cdb, 8));
    default: return check(sense::kUnknownCommand);
  }
}

/// A command that moves blocks, or looks at them.
Outcome ScsiDrive::blocks_of(const Cdb& cdb, std::uint32_t first, std::uint32_t count) {
  const unsigned op = cdb[0] & 0x1fU;  // the group is in the upper three bits
  const bool write = op == 0x0a || op == 0x0e, verify = op == 0x0f;
  if (write && !facts(drive_, medium()).writable) return check(sense::kWriteProtected);
  const std::uint32_t blocks = medium()->blocks().value;
  if (first > blocks || count > blocks - first) return check(sense::kOutOfRange);
  news_ = News::None;  // a host that reads without asking first has seen the medium
  if (verify) return check((cdb[1] & 2) == 0 ? sense::kNone : sense::kBadField);  // against the host's bytes
  if (count == 0) return good();
  if (write) return Store{Lba{first}, SectorCount{count}, op == 0x0e};
  return Blocks{Lba{first}, SectorCount{count}};
}

Outcome ScsiDrive::start_stop(const Cdb& cdb) {
  const bool load_eject = (cdb[4] & 2) != 0, start = (cdb[4] & 1) != 0;
  if (!load_eject || start != ejected_) return good();
  if (start) {  // the tray comes in again
    ejected_ = false;
    news_ = News::WhenAsked;
  } else {
    if (locked_) return check(sense::kRemovalPrevented);
    ejected_ = true;
  }
  new_medium_ = true;
  return good();
}

Outcome ScsiDrive::inquiry(const Cdb& cdb) const {
  if ((cdb[1] & 1) != 0 || cdb[2] != 0) return check(sense::kBadField);  // no vital product data pages
  Buffer out;
  Writer w(out);
  w.u8(drive_ == Drive::Cd ? 0x05 : 0x00).u8(0x80).u8(0x00).u8(0x21).u8(0x1f).zeros(3);
  padded(w, "amtgate", 8);
  padded(w, drive_ == Drive::Cd ? "Virtual CD-ROM" : "Virtual floppy", 16);
  padded(w, "1.0", 4);
  return reply(std::move(out), be16_at(cdb, 3));
}

Outcome ScsiDrive::request_sense(const Cdb& cdb) {
  if (last_ == Sense{} && medium() && news_ != News::None) {
    news_ = News::None;
    last_ = sense::kMediumChanged;
  }
  Buffer out;
  Writer(out).u8(0x70).u8(0).u8(last_.key).zeros(4).u8(10).zeros(4).u8(last_.asc).u8(last_.ascq).zeros(4);
  last_ = {};
  return reply(std::move(out), cdb[4]);
}

Outcome ScsiDrive::event_status(const Cdb& cdb) {
  if ((cdb[1] & 1) == 0) return check(sense::kBadField);  // only polling is possible here
  Buffer out;
  if ((cdb[4] & kMediaClass) == 0) {
    Writer(out).be16(2).u8(0x80).u8(kMediaClass);  // no such event
  } else {
    // Event 2 = new medium, 3 = removed; then status bit 0 = tray open, bit 1 = present.
    const unsigned event = !new_medium_ ? 0 : medium() ? 2 : 3;
    new_medium_ = false;
    const unsigned status = medium() ? 2U : ejected_ ? 1U : 0U;
    Writer(out).be16(6).u8(4).u8(kMediaClass).u8(event).u8(status).zeros(2);
  }
  return reply(std::move(out), be16_at(cdb, 7));
}

}  // namespace amtgate::ider
