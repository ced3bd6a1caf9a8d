#include "amtgate/sim/kvm_keys.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace amtgate::sim {
namespace {

struct Row {
  std::uint32_t keysym;
  std::uint8_t usage;
};

// Keysyms: X.org keysymdef.h; usages: USB HID Usage Tables, page 7. Sorted by keysym. Letters, digits, function keys
// and the digits of the key pad are computed.
constexpr Row kRows[] = {
    {0x20, 0x2c},    // space
    {0x21, 0x1e},    // ! 1
    {0x22, 0x34},    // " '
    {0x23, 0x20},    // # 3
    {0x24, 0x21},    // $ 4
    {0x25, 0x22},    // % 5
    {0x26, 0x24},    // & 7
    {0x27, 0x34},    // '
    {0x28, 0x26},    // ( 9
    {0x29, 0x27},    // ) 0
    {0x2a, 0x25},    // * 8
    {0x2b, 0x2e},    // + =
    {0x2c, 0x36},    // ,
    {0x2d, 0x2d},    // -
    {0x2e, 0x37},    // .
    {0x2f, 0x38},    // /
    {0x3a, 0x33},    // : ;
    {0x3b, 0x33},    // ;
    {0x3c, 0x36},    // < ,
    {0x3d, 0x2e},    // =
    {0x3e, 0x37},    // > .
    {0x3f, 0x38},    // ? /
    {0x40, 0x1f},    // @ 2
    {0x5b, 0x2f},    // [
    {0x5c, 0x31},    // backslash
    {0x5d, 0x30},    // ]
    {0x5e, 0x23},    // ^ 6
    {0x5f, 0x2d},    // _ -
    {0x60, 0x35},    // `
    {0x7b, 0x2f},    // { [
    {0x7c, 0x31},    // | backslash
    {0x7d, 0x30},    // } ]
    {0x7e, 0x35},    // ~ `
    {0xfe20, 0x2b},  // ISO_Left_Tab: Tab with Shift
    {0xff08, 0x2a},  // BackSpace
    {0xff09, 0x2b},  // Tab
    {0xff0d, 0x28},  // Return
    {0xff13, 0x48},  // Pause
    {0xff14, 0x47},  // Scroll_Lock
    {0xff15, 0x46},  // Sys_Req
    {0xff1b, 0x29},  // Escape
    {0xff50, 0x4a},  // Home
    {0xff51, 0x50},  // Left
    {0xff52, 0x52},  // Up
    {0xff53, 0x4f},  // Right
    {0xff54, 0x51},  // Down
    {0xff55, 0x4b},  // Page_Up
    {0xff56, 0x4e},  // Page_Down
    {0xff57, 0x4d},  // End
    {0xff61, 0x46},  // Print
    {0xff63, 0x49},  // Insert
    {0xff67, 0x65},  // Menu
    {0xff6b, 0x48},  // Break
    {0xff7f, 0x53},  // Num_Lock
    {0xff8d, 0x58},  // KP_Enter
    {0xff95, 0x5f},  // KP_Home
    {0xff96, 0x5c},  // KP_Left
    {0xff97, 0x60},  // KP_Up
    {0xff98, 0x5e},  // KP_Right
    {0xff99, 0x5a},  // KP_Down
    {0xff9a, 0x61},  // KP_Page_Up
    {0xff9b, 0x5b},  // KP_Page_Down
    {0xff9c, 0x59},  // KP_End
    {0xff9d, 0x5d},  // KP_Begin
    {0xff9e, 0x62},  // KP_Insert
    {0xff9f, 0x63},  // KP_Delete
    {0xffaa, 0x55},  // KP_Multiply
    {0xffab, 0x57},  // KP_Add
    {0xffad, 0x56},  // KP_Subtract
    {0xffae, 0x63},  // KP_Decimal
    {0xffaf, 0x54},  // KP_Divide
    {0xffe1, 0xe1},  // Shift_L
    {0xffe2, 0xe5},  // Shift_R
    {0xffe3, 0xe0},  // Control_L
    {0xffe4, 0xe4},  // Control_R
    {0xffe5, 0x39},  // Caps_Lock
    {0xffe7, 0xe3},  // Meta_L: the Windows key, as AMT's clients send it
    {0xffe8, 0xe7},  // Meta_R
    {0xffe9, 0xe2},  // Alt_L
    {0xffea, 0xe6},  // Alt_R
    {0xffeb, 0xe3},  // Super_L
    {0xffec, 0xe7},  // Super_R
    {0xffff, 0x4c},  // Delete
    // Intel's own, by the scan code in the low byte (comment in MeshCommander amt-desktop).
    {0x17170056, 0x64},  // the 102nd key, <>|
    {0x17170070, 0x88},  // Katakana/Hiragana
    {0x17170073, 0x87},  // Ro
    {0x17170079, 0x8a},  // Henkan
    {0x1717007b, 0x8b},  // Muhenkan
    {0x1717007d, 0x89},  // Yen
};

struct Name {
  std::uint8_t usage;
  std::string_view name;
};
constexpr Name kNames[] = {
    {0x28, "Enter"},
    {0x29, "Escape"},
    {0x2a, "Backspace"},
    {0x2b, "Tab"},
    {0x2c, "Space"},
    {0x2d, "-"},
    {0x2e, "="},
    {0x2f, "["},
    {0x30, "]"},
    {0x31, "\\"},
    {0x33, ";"},
    {0x34, "'"},
    {0x35, "`"},
    {0x36, ","},
    {0x37, "."},
    {0x38, "/"},
    {0x39, "Caps Lock"},
    {0x46, "Print Screen"},
    {0x47, "Scroll Lock"},
    {0x48, "Pause"},
    {0x49, "Insert"},
    {0x4a, "Home"},
    {0x4b, "Page Up"},
    {0x4c, "Delete"},
    {0x4d, "End"},
    {0x4e, "Page Down"},
    {0x4f, "Right"},
    {0x50, "Left"},
    {0x51, "Down"},
    {0x52, "Up"},
    {0x53, "Num Lock"},
    {0x54, "Keypad /"},
    {0x55, "Keypad *"},
    {0x56, "Keypad -"},
    {0x57, "Keypad +"},
    {0x58, "Keypad Enter"},
    {0x63, "Keypad ."},
    {0x64, "102nd"},
    {0x65, "Menu"},
    {0x87, "International 1"},
    {0x88, "International 2"},
    {0x89, "International 3"},
    {0x8a, "International 4"},
    {0x8b, "International 5"},
    {0xe0, "Left Ctrl"},
    {0xe1, "Left Shift"},
    {0xe2, "Left Alt"},
    {0xe3, "Left GUI"},
    {0xe4, "Right Ctrl"},
    {0xe5, "Right Shift"},
    {0xe6, "Right Alt"},
    {0xe7, "Right GUI"},
};

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz", kDigits = "1234567890";
constexpr std::array<std::string_view, 12> kFunction{"F1", "F2", "F3", "F4",  "F5",  "F6",
                                                     "F7", "F8", "F9", "F10", "F11", "F12"};
constexpr std::array<std::string_view, 10> kKeypad{"Keypad 1", "Keypad 2", "Keypad 3", "Keypad 4", "Keypad 5",
                                                   "Keypad 6", "Keypad 7", "Keypad 8", "Keypad 9", "Keypad 0"};

std::optional<std::uint8_t> offset(std::uint32_t key, std::uint32_t from, std::uint32_t to, unsigned usage) {
  if (key < from || key > to) return std::nullopt;
  return static_cast<std::uint8_t>(usage + (key - from));
}

}  // namespace

