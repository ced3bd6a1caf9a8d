#include "amtgate/rfb/amt_keys.h"

#include <algorithm>
#include <iterator>

#include "amtgate/rfb/keysyms.h"

namespace amtgate::rfb {
namespace {

using namespace keysym;
constexpr auto kChar = AmtKey::Kind::Character;
constexpr auto kExtra = AmtKey::Kind::Extra;
constexpr auto kPad = AmtKey::Kind::Keypad;
constexpr auto kFixed = AmtKey::Kind::Fixed;

// Scan codes: USB HID to PS/2 translation table; evdev: Linux input-event-codes.h, whose numbers up to 0x53 are those
// of scan code set 1.
constexpr AmtKey kKeys[] = {
    {{0x01}, kFixed, 1, kEscape},      {{0x02}, kChar, 2, {'1'}},        {{0x03}, kChar, 3, {'2'}},
    {{0x04}, kChar, 4, {'3'}},         {{0x05}, kChar, 5, {'4'}},        {{0x06}, kChar, 6, {'5'}},
    {{0x07}, kChar, 7, {'6'}},         {{0x08}, kChar, 8, {'7'}},        {{0x09}, kChar, 9, {'8'}},
    {{0x0a}, kChar, 10, {'9'}},        {{0x0b}, kChar, 11, {'0'}},       {{0x0c}, kChar, 12, {'-'}},
    {{0x0d}, kChar, 13, {'='}},        {{0x0e}, kFixed, 14, kBackSpace}, {{0x0f}, kFixed, 15, kTab},
    {{0x10}, kChar, 16, {'q'}},        {{0x11}, kChar, 17, {'w'}},       {{0x12}, kChar, 18, {'e'}},
    {{0x13}, kChar, 19, {'r'}},        {{0x14}, kChar, 20, {'t'}},       {{0x15}, kChar, 21, {'y'}},
    {{0x16}, kChar, 22, {'u'}},        {{0x17}, kChar, 23, {'i'}},       {{0x18}, kChar, 24, {'o'}},
    {{0x19}, kChar, 25, {'p'}},        {{0x1a}, kChar, 26, {'['}},       {{0x1b}, kChar, 27, {']'}},
    {{0x1c}, kFixed, 28, kReturn},     {{0x1d}, kFixed, 29, kControlL},  {{0x1e}, kChar, 30, {'a'}},
    {{0x1f}, kChar, 31, {'s'}},        {{0x20}, kChar, 32, {'d'}},       {{0x21}, kChar, 33, {'f'}},
    {{0x22}, kChar, 34, {'g'}},        {{0x23}, kChar, 35, {'h'}},       {{0x24}, kChar, 36, {'j'}},
    {{0x25}, kChar, 37, {'k'}},        {{0x26}, kChar, 38, {'l'}},       {{0x27}, kChar, 39, {';'}},
    {{0x28}, kChar, 40, {'\''}},       {{0x29}, kChar, 41, {'`'}},       {{0x2a}, kFixed, 42, kShiftL},
    {{0x2b}, kChar, 43, {'\\'}},       {{0x2c}, kChar, 44, {'z'}},       {{0x2d}, kChar, 45, {'x'}},
    {{0x2e}, kChar, 46, {'c'}},        {{0x2f}, kChar, 47, {'v'}},       {{0x30}, kChar, 48, {'b'}},
    {{0x31}, kChar, 49, {'n'}},        {{0x32}, kChar, 50, {'m'}},       {{0x33}, kChar, 51, {','}},
    {{0x34}, kChar, 52, {'.'}},        {{0x35}, kChar, 53, {'/'}},       {{0x36}, kFixed, 54, kShiftR},
    {{0x37}, kPad, 55, {0xffaa}},      {{0x38}, kFixed, 56, kAltL},      {{0x39}, kChar, 57, {' '}},
    {{0x3a}, kFixed, 58, kCapsLock},   {{0x3b}, kFixed, 59, {0xffbe}},   {{0x3c}, kFixed, 60, {0xffbf}},
    {{0x3d}, kFixed, 61, {0xffc0}},    {{0x3e}, kFixed, 62, {0xffc1}},   {{0x3f}, kFixed, 63, {0xffc2}},
    {{0x40}, kFixed, 64, {0xffc3}},    {{0x41}, kFixed, 65, {0xffc4}},   {{0x42}, kFixed, 66, {0xffc5}},
    {{0x43}, kFixed, 67, {0xffc6}},    {{0x44}, kFixed, 68, {0xffc7}},   {{0x45}, kFixed, 69, kNumLock},
    {{0x46}, kFixed, 70, kScrollLock}, {{0x47}, kPad, 71, {0xffb7}},     {{0x48}, kPad, 72, {0xffb8}},
    {{0x49}, kPad, 73, {0xffb9}},      {{0x4a}, kPad, 74, {0xffad}},     {{0x4b}, kPad, 75, {0xffb4}},
    {{0x4c}, kPad, 76, {0xffb5}},      {{0x4d}, kPad, 77, {0xffb6}},     {{0x4e}, kPad, 78, {0xffab}},
    {{0x4f}, kPad, 79, {0xffb1}},      {{0x50}, kPad, 80, {0xffb2}},     {{0x51}, kPad, 81, {0xffb3}},
    {{0x52}, kPad, 82, {0xffb0}},      {{0x53}, kPad, 83, {0xffae}},     {{0x56}, kExtra, 86, kAmt102nd},
    {{0x57}, kFixed, 87, {0xffc8}},    {{0x58}, kFixed, 88, {0xffc9}},   {{0x70}, kExtra, 93, kAmtKatakana},
    {{0x73}, kExtra, 89, kAmtRo},      {{0x79}, kExtra, 92, kAmtHenkan}, {{0x7b}, kExtra, 94, kAmtMuhenkan},
    {{0x7d}, kExtra, 124, kAmtYen},    {{0x9c}, kPad, 96, {0xff8d}},     {{0x9d}, kFixed, 97, kControlR},
    {{0xb5}, kPad, 98, {0xffaf}},      {{0xb7}, kFixed, 99, kPrint},     {{0xb8}, kFixed, 100, kAltR},
    {{0xc6}, kFixed, 119, kPause},     {{0xc7}, kFixed, 102, kHome},     {{0xc8}, kFixed, 103, kUp},
    {{0xc9}, kFixed, 104, kPageUp},    {{0xcb}, kFixed, 105, kLeft},     {{0xcd}, kFixed, 106, kRight},
    {{0xcf}, kFixed, 107, kEnd},       {{0xd0}, kFixed, 108, kDown},     {{0xd1}, kFixed, 109, kPageDown},
    {{0xd2}, kFixed, 110, kInsert},    {{0xd3}, kFixed, 111, kDelete},   {{0xdb}, kFixed, 125, kMetaL},
    {{0xdc}, kFixed, 126, kMetaR},     {{0xdd}, kFixed, 127, kMenu},
};

}  // namespace

std::span<const AmtKey> amt_keys() {
  return kKeys;
}

const AmtKey* amt_key(ScanCode place) {
  if (place == ScanCode{0x54}) place = scan::kPrint;  // the same key with Alt: System Request
  const auto* key = std::ranges::lower_bound(kKeys, place, {}, &AmtKey::place);
  return key != std::end(kKeys) && key->place == place ? key : nullptr;
}

std::optional<ScanCode> fixed_place(Keysym key) {
  switch (key.value) {
    case kIsoLeftTab.value: return scan::kTab;
    case kSysReq.value:
    case 0xff62: return scan::kPrint;  // Execute: what Print is called with Alt on Japanese keyboards
    case kBreak.value: return ScanCode{0xc6};
    case kSuperL.value: return scan::kLeftMeta;
    case kSuperR.value: return scan::kRightMeta;
    case kMetaL.value:
    case kMetaR.value: return std::nullopt;
    default: break;
  }
  for (const AmtKey& k : kKeys) {
    if (k.kind == kFixed && k.keysym == key) return k.place;
  }
  return std::nullopt;
}

}  // namespace amtgate::rfb
