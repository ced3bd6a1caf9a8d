#include "amtgate/rfb/key_translator.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "amtgate/rfb/dead_keys.h"
#include "amtgate/rfb/keysyms.h"
#include "amtgate/rfb/typed_text.h"

namespace amtgate::rfb {
namespace {

using namespace keysym;

constexpr ScanCode kNoPlace{};
constexpr ScanCode kKeypad5{0x4c};
constexpr Keysym kZenkakuHankaku{0xff2a}, kKanji{0xff21};  // one key, the latter with Alt

void emit(std::vector<KeyEvent>& out, bool down, Keysym key) {
  out.push_back({down, key});
}

/// What presses a place. AMT's own clients send letters as capitals while Shift is held, and all else without.
Keysym keysym_at(const AmtKey& key, bool shift) {
  const std::uint32_t c = key.keysym.value;
  return shift && c >= 'a' && c <= 'z' ? Keysym{c - 'a' + 'A'} : key.keysym;
}

bool is_letter(Keysym key) {
  // Latin-1 and what has a code point: letters are what differ in case.
  const char32_t c = character_of(key);
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return (c >= 0xc0 && c < 0x250 && c != 0xd7 && c != 0xf7) || (c >= 0x370 && c < 0x590) ||
         (c >= 0x1e00 && c < 0x2000);
}

/// A key of the key pad, as the key that does the same elsewhere: its character, or an editing key.
std::optional<Keysym> off_the_keypad(Keysym key) {
  constexpr Keysym kEditing[] = {kHome, kLeft, kUp, kRight, kDown, kPageUp, kPageDown, kEnd};
  const std::uint32_t k = key.value;
  if (k >= 0xffb0 && k <= 0xffb9) return Keysym{'0' + (k - 0xffb0)};
  if (k >= 0xff95 && k <= 0xff9c) return kEditing[k - 0xff95];
  if (k >= 0xff91 && k <= 0xff94) return Keysym{kF1.value + (k - 0xff91)};
  switch (k) {
    case 0xff80: return kSpace;
    case 0xff89: return kTab;
    case 0xff8d: return kReturn;
    case 0xff9e: return kInsert;
    case 0xff9f: return kDelete;
    case 0xffaa: return Keysym{'*'};
    case 0xffab: return Keysym{'+'};
    case 0xffac: return Keysym{','};
    case 0xffad: return Keysym{'-'};
    case 0xffae: return Keysym{'.'};
    case 0xffaf: return Keysym{'/'};
    case 0xffbd: return Keysym{'='};
    default: return std::nullopt;
  }
}

/// The key pad's digits by the names that they have without Num Lock.
Keysym keypad_digit(Keysym key) {
  constexpr std::uint32_t kDigits[] = {7, 4, 8, 6, 2, 9, 3, 1, 5, 0};
  if (key.value >= 0xff95 && key.value <= 0xff9e) return {0xffb0 + kDigits[key.value - 0xff95]};
  if (key.value == 0xff9f || key.value == 0xffac) return {0xffae};  // Delete, Separator: Decimal
  return key;
}

/// Keys that only Japanese keyboards have, and AMT has in every layout.
ScanCode japanese_place(Keysym key) {
  switch (key.value) {
    case 0xff22: return {0x7b};  // Muhenkan
    case 0xff23: return {0x79};  // Henkan
    case 0xff25:                 // Hiragana
    case 0xff26:                 // Katakana
    case 0xff27: return {0x70};  // Hiragana_Katakana
    default: break;
  }
  for (const AmtKey& k : amt_keys()) {
    if (k.kind == AmtKey::Kind::Extra && k.keysym == key) return k.place;
  }
  return kNoPlace;
}

ScanCode keypad_place(Keysym key) {
  for (const AmtKey& k : amt_keys()) {
    if (k.kind == AmtKey::Kind::Keypad && k.keysym == key) return k.place;
  }
  return kNoPlace;
}

/// Where a US keyboard has a character.
ScanCode us_place(Keysym key) {
  const std::uint32_t lower = key.value >= 'A' && key.value <= 'Z' ? key.value - 'A' + 'a' : key.value;
  for (const AmtKey& k : amt_keys()) {
    if (k.kind == AmtKey::Kind::Character && k.keysym.value == lower) return k.place;
  }
  return kNoPlace;
}

bool is_keypad(Keysym key) {
  return key.value >= 0xff80 && key.value <= 0xffbd;
}

}  // namespace

KeyTranslator::KeyTranslator(std::shared_ptr<const KeyboardLayout> layout) : layout_(std::move(layout)) {
  assert(layout_);
}

// --- what the viewer says ---

KeyOutcome KeyTranslator::translate(const KeyEvent& event, std::vector<KeyEvent>& out) {
  const ViewerKey viewer{false, event.key.value};
  if (event.down) return down(viewer, event.key, By::Viewer, out);
  up(viewer, out);
  return KeyOutcome::Sent;
}

KeyOutcome KeyTranslator::translate(const QemuKeyEvent& event, std::vector<KeyEvent>& out) {
  const ViewerKey viewer{true, event.scan_code};
  if (!event.down) {
    up(viewer, out);
    return KeyOutcome::Sent;
  }
  const ScanCode place{event.scan_code <= 0xff ? static_cast<std::uint8_t>(event.scan_code) : std::uint8_t{0}};
  const AmtKey* key = amt_key(place);
  if (!key || (key->kind == AmtKey::Kind::Keypad && is_keypad(event.key))) {
    return down(viewer, event.key, By::Viewer, out);
  }
  if (event.key == kIsoLevel3Shift || event.key == kModeSwitch) {
    if (key->place == layout_->level3_key()) return place_down(viewer, key->place, Role::Level3, out);
    // AltGr that the viewer's user has on another key, as Caps Lock.
    if (key->place != scan::kRightAlt) return modifier_down(viewer, event.key, out);
  }
  return place_down(viewer, key->place, Role::Plain, out);
}

KeyOutcome KeyTranslator::down(ViewerKey viewer, Keysym key, By by, std::vector<KeyEvent>& out) {
  if (const auto i = find(viewer)) {
    if (held_[*i].place) {  // repeated
      emit(out, true, held_[*i].sent);
      return KeyOutcome::Sent;
    }
    if (held_[*i].role != Role::Plain) return KeyOutcome::Sent;
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(*i));
  }
  if (key == kCapsLock && by == By::Viewer) {
    note(viewer, Role::Plain, out);
    return KeyOutcome::Sent;
  }
  if (is_keypad(key)) {
    if (key.value == 0xff9d) return place_down(viewer, kKeypad5, Role::Plain, out);  // Begin: nothing else does it
    const ScanCode place = keypad_place(key);
    if (place && has(Role::Alt)) return place_down(viewer, place, Role::Plain, out);
    if (const auto elsewhere = off_the_keypad(key)) key = *elsewhere;
  }
  const bool level3 = key == kIsoLevel3Shift || key == kModeSwitch;
  if (level3 || key == kMetaL || key == kMetaR) return modifier_down(viewer, key, out);
  if (key == kIsoLeftTab && !shift_down()) {
    dead_.reset();
    stroke({scan::kTab, true, false}, Others::Keep, out);
    note(viewer, Role::Plain, out);
    return KeyOutcome::Sent;
  }
  if (const auto place = fixed_place(key)) return place_down(viewer, *place, Role::Plain, out);
  return character_down(viewer, key, by, out);
}