std::optional<std::uint8_t> hid_usage(rfb::Keysym keysym) {
  const std::uint32_t key = keysym.value;
  if (const auto u = offset(key, 'a', 'z', 0x04)) return u;
  if (const auto u = offset(key, 'A', 'Z', 0x04)) return u;
  if (const auto u = offset(key, '1', '9', 0x1e)) return u;
  if (key == '0') return 0x27;
  if (const auto u = offset(key, 0xffbe, 0xffc9, 0x3a)) return u;  // F1 to F12
  if (const auto u = offset(key, 0xffb1, 0xffb9, 0x59)) return u;  // KP_1 to KP_9
  if (key == 0xffb0) return 0x62;                                  // KP_0
  const auto* row = std::lower_bound(std::begin(kRows), std::end(kRows), key,
                                     [](const Row& r, std::uint32_t k) { return r.keysym < k; });
  if (row == std::end(kRows) || row->keysym != key) return std::nullopt;
  return row->usage;
}

std::string_view key_name(std::uint8_t usage) {
  if (usage >= 0x04 && usage < 0x04 + kLetters.size()) return kLetters.substr(usage - 0x04U, 1);
  if (usage >= 0x1e && usage < 0x1e + kDigits.size()) return kDigits.substr(usage - 0x1eU, 1);
  if (usage >= 0x3a && usage < 0x3a + kFunction.size()) return kFunction[usage - 0x3aU];
  if (usage >= 0x59 && usage < 0x59 + kKeypad.size()) return kKeypad[usage - 0x59U];
  for (const Name& n : kNames) {
    if (n.usage == usage) return n.name;
  }
  return "?";
}

}  // namespace amtgate::sim
