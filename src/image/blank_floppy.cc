#include "amtgate/image/blank_floppy.h"

#include <algorithm>

#include "amtgate/base/writer.h"

namespace amtgate::image {
namespace {

// FAT12 as MS-DOS formats it: one boot sector, two tables of nine sectors each, 224 entries in the root directory.
constexpr std::uint32_t kTables[] = {1, 10};

Buffer boot_sector() {
  Buffer out;
  Writer w(out);
  w.u8(0xeb).u8(0x3c).u8(0x90).text("amtgate ");
  w.le16(512).u8(1).le16(1).u8(2).le16(224).le16(2880).u8(0xf0).le16(9).le16(18).le16(2).le32(0).le32(0);
  w.u8(0).u8(0).u8(0x29).le32(0x414d5447).text("NO NAME    ").text("FAT12   ");
  w.u8(0xeb).u8(0xfe);  // whoever boots it stays here
  out.resize(510);
  Writer(out).u8(0x55).u8(0xaa);
  return out;
}

}  // namespace

Result<ider::Fetch> BlankFloppy::read(ider::Lba first, MutableBytes out) {
  const std::size_t count = out.size() / 512;
  if (first.value > 2880 || count > 2880 - first.value)
    return Error{Errc::BadValue, "block " + std::to_string(first.value) + " is not on a floppy"};
  std::ranges::fill(out, std::uint8_t{0});
  const auto at = [&](std::uint32_t block) -> std::uint8_t* {
    return block >= first.value && block - first.value < count ? out.data() + (block - first.value) * 512 : nullptr;
  };
  if (std::uint8_t* to = at(0)) std::ranges::copy(boot_sector(), to);
  for (const std::uint32_t table : kTables) {
    if (std::uint8_t* to = at(table)) {
      to[0] = 0xf0;
      to[1] = to[2] = 0xff;
    }
  }
  return ider::Fetch::Done;
}

}  // namespace amtgate::image