KeyOutcome KeyTranslator::modifier_down(ViewerKey viewer, Keysym key, std::vector<KeyEvent>& out) {
  if (key == kMetaL || key == kMetaR) {
    // On X11 the Alt keys are called Meta while Shift is held; others name the Windows key so.
    const bool alt = has(Role::Shift), left = key == kMetaL;
    return place_down(viewer,
                      alt ? (left ? scan::kLeftAlt : scan::kRightAlt) : (left ? scan::kLeftMeta : scan::kRightMeta),
                      Role::Plain, out);
  }
  // A PC whose layout has no AltGr would take the key for Alt, and open a menu when it comes up again.
  if (layout_->level3_key()) return place_down(viewer, *layout_->level3_key(), Role::Level3, out);
  note(viewer, Role::Level3, out);
  return KeyOutcome::Sent;
}

KeyOutcome KeyTranslator::character_down(ViewerKey viewer, Keysym key, By by, std::vector<KeyEvent>& out) {
  if (const auto dead = std::exchange(dead_, std::nullopt)) {
    const auto composed = compose(*dead, character_of(key));
    if (!composed) {
      note(viewer, Role::Plain, out);
      return KeyOutcome::Unreachable;
    }
    key = keysym_of(*composed);
  }
  if (key == kKanji) key = kZenkakuHankaku;
  const std::vector<KeyStroke> strokes = layout_->strokes(key, caps());
  if (strokes.empty()) {
    if (is_dead(key)) {
      dead_ = key;
      note(viewer, Role::Plain, out);
      return KeyOutcome::Sent;
    }
    if (const ScanCode place = japanese_place(key)) return place_down(viewer, place, Role::Plain, out);
    // Ctrl+C where the layout has no Latin letters: operating systems go by the place there.
    if (const ScanCode place = combining() ? us_place(key) : kNoPlace)
      return place_down(viewer, place, Role::Plain, out);
    note(viewer, Role::Plain, out);
    return character_of(key) != 0 ? KeyOutcome::Unreachable : KeyOutcome::NoSuchKey;
  }
  // Ctrl+Z and Ctrl+1 are keys, not characters: whatever the viewer's Caps Lock makes of the name, and where digits
  // stand above signs as in France, they go with Shift as Shift is.
  const bool key_cap = is_letter(key) || (key.value >= '0' && key.value <= '9');
  const bool by_key = (combining() && key_cap) || by == By::Combination;
  const bool by_altgr = by == By::Viewer && !key_cap && windows_altgr() && find(scan::kRightAlt);
  const Others others = by_key ? Others::KeepWithShift : by_altgr ? Others::Lift : Others::Keep;
  KeyStroke first = strokes[0];
  if (strokes.size() == 1) {
    const KeyStroke as_it_is{first.key, shift_down(), level3_down()};
    if (layout_->makes(as_it_is, key, caps())) first = as_it_is;
    if (by == By::Combination && first.shift && !shift_down()) {
      stroke(first, Others::Keep, out);
      note(viewer, Role::Plain, out);
      return KeyOutcome::Sent;
    }
    if (fits(first, others)) return place_down(viewer, first.key, Role::Plain, out);
  }
  for (const KeyStroke& s : strokes) stroke(s, others, out);
  note(viewer, Role::Plain, out);
  return KeyOutcome::Sent;
}

