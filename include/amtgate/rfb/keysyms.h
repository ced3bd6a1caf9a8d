// The keysyms that amtgate calls by name (X.org keysymdef.h), and AMT's own.
#pragma once

#include "amtgate/rfb/client_messages.h"

namespace amtgate::rfb::keysym {

inline constexpr Keysym kSpace{0x20};
inline constexpr Keysym kIsoLevel3Shift{0xfe03};  // AltGr, as X11 viewers send it
inline constexpr Keysym kIsoLeftTab{0xfe20};      // Tab with Shift
inline constexpr Keysym kBackSpace{0xff08};
inline constexpr Keysym kTab{0xff09};
inline constexpr Keysym kReturn{0xff0d};
inline constexpr Keysym kPause{0xff13};
inline constexpr Keysym kScrollLock{0xff14};
inline constexpr Keysym kSysReq{0xff15};
inline constexpr Keysym kEscape{0xff1b};
inline constexpr Keysym kHome{0xff50};
inline constexpr Keysym kLeft{0xff51};
inline constexpr Keysym kUp{0xff52};
inline constexpr Keysym kRight{0xff53};
inline constexpr Keysym kDown{0xff54};
inline constexpr Keysym kPageUp{0xff55};
inline constexpr Keysym kPageDown{0xff56};
inline constexpr Keysym kEnd{0xff57};
inline constexpr Keysym kPrint{0xff61};
inline constexpr Keysym kInsert{0xff63};
inline constexpr Keysym kMenu{0xff67};
inline constexpr Keysym kBreak{0xff6b};
inline constexpr Keysym kModeSwitch{0xff7e};  // AltGr of older viewers
inline constexpr Keysym kNumLock{0xff7f};
inline constexpr Keysym kF1{0xffbe};
inline constexpr Keysym kShiftL{0xffe1};
inline constexpr Keysym kShiftR{0xffe2};
inline constexpr Keysym kControlL{0xffe3};
inline constexpr Keysym kControlR{0xffe4};
inline constexpr Keysym kCapsLock{0xffe5};
inline constexpr Keysym kMetaL{0xffe7};  // to AMT: the Windows key
inline constexpr Keysym kMetaR{0xffe8};
inline constexpr Keysym kAltL{0xffe9};
inline constexpr Keysym kAltR{0xffea};  // to AMT: AltGr too
inline constexpr Keysym kSuperL{0xffeb};
inline constexpr Keysym kSuperR{0xffec};
inline constexpr Keysym kDelete{0xffff};

/// Intel's own, named by the low byte's scan code (comment in MeshCommander amt-desktop, with the HID usages).
inline constexpr Keysym kAmt102nd{0x17170056};     // between left Shift and Z; HID 0x64
inline constexpr Keysym kAmtKatakana{0x17170070};  // Katakana/Hiragana; HID 0x88
inline constexpr Keysym kAmtRo{0x17170073};        // backslash and underscore of Japan, slash of Brazil; HID 0x87
inline constexpr Keysym kAmtHenkan{0x17170079};    // HID 0x8a
inline constexpr Keysym kAmtMuhenkan{0x1717007b};  // HID 0x8b
inline constexpr Keysym kAmtYen{0x1717007d};       // HID 0x89

}  // namespace amtgate::rfb::keysym
