// BlankFloppy: a formatted 1.44 MB floppy with nothing on it, for firmware that does not get on with an empty drive.
#pragma once

#include "amtgate/ider/block_source.h"

namespace amtgate::image {

class BlankFloppy final : public ider::BlockSource {
 public:
  std::uint32_t block_size() const override { return 512; }
  ider::SectorCount blocks() const override { return {2880}; }
  /// Errors: BadValue (outside).
  Result<ider::Fetch> read(ider::Lba first, MutableBytes out) override;
};

}  // namespace amtgate::image
