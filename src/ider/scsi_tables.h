// The tables that drives answer with, each a function of the CDB and of what is in the drive. Not a public header.
// Nothing where a field of the CDB asks for what there is not (5/24/00). None is cut to the allocation length yet.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "amtgate/base/bytes.h"
#include "amtgate/ider/messages.h"

namespace amtgate::ider {

using Packet = std::array<std::uint8_t, 12>;

/// What a table has to know of the drive.
struct DriveFacts {
  Drive drive;
  std::uint32_t blocks;  // 0: empty
  bool writable;
};

std::uint16_t be16_at(const Packet& cdb, std::size_t at);
std::uint32_t be32_at(const Packet& cdb, std::size_t at);

/// READ TOC/PMA/ATIP: formats 0 (tracks), 1 (sessions) and 2 (all of the lead-in).
std::optional<Buffer> toc(const Packet& cdb, std::uint32_t blocks);
/// GET CONFIGURATION.
std::optional<Buffer> configuration(const Packet& cdb, const DriveFacts& facts);
/// READ DISC INFORMATION and READ TRACK INFORMATION of the one track.
Buffer disc_information();
std::optional<Buffer> track_information(const Packet& cdb, std::uint32_t blocks);
/// READ DVD STRUCTURE, formats 00 (physical), 01 (copyright: none), 04 (manufacturer: nothing) and FF (this list).
std::optional<Buffer> dvd_structure(const Packet& cdb, std::uint32_t blocks);
/// READ FORMAT CAPACITIES of a floppy drive.
Buffer format_capacities(std::uint32_t blocks);
/// MODE SENSE(6) and (10).
std::optional<Buffer> mode_sense_6(const Packet& cdb, const DriveFacts& facts);
std::optional<Buffer> mode_sense_10(const Packet& cdb, const DriveFacts& facts);

}  // namespace amtgate::ider
