// The key that AMT's USB keyboard presses for a keysym: a US keyboard of 104 keys, and six more of Intel's.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "amtgate/rfb/client_messages.h"

namespace amtgate::sim {

/// Usage of HID page 7 (keyboard). Shifted characters give the key that bears them ('!' and '1' both 0x1e); whether
/// Shift is held is another key's business. Empty for keysyms that AMT does not know (MeshCommander's list: Latin-1,
/// miscellany, 3270, XKB, Katakana groups and six private ones), among them the euro sign and dead keys.
std::optional<std::uint8_t> hid_usage(rfb::Keysym key);

/// "a", "Left Shift", "Keypad 5"; "?" for a usage that hid_usage() never gives.
std::string_view key_name(std::uint8_t usage);

}  // namespace amtgate::sim
