#include "amtgate/ider/scsi.h"

#include <algorithm>
#include <array>

#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"

namespace amtgate::ider {
namespace {

constexpr std::uint32_t kFloppyBlocks = 2880;  // 1.44 MB; more is an LS-120
constexpr std::uint8_t kMediaClass = 0x10;     // of GET EVENT STATUS NOTIFICATION

using Outcome = ScsiDrive::Outcome;

Outcome check(Sense s) {
  return ScsiDrive::Done{s};
}
Outcome good() {
  return ScsiDrive::Done{};
}

/// The reply cut to the allocation length; an allocation length of 0 is no error, and no data.
Outcome reply(Buffer bytes, std::size_t allocation) {
  bytes.resize(std::min(bytes.size(), allocation));
  if (bytes.empty()) return good();
  return ScsiDrive::Reply{std::move(bytes)};
}

std::uint16_t be16_at(const std::array<std::uint8_t, 12>& cdb, std::size_t at) {
  return Reader(Bytes(cdb).subspan(at)).be16();
}
std::uint32_t be32_at(const std::array<std::uint8_t, 12>& cdb, std::size_t at) {
  return Reader(Bytes(cdb).subspan(at)).be32();
}

/// A text field of INQUIRY, padded with blanks.
void padded(Writer& w, std::string_view text, std::size_t width) {
  w.text(text.substr(0, width));
  for (std::size_t i = text.size(); i < width; ++i) w.u8(' ');
}

/// A mode page: code, length of what follows, bytes, zeros up to the length.
struct Page {
  std::uint8_t code;
  std::uint8_t length;
  std::array<std::uint8_t, 10> bytes;  // the first of them; the rest is zero
  bool in_all;                         // part of page 3F
};

// Of the drives that Mesh clients describe and hosts behind AMT are used to.
constexpr Page kCdPages[] = {
    {0x01, 0x06, {0x00, 0xff}, true},                    // error recovery
    {0x1a, 0x0a, {}, false},                             // power
    {0x1d, 0x0a, {}, false},                             // time-outs
    {0x2a, 0x18, {0x00, 0x00, 0x00, 0x00, 0x20}, true},  // capabilities: tray
};
constexpr Page kFloppyPages[] = {
    {0x01, 0x0a, {0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x02}, true},
    {0x03, 0x16, {0x00, 0xa0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x12}, true},  // format: 18 sectors ...
    {0x05, 0x1e, {0x04, 0xb0, 0x02, 0x12, 0x02, 0x00, 0x00, 0x50}, true},  // rate, heads, sectors, size, cylinders
    {0x08, 0x0a, {}, true},
    {0x0b, 0x06, {0x00, 0x00, 0x00, 0x11, 0x24, 0x31}, true},  // medium types
};
constexpr Page kLs120Geometry = {0x05, 0x1e, {0x10, 0xa9, 0x08, 0x20, 0x02, 0x00, 0x03, 0xc3}, true};

void append_page(Buffer& out, const Page& page) {
  const std::size_t start = out.size();
  Writer(out).u8(page.code).u8(page.length).bytes(Bytes(page.bytes).first(std::min<std::size_t>(page.length, 10)));
  out.resize(start + 2 + page.length);
  if (page.code == 0x03) {  // ... of 512 bytes, removable
    out[start + 12] = 0x02;
    out[start + 20] = 0xa0;
  }
  if (page.code == 0x2a) out[start + 13] = 0x80;  // buffer, KiB
  if (page.code == 0x05) {                        // motor delay and 720 rpm, as in the table it comes from
    out[start + 20] = 0x28;
    out[start + 28] = 0x02;
    out[start + 29] = 0xd0;
  }
}

void minute_second_frame(Writer& w, std::uint32_t lba) {
  const std::uint32_t frames = lba + 150;
  w.u8(0).u8(std::min(frames / 4500, 255U)).u8(frames / 75 % 60).u8(frames % 75);
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
  changed_ = new_medium_ = true;
}

void ScsiDrive::reset() {
  changed_ = true;
  last_ = {};
}

Outcome ScsiDrive::dispatch(const Cdb& cdb) {
  const bool cd = drive_ == Drive::Cd;
  switch (cdb[0]) {  // what an empty drive answers too
    case 0x03: return request_sense(cdb);
    case 0x12: return inquiry(cdb);
    case 0x1b:                 // START STOP UNIT
    case 0x1e: return good();  // PREVENT ALLOW MEDIUM REMOVAL
    case 0x4a: return cd ? event_status(cdb) : check(sense::kUnknownCommand);
    case 0x46: return cd ? get_configuration(cdb) : check(sense::kUnknownCommand);
    case 0x0a:                                                                     // WRITE(6)
    case 0x2a:                                                                     // WRITE(10)
    case 0x2e:                                                                     // WRITE AND VERIFY(10)
    case 0xaa: return check(medium_ ? sense::kWriteProtected : sense::kNoMedium);  // WRITE(12)
    default: break;
  }
  if (!medium_) {
    switch (cdb[0]) {
      case 0x00:
      case 0x08:
      case 0x1a:
      case 0x23:
      case 0x25:
      case 0x28:
      case 0x43:
      case 0x51:
      case 0x5a:
      case 0xa8: return check(sense::kNoMedium);
      default: return check(sense::kUnknownCommand);
    }
  }
  const std::uint32_t blocks = medium_->blocks().value;
  switch (cdb[0]) {
    case 0x00:  // TEST UNIT READY: the one command that every host repeats, so the one that tells of a new medium
      if (changed_) {
        changed_ = false;
        return check(sense::kMediumChanged);
      }
      return good();
    case 0x08:  // READ(6)
      return read_blocks(be32_at(cdb, 0) & 0x1fffff, cdb[4] ? cdb[4] : 256U);
    case 0x1a: return mode_sense_6(cdb);
    case 0x23: {  // READ FORMAT CAPACITIES
      if (cd) return check(sense::kUnknownCommand);
      Buffer out;
      Writer(out).be32(8).be32(blocks).be32(0x02000000 | medium_->block_size());  // formatted medium
      return reply(std::move(out), be16_at(cdb, 7));
    }
    case 0x25: {  // READ CAPACITY(10)
      Buffer out;
      Writer(out).be32(blocks - 1).be32(medium_->block_size());
      return Reply{std::move(out)};
    }
    case 0x28: return read_blocks(be32_at(cdb, 2), be16_at(cdb, 7));
    case 0xa8: return read_blocks(be32_at(cdb, 2), be32_at(cdb, 6));
    case 0x43: return cd ? read_toc(cdb) : check(sense::kUnknownCommand);
    case 0x51: return cd ? disc_information(cdb) : check(sense::kUnknownCommand);
    case 0x5a: return mode_sense_10(cdb);
    case 0xac: {  // GET PERFORMANCE
      if (!cd) return check(sense::kUnknownCommand);
      Buffer out;
      Writer(out).be32(4).u8(2).zeros(3);
      return Reply{std::move(out)};
    }
    default: return check(sense::kUnknownCommand);  // 55, A4, BD, BE, 9E ...
  }
}

Outcome ScsiDrive::read_blocks(std::uint32_t first, std::uint32_t count) {
  const std::uint32_t blocks = medium_->blocks().value;
  if (first > blocks || count > blocks - first) return check(sense::kOutOfRange);
  changed_ = false;  // a host that reads without asking first has seen the medium
  if (count == 0) return good();
  return Blocks{Lba{first}, SectorCount{count}};
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
  if (last_ == Sense{} && medium_ && changed_) {
    changed_ = false;
    last_ = sense::kMediumChanged;
  }
  Buffer out;
  Writer(out).u8(0x70).u8(0).u8(last_.key).zeros(4).u8(10).zeros(4).u8(last_.asc).u8(last_.ascq).zeros(4);
  last_ = {};
  return reply(std::move(out), cdb[4]);
}

Outcome ScsiDrive::read_toc(const Cdb& cdb) const {
  const bool msf = (cdb[1] & 2) != 0;
  unsigned format = cdb[2] & 7U;
  if (format == 0) format = cdb[9] >> 6;  // where older ATAPI drives have it
  const std::uint32_t lead_out = medium_->blocks().value;
  Buffer out;
  Writer w(out);
  const auto address = [&](std::uint32_t lba) {
    if (msf) {
      minute_second_frame(w, lba);
    } else {
      w.be32(lba);
    }
  };
  if (format == 0) {
    const unsigned from = cdb[6];
    if (from > 1 && from != 0xaa) return check(sense::kBadField);
    const bool track = from != 0xaa;
    w.be16(track ? 18 : 10).u8(1).u8(1);
    if (track) {
      w.u8(0).u8(0x14).u8(1).u8(0);  // a data track
      address(0);
    }
    w.u8(0).u8(0x14).u8(0xaa).u8(0);
    address(lead_out);
  } else if (format == 1) {
    w.be16(10).u8(1).u8(1).u8(0).u8(0x14).u8(1).u8(0);
    address(0);
  } else {
    return check(sense::kBadField);
  }
  return reply(std::move(out), be16_at(cdb, 7));
}

Outcome ScsiDrive::get_configuration(const Cdb& cdb) const {
  struct Feature {
    std::uint16_t code;
    std::uint8_t version_flags;
    std::uint8_t length;
    std::array<std::uint8_t, 8> bytes;
  };
  static constexpr Feature kFeatures[] = {
      {0x0000, 0x03, 4, {0x00, 0x08, 0x01, 0x00}},                          // profiles: CD-ROM
      {0x0001, 0x03, 4, {0x00, 0x00, 0x00, 0x02}},                          // core: ATAPI
      {0x0002, 0x03, 4, {}},                                                // morphing
      {0x0003, 0x03, 4, {0x29, 0x00, 0x00, 0x02}},                          // removable
      {0x0010, 0x01, 8, {0x00, 0x00, 0x08, 0x00, 0x00, 0x01, 0x00, 0x00}},  // random readable, 2048
      {0x001e, 0x03, 0, {}},                                                // CD read
      {0x0100, 0x03, 0, {}},                                                // power
      {0x0105, 0x03, 0, {}},                                                // time-out
  };
  const unsigned which = cdb[1] & 3U;
  if (which == 3) return check(sense::kBadField);
  const std::uint16_t from = be16_at(cdb, 2);
  Buffer features;
  for (const Feature& f : kFeatures) {
    if (which == 2 ? f.code != from : f.code < from) continue;
    Writer(features).be16(f.code).u8(f.version_flags).u8(f.length).bytes(Bytes(f.bytes).first(f.length));
  }
  Buffer out;
  Writer(out).be32(static_cast<std::uint32_t>(features.size() + 4)).be16(0).be16(medium_ ? 8 : 0).bytes(features);
  return reply(std::move(out), be16_at(cdb, 7));
}

Outcome ScsiDrive::event_status(const Cdb& cdb) {
  if ((cdb[1] & 1) == 0) return check(sense::kBadField);  // only polling is possible here
  Buffer out;
  if ((cdb[4] & kMediaClass) == 0) {
    Writer(out).be16(2).u8(0x80).u8(kMediaClass);  // no such event
  } else {
    // Event 2 = new medium, 3 = removed; then status bit 1 = present.
    const unsigned event = !new_medium_ ? 0 : medium_ ? 2 : 3;
    new_medium_ = false;
    Writer(out).be16(6).u8(4).u8(kMediaClass).u8(event).u8(medium_ ? 2 : 0).zeros(2);
  }
  return reply(std::move(out), be16_at(cdb, 7));
}

Outcome ScsiDrive::disc_information(const Cdb& cdb) const {
  Buffer out;
  // A complete, finalised CD-ROM with one session of one track, for any use.
  Writer(out).be16(32).u8(0x0e).u8(1).u8(1).u8(1).u8(1).u8(0x20).zeros(8).be32(0xffffffff).be32(0xffffffff).zeros(10);
  return reply(std::move(out), be16_at(cdb, 7));
}

Outcome ScsiDrive::mode_sense_6(const Cdb& cdb) const {
  if ((cdb[2] & 0x3f) != 0x3f) return check(sense::kBadField);
  // The header alone, as the clients that hosts know: medium type (5, or 0 for a floppy) and the write protection.
  return reply({0x00, static_cast<std::uint8_t>(drive_ == Drive::Cd ? 0x05 : 0x00), 0x80, 0x00}, cdb[4]);
}

Outcome ScsiDrive::mode_sense_10(const Cdb& cdb) const {
  const unsigned wanted = cdb[2] & 0x3fU;
  const bool cd = drive_ == Drive::Cd;
  const bool ls120 = !cd && medium_->blocks().value > kFloppyBlocks;
  const std::span<const Page> pages = cd ? std::span<const Page>(kCdPages) : kFloppyPages;
  Buffer body;
  for (const Page& page : pages) {
    if (wanted == 0x3f ? !page.in_all : page.code != wanted) continue;
    append_page(body, ls120 && page.code == 0x05 ? kLs120Geometry : page);
  }
  if (body.empty()) return check(sense::kBadField);
  Buffer out;
  Writer(out)
      .be16(static_cast<unsigned>(body.size() + 6))
      .u8(cd      ? 0x01
          : ls120 ? 0x31
                  : 0x24)
      .u8(0x80)
      .zeros(4)
      .bytes(body);
  return reply(std::move(out), be16_at(cdb, 7));
}

}  // namespace amtgate::ider
