// OsKeyboard: what the operating system of the simulated machine makes of AMT's USB keyboard: its layout, as a Linux
// desktop has it, gives keys a meaning, and dead keys wait for their letter.
//
// Made to check a translation of keys from the other end. So it shares no table with rfb/amt_keys.h: HID usages
// become Linux's key numbers as the kernel does it, and libxkbcommon is fed with these.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "amtgate/base/result.h"

namespace amtgate::sim {

class OsKeyboard {
 public:
  /// `layout` as XKB names it: de, de(nodeadkeys). Dead keys compose by X.org's table for en_US.UTF-8.
  /// Errors: BadValue (no such layout), System (no files of xkb-data or libx11-data).
  static Result<std::shared_ptr<OsKeyboard>> load(const std::string& layout);
  ~OsKeyboard();
  OsKeyboard(const OsKeyboard&) = delete;
  OsKeyboard& operator=(const OsKeyboard&) = delete;

  /// What a key made.
  struct Typed {
    std::u32string text;   // characters; empty while a dead key waits, and for keys that make none
    std::string shortcut;  // a key with Ctrl, Alt or the Windows key held: "Control+z", "Control+Alt+Delete"
  };
  /// A key of the HID page goes down or up; a second down in a row is none.
  Typed key(std::uint8_t usage, bool down);

  struct Modifiers {
    bool shift = false, ctrl = false, alt = false, altgr = false, meta = false, caps = false;
    bool operator==(const Modifiers&) const = default;
  };
  Modifiers modifiers() const;
  std::size_t keys_down() const { return down_.count(); }
  /// The USB keyboard was pulled out, as when a session ends: how many keys were down.
  std::size_t unplug();

 private:
  struct Xkb;
  explicit OsKeyboard(std::unique_ptr<Xkb> xkb);

  std::unique_ptr<Xkb> xkb_;
  std::bitset<256> down_;  // by usage
};

}  // namespace amtgate::sim
