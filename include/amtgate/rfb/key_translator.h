// KeyTranslator: the keys of one viewer, whatever layout its user has, as the keys of AMT's keyboard that make the
// PC's operating system see the same characters. A pure state machine: one for every viewer that types.
//
// A key that needs just the modifiers that the viewer holds goes down and up as the viewer's does. A character that
// needs other modifiers is typed at once, key down and up, with Shift and AltGr pressed or released around it and put
// back: between two events the modifiers that are down at the PC are those that the viewer holds, and the viewer's
// own repetition repeats such a character.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/rfb/amt_keys.h"
#include "amtgate/rfb/client_messages.h"
#include "amtgate/rfb/keyboard_layout.h"

namespace amtgate::rfb {

/// Keys that a viewer may have down; for one more the oldest is let go. Ten fingers, and viewers that forget.
inline constexpr std::size_t kMaxKeysDown = 64;
/// Keys of the viewer that are remembered without one down at the PC.
inline constexpr std::size_t kMaxKeysNoted = 32;
/// Events that one call of KeyTranslator::translate() appends at most.
inline constexpr std::size_t kMaxEventsPerKey = 64;

enum class KeyOutcome : std::uint8_t {
  Sent,         // done, also where nothing had to be sent (Caps Lock, a repeated release)
  Unreachable,  // the PC's layout has no way to type it: dropped
  NoSuchKey,    // AMT has no such key (multimedia, F13, ...): dropped
};

class KeyTranslator {
 public:
  explicit KeyTranslator(std::shared_ptr<const KeyboardLayout> layout);

  /// Appends what AMT gets to `out`; at most kMaxEventsPerKey. Only keysyms of AMT's sets (amt_keys.h).
  ///
  /// Caps Lock of a viewer that sends keysyms stays with the viewer: its letters come as capitals anyway, and a PC
  /// that turned them round again would garble them. Its key pad types the digits and signs as characters, as AMT's
  /// own clients do, but with Alt held by their own keys (Windows' Alt codes).
  KeyOutcome translate(const KeyEvent& event, std::vector<KeyEvent>& out);
  /// By the place of the key, whatever the layouts; by `event.key` where AMT has no such place and for the key pad.
  KeyOutcome translate(const QemuKeyEvent& event, std::vector<KeyEvent>& out);

  /// The viewer is gone or looks elsewhere: releases for all that is down, the last pressed first.
  void release_all(std::vector<KeyEvent>& out);

  /// Types UTF-8 text; line feed, carriage return and both are Return. All of it or, with an error, nothing.
  /// Errors: BadValue (not UTF-8, a control character), Unsupported (the layout cannot make it), TooLarge; the detail
  /// names the character's number, never the character.
  Result<void> type(std::string_view text, std::vector<KeyEvent>& out);

  /// Presses these keys one after the other and releases them the other way round: a combination as parse_key_combo()
  /// gives it. Locks are sent, too. Stops at the first key that cannot be had, and releases.
  KeyOutcome press(std::span<const Keysym> keys, std::vector<KeyEvent>& out);

  /// Keys that are down at the PC.
  std::size_t keys_down() const;
  const KeyboardLayout& layout() const { return *layout_; }

 private:
  /// How the viewer calls a key.
  struct ViewerKey {
    bool by_place;
    std::uint32_t value;  // scan code or keysym
    bool operator==(const ViewerKey&) const = default;
  };
  enum class Role : std::uint8_t { Plain, Shift, Ctrl, Alt, Meta, Level3 };
  /// What of the viewer's modifiers chooses among the characters of a key.
  struct Choice {
    bool shift = false, level3 = false;
    bool operator==(const Choice&) const = default;
  };
  /// A key that the viewer holds.
  struct Held {
    ViewerKey viewer;
    Role role = Role::Plain;
    ScanCode place;         // that is down for it at the PC; none: typed already, dropped, or the viewer's own affair
    Keysym sent;            // what pressed it
    Choice choice;          // when it was pressed
    bool doubtful = false;  // may have been the one that went up under a new name
  };
  static bool is_down(const Held& h) { return bool(h.place); }
  /// Who wants a key: a viewer, whose characters have to come out right, or press(), which names keys.
  enum class By : std::uint8_t { Viewer, Combination };
  /// What becomes of modifiers that a stroke does not ask for.
  enum class Others : std::uint8_t { Keep, KeepWithShift, Lift };

  KeyOutcome down(ViewerKey viewer, Keysym key, By by, std::vector<KeyEvent>& out);
  KeyOutcome modifier_down(ViewerKey viewer, Keysym key, std::vector<KeyEvent>& out);
  KeyOutcome character_down(ViewerKey viewer, Keysym key, By by, std::vector<KeyEvent>& out);
  KeyOutcome place_down(ViewerKey viewer, ScanCode place, Role role, std::vector<KeyEvent>& out);
  /// Remembers a key of the viewer for which nothing is down at the PC, so that its release means nothing else.
  void note(ViewerKey viewer, Role role, std::vector<KeyEvent>& out);
  void up(ViewerKey viewer, std::vector<KeyEvent>& out);
  std::optional<std::size_t> renamed(Keysym key);
  void stroke(const KeyStroke& s, Others others, std::vector<KeyEvent>& out);
  bool fits(const KeyStroke& s, Others others) const;
  bool windows_altgr() const;
  void let_go(std::size_t index, std::vector<KeyEvent>& out);
  std::optional<std::size_t> find(ViewerKey viewer) const;
  std::optional<std::size_t> find(ScanCode place) const;
  bool has(Role role) const;
  bool shift_down() const;
  bool level3_down() const;
  bool combining() const { return has(Role::Ctrl) || has(Role::Alt) || has(Role::Meta); }
  Choice choice() const { return {has(Role::Shift), has(Role::Level3)}; }
  KeyboardLayout::Caps caps() const { return caps_ ? KeyboardLayout::Caps::On : KeyboardLayout::Caps::Off; }

  std::shared_ptr<const KeyboardLayout> layout_;
  std::vector<Held> held_;      // in the order of pressing
  std::optional<Keysym> dead_;  // pressed by the viewer, not to be had in the PC's layout: waits for its letter
  bool caps_ = false;           // the PC's Caps Lock, as far as the viewer worked it by its place
};

}  // namespace amtgate::rfb
