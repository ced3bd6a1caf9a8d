#include "amtgate/setupbin/fat_image.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "amtgate/base/writer.h"

namespace amtgate::setupbin {
namespace {

constexpr std::uint32_t kSector = 512;
constexpr std::uint32_t kPartitionStart = 2048;
constexpr std::uint8_t kMedia = 0xf8;

/// In sectors, but for `cluster`, which is sectors in a cluster. The number of clusters is what says which of the
/// three it is: below 4085, below 65525, from there on.
struct Layout {
  unsigned bits;
  std::uint32_t sectors, cluster, reserved, fat, root;
  std::uint8_t partition_type;
  std::string_view type;

  std::uint32_t data() const { return reserved + 2 * fat + root; }
  std::uint32_t clusters() const { return (sectors - data()) / cluster; }
  /// Of the file: FAT32 has its root in the first.
  std::uint32_t first() const { return bits == 32 ? 3 : 2; }
};

constexpr Layout kLayouts[] = {
    {12, 4000, 1, 1, 12, 32, 0x01, "FAT12   "},
    {16, 65535, 4, 1, 64, 32, 0x0e, "FAT16   "},
    {32, 70000, 1, 32, 540, 0, 0x0c, "FAT32   "},
};

void put16(Buffer& out, std::size_t at, std::uint32_t v) {
  out[at] = static_cast<std::uint8_t>(v);
  out[at + 1] = static_cast<std::uint8_t>(v >> 8);
}

void put32(Buffer& out, std::size_t at, std::uint32_t v) {
  put16(out, at, v & 0xffff);
  put16(out, at + 2, v >> 16);
}

void put_entry(Buffer& out, std::size_t fat, unsigned bits, std::uint32_t cluster, std::uint32_t v) {
  if (bits == 32) return put32(out, fat + cluster * 4, v & 0x0fffffff);
  if (bits == 16) return put16(out, fat + cluster * 2, v & 0xffff);
  // Two entries share three bytes.
  const std::size_t at = fat + cluster * 3 / 2;
  if (cluster % 2 == 0) {
    out[at] = static_cast<std::uint8_t>(v);
    out[at + 1] = static_cast<std::uint8_t>((out[at + 1] & 0xf0) | (v >> 8 & 0x0f));
  } else {
    out[at] = static_cast<std::uint8_t>((out[at] & 0x0f) | (v << 4 & 0xf0));
    out[at + 1] = static_cast<std::uint8_t>(v >> 4);
  }
}

Buffer boot_sector(const Layout& l, const FatOptions& options) {
  Buffer out;
  Writer w(out);
  const bool wide = l.bits == 32;
  w.u8(0xeb).u8(wide ? 0x58 : 0x3c).u8(0x90).text("MSWIN4.1");
  w.le16(kSector).u8(l.cluster).le16(l.reserved).u8(2).le16(l.root * kSector / 32);
  w.le16(l.sectors < 0x10000 ? l.sectors : 0).u8(kMedia).le16(wide ? 0 : l.fat).le16(63).le16(255);
  w.le32(options.partition_table ? kPartitionStart : 0).le32(l.sectors < 0x10000 ? 0 : l.sectors);
  // Root in cluster 2, FSInfo in sector 1, this sector again in sector 6.
  if (wide) w.le32(l.fat).le16(0).le16(0).le32(2).le16(1).le16(6).zeros(12);
  w.u8(0x80).u8(0).u8(0x29).le32(options.serial).text("NO NAME    ").text(l.type);
  // Who starts from it goes on to the next medium: int 18h, and halt.
  w.u8(0xcd).u8(0x18).u8(0xf4).u8(0xeb).u8(0xfd);
  w.zeros(510 - out.size()).u8(0x55).u8(0xaa);
  return out;
}

Buffer info_sector(const Layout& l, std::uint32_t used) {
  Buffer out;
  Writer w(out);
  w.text("RRaA").zeros(480).text("rrAa").le32(l.clusters() - used).le32(2 + used).zeros(12).le16(0).u8(0x55).u8(0xaa);
  return out;
}

Buffer directory_entry(const Layout& l, std::size_t size) {
  constexpr std::uint32_t kFirstDay = 0x21;  // 1980-01-01
  const std::uint32_t cluster = size == 0 ? 0 : l.first();
  Buffer out;
  Writer w(out);
  w.text("SETUP   BIN").u8(0x20).zeros(4).le16(kFirstDay).le16(kFirstDay).le16(cluster >> 16).le16(0).le16(kFirstDay);
  w.le16(cluster & 0xffff).le32(static_cast<std::uint32_t>(size));
  return out;
}

Buffer partition_sector(const Layout& l) {
  Buffer out;
  Writer w(out);
  // Addresses in cylinders end at 8 GB and do not count: fe ff ff.
  w.u8(0xcd).u8(0x18).u8(0xf4).u8(0xeb).u8(0xfd).zeros(441);
  w.u8(0x80).u8(0xfe).u8(0xff).u8(0xff).u8(l.partition_type).u8(0xfe).u8(0xff).u8(0xff);
  w.le32(kPartitionStart).le32(l.sectors).zeros(48).u8(0x55).u8(0xaa);
  return out;
}

void copy_to(Buffer& out, std::size_t at, Bytes in) {
  std::ranges::copy(in, out.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

Result<Buffer> fat_image(Bytes file, const FatOptions& options) {
  const auto layout = std::ranges::find(kLayouts, options.bits, &Layout::bits);
  if (layout == std::end(kLayouts)) return Error{Errc::BadValue, "FAT has 12, 16 or 32 bits"};
  const Layout& l = *layout;
  const std::size_t room = std::size_t{l.clusters() - (l.first() - 2)} * l.cluster * kSector;
  if (file.size() > room) {
    return Error{Errc::TooLarge, "a file of " + std::to_string(file.size()) + " bytes, and a FAT" +
                                     std::to_string(l.bits) + " image has room for " + std::to_string(room)};
  }
  const std::size_t start = options.partition_table ? kPartitionStart * kSector : 0;
  Buffer out(start + std::size_t{l.sectors} * kSector);
  if (options.partition_table) copy_to(out, 0, partition_sector(l));
  const std::size_t cluster_bytes = l.cluster * kSector;
  const auto chain = static_cast<std::uint32_t>((file.size() + cluster_bytes - 1) / cluster_bytes);
  const Buffer boot = boot_sector(l, options);
  copy_to(out, start, boot);
  if (l.bits == 32) {
    const Buffer info = info_sector(l, chain + 1);
    copy_to(out, start + kSector, info);
    copy_to(out, start + 6 * kSector, boot);
    copy_to(out, start + 7 * kSector, info);
  }
  for (const std::uint32_t copy : {0U, 1U}) {
    const std::size_t fat = start + std::size_t{l.reserved + copy * l.fat} * kSector;
    const auto entry = [&](std::uint32_t cluster, std::uint32_t v) { put_entry(out, fat, l.bits, cluster, v); };
    entry(0, 0xffffff00 | kMedia);
    entry(1, 0xffffffff);
    if (l.bits == 32) entry(2, 0xffffffff);
    for (std::uint32_t i = 0; i < chain; ++i) {
      const std::uint32_t cluster = l.first() + i;
      entry(cluster, i + 1 == chain ? 0xffffffff : cluster + 1);
    }
  }
  // FAT32's root is the data's first cluster; the others have it between the FATs and the data, at the same place.
  const std::size_t root = start + std::size_t{l.reserved + 2 * l.fat} * kSector;
  copy_to(out, root, directory_entry(l, file.size()));
  copy_to(out, start + (std::size_t{l.data()} + std::size_t{l.first() - 2} * l.cluster) * kSector, file);
  return out;
}

}  // namespace amtgate::setupbin