KeyOutcome KeyTranslator::place_down(ViewerKey viewer, ScanCode place, Role role, std::vector<KeyEvent>& out) {
  const AmtKey* key = amt_key(place);
  if (!key) return KeyOutcome::NoSuchKey;
  if (const auto i = find(place)) {
    Held& h = held_[*i];
    if (h.role == Role::Plain &&
        h.viewer != viewer) {  // another key of the viewer's, or X11 repeats it as what it now means
      emit(out, false, h.sent);
      h.sent = keysym_at(*key, shift_down());
    }
    h.viewer = viewer;
    h.choice = choice();
    emit(out, true, h.sent);
    return KeyOutcome::Sent;
  }
  if (role == Role::Plain) {
    if (place == scan::kLeftShift || place == scan::kRightShift) role = Role::Shift;
    if (place == scan::kLeftCtrl || place == scan::kRightCtrl) role = Role::Ctrl;
    if (place == scan::kLeftAlt || place == scan::kRightAlt) role = Role::Alt;
    if (place == scan::kLeftMeta || place == scan::kRightMeta) role = Role::Meta;
  }
  if (role == Role::Plain && key->kind == AmtKey::Kind::Fixed) dead_.reset();
  if (place == scan::kCapsLock && role == Role::Plain) caps_ = !caps_;
  note(viewer, role, out);
  held_.back().place = place;
  held_.back().sent = keysym_at(*key, shift_down());
  emit(out, true, held_.back().sent);
  return KeyOutcome::Sent;
}

void KeyTranslator::note(ViewerKey viewer, Role role, std::vector<KeyEvent>& out) {
  if (keys_down() >= kMaxKeysDown) {
    let_go(static_cast<std::size_t>(std::ranges::find_if(held_, &is_down) - held_.begin()), out);
  }
  if (held_.size() - keys_down() >= kMaxKeysNoted) held_.erase(std::ranges::find_if_not(held_, &is_down));
  held_.push_back({viewer, role, kNoPlace, {}, choice()});
}

