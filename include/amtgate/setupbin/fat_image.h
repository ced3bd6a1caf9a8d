// A FAT file system that holds one file, for a USB stick: SETUP.BIN, the first entry of the root and in one piece, as
// firmware wants it.
//
// Source: Microsoft's "FAT: General Overview of On-Disk Format" 1.03. What firmware reads is said differently:
// makers' manuals name FAT16, a console's documentation FAT32 without a partition table.
#pragma once

#include <cstdint>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::setupbin {

struct FatOptions {
  unsigned bits = 16;            // 12 (2 MB), 16 (32 MB) or 32 (34 MB)
  bool partition_table = false;  // an MBR with one active partition, from sector 2048 on
  std::uint32_t serial = 0;
};

/// The whole medium. Errors: BadValue (bits), TooLarge (`file` does not fit).
Result<Buffer> fat_image(Bytes file, const FatOptions& options);

}  // namespace amtgate::setupbin
