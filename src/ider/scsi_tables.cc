#include "scsi_tables.h"

#include <algorithm>
#include <span>

#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"
#include "amtgate/ider/scsi.h"

namespace amtgate::ider {
namespace {

constexpr std::uint8_t kDataTrack = 0x14;  // ADR 1, control 4
constexpr std::uint8_t kLeadOut = 0xaa;

constexpr std::uint32_t kFloppyBlocks = 2880;    // 1.44 MB
constexpr std::uint32_t kLs120Blocks = 246'528;  // 963 cylinders, 8 heads, 32 sectors

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

struct Geometry {
  std::uint16_t kbit_s;
  std::uint8_t heads;
  std::uint8_t sectors;
  std::uint16_t cylinders;
};

/// As the drives have it that such media belong to; what is larger counts as a disk of 64 or 255 heads.
Geometry geometry(std::uint32_t blocks) {
  struct Known {
    std::uint32_t blocks;
    Geometry is;
  };
  static constexpr Known kKnown[] = {
      {1440, {0x00fa, 2, 9, 80}},        // 720 KB
      {2400, {0x01f4, 2, 15, 80}},       // 1.2 MB
      {5760, {0x03e8, 2, 36, 80}},       // 2.88 MB
      {469'504, {0x10a9, 32, 56, 262}},  // LS-240
  };
  for (const Known& k : kKnown) {
    if (k.blocks == blocks) return k.is;
  }
  if (blocks <= kFloppyBlocks) return {0x04b0, 2, 18, 80};
  if (blocks <= kLs120Blocks) return {0x10a9, 8, 32, 963};
  const bool small = blocks <= 1024U * 64 * 32;
  const std::uint32_t heads = small ? 64 : 255, sectors = small ? 32 : 63;
  const std::uint32_t cylinders = std::min(blocks / (heads * sectors), 65535U);
  return {0x10a9, static_cast<std::uint8_t>(heads), static_cast<std::uint8_t>(sectors),
          static_cast<std::uint16_t>(cylinders)};
}

/// 24 and 31 are what Mesh clients and amtider say; a larger disk has no number.
std::uint8_t medium_type(const DriveFacts& f) {
  if (f.drive == Drive::Cd) return 0x01;
  if (f.blocks <= kFloppyBlocks) return 0x24;
  return f.blocks <= kLs120Blocks ? 0x31 : 0x00;
}

std::uint8_t protection(const DriveFacts& f) {
  return f.writable ? 0x00 : 0x80;
}

void append_page(Buffer& out, const Page& page, std::uint32_t blocks) {
  const std::size_t start = out.size();
  Writer(out).u8(page.code).u8(page.length).bytes(Bytes(page.bytes).first(std::min<std::size_t>(page.length, 10)));
  out.resize(start + 2 + page.length);
  if (page.code == 0x03) {  // ... of 512 bytes, removable
    out[start + 12] = 0x02;
    out[start + 20] = 0xa0;
  }
  if (page.code == 0x2a) out[start + 13] = 0x80;  // buffer, KiB
  if (page.code == 0x05) {
    const Geometry g = geometry(blocks);
    out[start + 2] = static_cast<std::uint8_t>(g.kbit_s >> 8);
    out[start + 3] = static_cast<std::uint8_t>(g.kbit_s & 0xff);
    out[start + 4] = g.heads;
    out[start + 5] = g.sectors;
    out[start + 8] = static_cast<std::uint8_t>(g.cylinders >> 8);
    out[start + 9] = static_cast<std::uint8_t>(g.cylinders & 0xff);
    // Motor delay and 720 rpm, as in the table it comes from.
    out[start + 20] = 0x28;
    out[start + 28] = 0x02;
    out[start + 29] = 0xd0;
  }
}

std::optional<Buffer> mode_pages(unsigned wanted, const DriveFacts& f) {
  Buffer body;
  for (const Page& page : f.drive == Drive::Cd ? std::span<const Page>(kCdPages) : kFloppyPages) {
    if (wanted == 0x3f ? !page.in_all : page.code != wanted) continue;
    append_page(body, page, f.blocks);
  }
  if (body.empty()) return std::nullopt;
  return body;
}

/// A block's place as minute, second, frame; past the last that fits, that one (MMC-5).
void minute_second_frame(Writer& w, std::uint32_t lba) {
  const std::uint64_t frames = std::uint64_t{lba} + 150;
  if (frames / 4500 > 255) {
    w.u8(0xff).u8(0x3b).u8(0x4a);
    return;
  }
  w.u8(static_cast<unsigned>(frames / 4500)).u8(static_cast<unsigned>(frames / 75 % 60));
  w.u8(static_cast<unsigned>(frames % 75));
}

void address(Writer& w, bool msf, std::uint32_t lba) {
  if (!msf) {
    w.be32(lba);
    return;
  }
  w.u8(0);
  minute_second_frame(w, lba);
}

}  // namespace

std::uint16_t be16_at(const Packet& cdb, std::size_t at) {
  return Reader(Bytes(cdb).subspan(at)).be16();
}
std::uint32_t be32_at(const Packet& cdb, std::size_t at) {
  return Reader(Bytes(cdb).subspan(at)).be32();
}

std::optional<Buffer> toc(const Packet& cdb, std::uint32_t blocks) {
  const bool msf = (cdb[1] & 2) != 0;
  unsigned format = cdb[2] & 7U;
  if (format == 0) format = cdb[9] >> 6;  // where older ATAPI drives have it
  Buffer out;
  Writer w(out);
  switch (format) {
    case 0: {
      const unsigned from = cdb[6];
      if (from > 1 && from != kLeadOut) return std::nullopt;
      const bool track = from != kLeadOut;
      w.be16(track ? 18 : 10).u8(1).u8(1);
      if (track) {
        w.u8(0).u8(kDataTrack).u8(1).u8(0);
        address(w, msf, 0);
      }
      w.u8(0).u8(kDataTrack).u8(kLeadOut).u8(0);
      address(w, msf, blocks);
      return out;
    }
    case 1:
      w.be16(10).u8(1).u8(1).u8(0).u8(kDataTrack).u8(1).u8(0);
      address(w, msf, 0);
      return out;
    case 2: {  // session, control, 0, point, 3 of the running time, 0, 3 of what the point says
      w.be16(2 + 4 * 11).u8(1).u8(1);
      const auto point = [&w](unsigned number) { w.u8(1).u8(kDataTrack).u8(0).u8(number).zeros(4); };
      point(0xa0);  // first track; a CD-ROM
      w.u8(1).zeros(2);
      point(0xa1);  // last track
      w.u8(1).zeros(2);
      point(0xa2);  // lead-out
      minute_second_frame(w, blocks);
      point(1);
      minute_second_frame(w, 0);
      return out;
    }
    default: return std::nullopt;
  }
}

std::optional<Buffer> configuration(const Packet& cdb, const DriveFacts& facts) {
  constexpr std::uint16_t kCdRom = 0x0008, kDvdRom = 0x0010;
  struct Feature {
    std::uint16_t code;
    std::uint8_t version_flags;
    std::uint8_t length;
    std::array<std::uint8_t, 8> bytes;
  };
  static constexpr Feature kCd[] = {
      {0x0000, 0x03, 4, {0x00, 0x08, 0x01, 0x00}},                          // profiles: CD-ROM
      {0x0001, 0x03, 4, {0x00, 0x00, 0x00, 0x02}},                          // core: ATAPI
      {0x0002, 0x03, 4, {}},                                                // morphing
      {0x0003, 0x03, 4, {0x29, 0x00, 0x00, 0x02}},                          // removable
      {0x0010, 0x01, 8, {0x00, 0x00, 0x08, 0x00, 0x00, 0x01, 0x00, 0x00}},  // random readable, 2048
      {0x001e, 0x03, 0, {}},                                                // CD read
      {0x0100, 0x03, 0, {}},                                                // power
      {0x0105, 0x03, 0, {}},                                                // time-out
  };
  static constexpr Feature kDvd[] = {
      {0x0000, 0x03, 8, {0x00, 0x10, 0x01, 0x00, 0x00, 0x08, 0x00, 0x00}},  // profiles: DVD-ROM now, CD-ROM
      kCd[1],
      kCd[2],
      kCd[3],
      kCd[4],
      {0x001e, 0x02, 0, {}},  // CD read: not this medium
      {0x001f, 0x01, 0, {}},  // DVD read
      kCd[6],
      kCd[7],
  };
  const unsigned which = cdb[1] & 3U;
  if (which == 3) return std::nullopt;
  const std::uint16_t from = be16_at(cdb, 2);
  const bool dvd = facts.blocks > kMaxCdBlocks;
  Buffer features;
  for (const Feature& f : dvd ? std::span<const Feature>(kDvd) : kCd) {
    if (which == 2 ? f.code != from : f.code < from) continue;
    Writer(features).be16(f.code).u8(f.version_flags).u8(f.length).bytes(Bytes(f.bytes).first(f.length));
  }
  Buffer out;
  Writer(out)
      .be32(static_cast<std::uint32_t>(features.size() + 4))
      .be16(0)
      .be16(facts.blocks == 0 ? 0U
            : dvd             ? kDvdRom
                              : kCdRom)
      .bytes(features);
  return out;
}

Buffer disc_information() {
  Buffer out;
  // A complete, finalised CD-ROM with one session of one track, for any use.
  Writer(out).be16(32).u8(0x0e).u8(1).u8(1).u8(1).u8(1).u8(0x20).zeros(8).be32(0xffffffff).be32(0xffffffff).zeros(10);
  return out;
}

std::optional<Buffer> track_information(const Packet& cdb, std::uint32_t blocks) {
  const unsigned by = cdb[1] & 3U;  // block, track, session
  const std::uint32_t number = be32_at(cdb, 2);
  if (by == 3 || (by == 0 && number >= blocks) || (by != 0 && number != 1)) return std::nullopt;
  Buffer out;
  // Track 1 of session 1, a data track in mode 1 from block 0 on; nothing free, all of it in one extent.
  Writer(out).be16(34).u8(1).u8(1).u8(0).u8(4).u8(1).u8(0).be32(0).be32(0).be32(0).be32(0).be32(blocks).zeros(8);
  return out;
}

std::optional<Buffer> dvd_structure(const Packet& cdb, std::uint32_t blocks) {
  Buffer out;
  Writer w(out);
  if (cdb[6] != 0) return std::nullopt;  // one layer
  switch (cdb[7]) {
    case 0x00: {
      constexpr std::uint32_t kFirst = 0x30000;  // where a DVD's data area begins
      // DVD-ROM version 1, 120 mm, slowest rate that there is, one embossed layer.
      w.be16(2 + 2048).zeros(2).u8(0x01).u8(0x0f).u8(0x01).u8(0).be32(kFirst).be32(kFirst + blocks - 1);
      out.resize(4 + 2048);
      return out;
    }
    case 0x01: w.be16(6).zeros(6); return out;
    case 0x04:
      w.be16(2 + 2048);
      out.resize(4 + 2048);
      return out;
    case 0xff:
      w.be16(2 + 3 * 4).zeros(2);
      for (const auto& [format, length] : {std::pair{0x00U, 2052U}, {0x01U, 8U}, {0x04U, 2052U}})
        w.u8(format).u8(0x40).be16(length);
      return out;
    default: return std::nullopt;
  }
}

Buffer format_capacities(std::uint32_t blocks) {
  Buffer out;
  // A formatted medium; or none, and the most that there may be.
  Writer(out)
      .be32(8)
      .be32(blocks != 0 ? blocks : kFloppyBlocks)
      .be32((blocks != 0 ? 0x02000000U : 0x03000000U) | 512);
  return out;
}

std::optional<Buffer> mode_sense_6(const Packet& cdb, const DriveFacts& f) {
  if ((cdb[2] & 0x3f) != 0x3f) return std::nullopt;
  // The header alone, as the clients that hosts know: medium type (5, or 0 for a floppy) and the write protection.
  return Buffer{0x00, static_cast<std::uint8_t>(f.drive == Drive::Cd ? 0x05 : 0x00), protection(f), 0x00};
}

std::optional<Buffer> mode_sense_10(const Packet& cdb, const DriveFacts& f) {
  const std::optional<Buffer> pages = mode_pages(cdb[2] & 0x3fU, f);
  if (!pages) return std::nullopt;
  Buffer out;
  Writer(out)
      .be16(static_cast<unsigned>(pages->size() + 6))
      .u8(medium_type(f))
      .u8(protection(f))
      .zeros(4)
      .bytes(*pages);
  return out;
}

}  // namespace amtgate::ider