void KeyTranslator::up(ViewerKey viewer, std::vector<KeyEvent>& out) {
  auto i = find(viewer);
  if (!i && !viewer.by_place) i = renamed({viewer.value});
  if (!i) return;
  const bool note = !is_down(held_[*i]) && held_[*i].role == Role::Plain;
  let_go(*i, out);
  if (!note) return;
  // A note that nobody took back may have stood in for a key whose name changed.
  const auto stuck = std::ranges::find_if(held_, [](const Held& h) { return h.doubtful && is_down(h); });
  if (stuck != held_.end()) let_go(static_cast<std::size_t>(stuck - held_.begin()), out);
}

/// The key that is meant by a release under a name that no press had: X11 names a key anew when Shift, AltGr or Num
/// Lock have changed since.
std::optional<std::size_t> KeyTranslator::renamed(Keysym key) {
  if (key == kMetaL || key == kAltL) return find(scan::kLeftAlt);
  if (key == kMetaR || key == kAltR || key == kIsoLevel3Shift || key == kModeSwitch) {
    if (const auto i = find(scan::kRightAlt)) return i;
    if (key == kMetaR || key == kAltR) return std::nullopt;
    for (std::size_t i = 0; i < held_.size(); ++i) {
      if (held_[i].role == Role::Level3) return i;
    }
    return std::nullopt;
  }
  const auto by_name = [](const Held& h) { return h.role == Role::Plain && !h.viewer.by_place; };
  if (is_keypad(key)) {
    for (std::size_t i = 0; i < held_.size(); ++i) {
      if (by_name(held_[i]) && keypad_digit({held_[i].viewer.value}) == keypad_digit(key)) return i;
    }
    key = off_the_keypad(key).value_or(key);
  }
  std::optional<ScanCode> place = fixed_place(key);
  if (!place) {
    if (const auto s = layout_->stroke(key == kKanji ? kZenkakuHankaku : key, caps())) place = s->key;
  }
  if (place) {
    if (const AmtKey* k = amt_key(*place); k && k->kind == AmtKey::Kind::Fixed) {
      const auto i = find(*place);
      return i && by_name(held_[*i]) ? i : std::nullopt;
    }
  }
  // Its old name is of the viewer's layout, which nobody knows. It is one of those that were pressed with other
  // modifiers than there are now: the key that bears the new name at the PC, else rather one that is down there than
  // a note, else the newest. If that was wrong, its own release comes under a name that is gone then, and is that of
  // the others. At last any key: one that goes up early does less harm than one that never does.
  const auto changes_name = [](const Held& h) {
    const Keysym name{h.viewer.value};
    return h.role == Role::Plain && !h.viewer.by_place && !fixed_place(name) && !is_keypad(name);
  };
  const auto rank = [&](const Held& h) { return h.place && h.place == place ? 2 : h.place ? 1 : 0; };
  std::optional<std::size_t> best;
  for (const int round : {1, 2, 3}) {
    for (std::size_t i = 0; i < held_.size() && !(best && round == 3); ++i) {
      const Held& h = held_[i];
      const bool able = round == 1 ? h.choice != choice() || rank(h) == 2 : round == 2 ? h.doubtful : rank(h) != 0;
      if (changes_name(h) && able && (!best || rank(h) >= rank(held_[*best]))) best = i;
    }
    if (best) break;
  }
  for (Held& h : held_) h.doubtful = h.doubtful || (changes_name(h) && h.choice != choice());
  return best;
}

void KeyTranslator::release_all(std::vector<KeyEvent>& out) {
  while (!held_.empty()) let_go(held_.size() - 1, out);
  dead_.reset();
}

// --- what is not a viewer's ---

Result<void> KeyTranslator::type(std::string_view text, std::vector<KeyEvent>& out) {
  const Result<std::vector<Keysym>> keys = text_keysyms(text);
  if (!keys) return keys.error();
  if (Result<void> r = typable(*keys, *layout_, caps()); !r) return r;
  for (const Keysym key : *keys) {
    if (key == keysym::kReturn || key == keysym::kTab) {
      stroke({key == keysym::kTab ? scan::kTab : scan::kReturn, false, false}, Others::Lift, out);
      continue;
    }
    for (const KeyStroke& s : layout_->strokes(key, caps())) stroke(s, Others::Lift, out);
  }
  return {};
}

