// AMT's own messages inside RFB's cut texts: "\0KvmExtCmd\0" and "\0KvmDataChannel".
// Sources: MeshCommander amt-desktop; Intel's guide, page RFB_Extensions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "amtgate/base/bytes.h"

namespace amtgate::rfb {

/// A text that begins like this is never clipboard: "\0Kvm".
bool is_kvm_text(Bytes text);

/// 0 "\0KvmExtCmd\0" (11 bytes) | 11 command | 12 value | 13 further value (only in the answer to 1, where known)
struct KvmExtCmd {
  enum Command : std::uint8_t {
    GetDecimation = 1,  // answered with mode and state
    SetDecimation = 2,  // 1 off, 2 automatic, 3 on; answered, clients then ask 1
    GetZlib = 3,        // answered with 0 or 1
    SetZlib = 4,        // 0 off, 1 on; answered, clients then ask 3
  };
  std::uint8_t command = 0;
  std::uint8_t value = 0;
  std::optional<std::uint8_t> state;
};
/// Empty when `text` is something else or too short. A missing value is 0.
std::optional<KvmExtCmd> parse_kvm_ext_cmd(Bytes text);
Buffer to_cut_text(const KvmExtCmd& m);

/// 0 "\0KvmDataChannel" (15 bytes) | 15 0, or not 0: acknowledgement | 16 data. Needs encoding 1092 to be offered.
struct KvmData {
  bool acknowledge = false;
  Bytes data;  // a view into the text
};
std::optional<KvmData> parse_kvm_data(Bytes text);
Buffer to_cut_text(const KvmData& m);

}  // namespace amtgate::rfb