KeyOutcome KeyTranslator::press(std::span<const Keysym> keys, std::vector<KeyEvent>& out) {
  KeyOutcome outcome = KeyOutcome::Sent;
  std::size_t n = 0;
  for (; n < keys.size() && outcome == KeyOutcome::Sent; ++n) {
    outcome = down({false, keys[n].value}, keys[n], By::Combination, out);
  }
  while (n > 0) up({false, keys[--n].value}, out);
  return outcome;
}

// --- what the PC gets ---

/// One key down and up with the modifiers it needs, and everything as before.
void KeyTranslator::stroke(const KeyStroke& s, Others others, std::vector<KeyEvent>& out) {
  const AmtKey* key = amt_key(s.key);
  assert(key);
  std::vector<KeyEvent> undo;
  const auto turn = [&](bool down, Keysym sym) {
    emit(out, down, sym);
    undo.push_back({!down, sym});
  };
  const bool free_shift = others == Others::KeepWithShift;
  const bool shift = free_shift ? shift_down() : s.shift;
  const bool lift_altgr = s.level3 && windows_altgr();
  for (const Held& h : held_) {
    if (!h.place) continue;
    const bool is_level3 = h.place == layout_->level3_key();
    const bool lift = (h.role == Role::Shift && !shift) || (h.role == Role::Level3 && is_level3 && !s.level3) ||
                      (lift_altgr && !is_level3 && (h.role == Role::Ctrl || h.role == Role::Alt)) ||
                      (others == Others::Lift && !(is_level3 && s.level3) &&
                       (h.role == Role::Ctrl || h.role == Role::Alt || h.role == Role::Meta));
    if (lift) turn(false, h.sent);
  }
  if (s.level3 && !level3_down()) turn(true, amt_key(*layout_->level3_key())->keysym);
  if (shift && !shift_down()) turn(true, kShiftL);
  if (const auto held = find(s.key)) let_go(*held, out);
  const Keysym sym = keysym_at(*key, shift);
  emit(out, true, sym);
  emit(out, false, sym);
  for (std::size_t i = undo.size(); i-- > 0;) out.push_back(undo[i]);
}

/// The modifiers that are down are those that the stroke needs.
bool KeyTranslator::fits(const KeyStroke& s, Others others) const {
  if (others == Others::Lift) return false;
  if (others != Others::KeepWithShift && s.shift != shift_down()) return false;
  if (s.level3) return level3_down() && !windows_altgr();
  // Right Alt that the viewer calls Alt is meant: the user of a US keyboard presses the PC's keys by place.
  return !(level3_down() && has(Role::Level3));
}

/// Viewers on Windows say Ctrl and Alt for AltGr: left Ctrl and right Alt where that key is pressed.
bool KeyTranslator::windows_altgr() const {
  return has(Role::Ctrl) && has(Role::Alt);
}

void KeyTranslator::let_go(std::size_t index, std::vector<KeyEvent>& out) {
  const Held h = held_[index];
  held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
  if (h.place) emit(out, false, h.sent);
}

std::optional<std::size_t> KeyTranslator::find(ViewerKey viewer) const {
  const auto at = std::ranges::find(held_, viewer, &Held::viewer);
  if (at == held_.end()) return std::nullopt;
  return static_cast<std::size_t>(at - held_.begin());
}

std::optional<std::size_t> KeyTranslator::find(ScanCode place) const {
  const auto at = std::ranges::find(held_, place, &Held::place);
  if (at == held_.end()) return std::nullopt;
  return static_cast<std::size_t>(at - held_.begin());
}

bool KeyTranslator::has(Role role) const {
  return std::ranges::find(held_, role, &Held::role) != held_.end();
}

bool KeyTranslator::shift_down() const {
  return find(scan::kLeftShift) || find(scan::kRightShift);
}

bool KeyTranslator::level3_down() const {
  return layout_->level3_key() && find(*layout_->level3_key());
}

std::size_t KeyTranslator::keys_down() const {
  return static_cast<std::size_t>(std::ranges::count_if(held_, &is_down));
}

}  // namespace amtgate::rfb
