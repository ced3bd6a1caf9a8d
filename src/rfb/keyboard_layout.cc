#include "amtgate/rfb/keyboard_layout.h"

#include <xkbcommon/xkbcommon.h>

#include <algorithm>
#include <tuple>

#include "amtgate/base/handle.h"
#include "amtgate/rfb/dead_keys.h"
#include "amtgate/rfb/keysyms.h"

namespace amtgate::rfb {
namespace {

using ContextPtr = Handle<xkb_context, &xkb_context_unref>;
using KeymapPtr = Handle<xkb_keymap, &xkb_keymap_unref>;
using StatePtr = Handle<xkb_state, &xkb_state_unref>;

constexpr std::uint32_t kUnicode = 0x01000000;
/// Longer than any name in xkb-data; what it limits is the error's sentence.
constexpr std::size_t kMaxLayoutName = 80;

xkb_keycode_t xkb_code(const AmtKey& key) {
  return key.evdev + 8U;
}

/// libxkbcommon asks for zero-terminated words and reads files by them: letters, digits, '_', '-' and '.', no path.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLayoutName && text[0] != '.' && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

}  // namespace

Keysym normal(Keysym key) {
  const char32_t c = character_of(key);
  return c == 0 ? key : Keysym{kUnicode + static_cast<std::uint32_t>(c)};
}

char32_t character_of(Keysym key) {
  const std::uint32_t c = ::xkb_keysym_to_utf32(key.value);
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c > 0x10ffff ? 0 : static_cast<char32_t>(c);
}

Keysym keysym_of(char32_t character) {
  return {::xkb_utf32_to_keysym(static_cast<std::uint32_t>(character))};
}

/// Asks a keyboard state of libxkbcommon for every key under every combination of the modifiers.
class LayoutCompiler {
 public:
  Result<std::shared_ptr<const KeyboardLayout>> run(std::string_view name) {
    if (name.empty()) name = "us";
    const std::string shown = "'" + std::string(name.substr(0, kMaxLayoutName)) + "'";
    const std::size_t open = name.find('(');
    const std::string layout(name.substr(0, open));
    std::string variant;
    if (open != std::string_view::npos && name.ends_with(')')) {
      variant = name.substr(open + 1, name.size() - open - 2);
      if (!is_name(variant)) return Error{Errc::BadValue, shown + " names no variant, as de(nodeadkeys) does"};
    } else if (open != std::string_view::npos) {
      return Error{Errc::BadValue, shown + " ends without ')'"};
    }
    if (!is_name(layout))
      return Error{Errc::BadValue, shown + " is not the name of a layout, as de or de(nodeadkeys)"};

    context_.reset(::xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES));
    if (!context_) return Error{Errc::System, "XKB finds no folder of layouts (package xkb-data)"};
    ::xkb_context_set_log_fn(context_.get(), [](xkb_context*, xkb_log_level, const char*, va_list) {});
    if (!compile(layout, variant)) {
      if (!compile("us", "")) return Error{Errc::System, "XKB cannot read its layouts (package xkb-data)"};
      if (variant.empty() || !compile(layout, "")) {
        return Error{Errc::BadValue, "'" + layout + "' is not a layout XKB knows"};
      }
      return Error{Errc::BadValue, "'" + variant + "' is not a variant XKB knows of the layout " + layout};
    }
    result_.name_ = std::string(name);
    modifiers();
    collect(KeyboardLayout::Caps::Off, 0);
    collect(KeyboardLayout::Caps::On, lock_);
    return std::shared_ptr<const KeyboardLayout>(new KeyboardLayout(std::move(result_)));
  }

 private:
  bool compile(const std::string& layout, const std::string& variant) {
    const xkb_rule_names names{
        .rules = "evdev", .model = "pc105", .layout = layout.c_str(), .variant = variant.c_str(), .options = ""};
    keymap_.reset(::xkb_keymap_new_from_names(context_.get(), &names, XKB_KEYMAP_COMPILE_NO_FLAGS));
    return keymap_ != nullptr;
  }

  StatePtr state() const { return StatePtr(::xkb_state_new(keymap_.get())); }

  /// What a key adds to the modifiers while it is down (or, of a lock, when it is up again).
  xkb_mod_mask_t mask_of(const AmtKey& key, xkb_state_component which) const {
    const StatePtr s = state();
    ::xkb_state_update_key(s.get(), xkb_code(key), XKB_KEY_DOWN);
    if (which == XKB_STATE_MODS_LOCKED) ::xkb_state_update_key(s.get(), xkb_code(key), XKB_KEY_UP);
    return ::xkb_state_serialize_mods(s.get(), which);
  }

  void modifiers() {
    shift_ = mask_of(*amt_key(scan::kLeftShift), XKB_STATE_MODS_DEPRESSED);
    lock_ = mask_of(*amt_key(scan::kCapsLock), XKB_STATE_MODS_LOCKED);
    const auto consider = [this](const AmtKey& key) {
      if (result_.level3_key_) return;
      const StatePtr s = state();
      if (::xkb_state_key_get_one_sym(s.get(), xkb_code(key)) != keysym::kIsoLevel3Shift.value) return;
      result_.level3_key_ = key.place;
      level3_ = mask_of(key, XKB_STATE_MODS_DEPRESSED);
    };
    consider(*amt_key(scan::kRightAlt));
    for (const AmtKey& key : amt_keys()) consider(key);
  }

  void collect(KeyboardLayout::Caps caps, xkb_mod_mask_t locked) {
    auto& entries = result_.entries_[static_cast<std::size_t>(caps)];
    const StatePtr s = state();
    for (const AmtKey& key : amt_keys()) {
      const bool extra = key.kind == AmtKey::Kind::Extra;
      // Caps Lock and Print bear other functions in some layouts (Eisu, Zenkaku): only what types counts.
      if (key.kind != AmtKey::Kind::Character && !extra) continue;
      if (key.place == result_.level3_key_) continue;
      for (unsigned level = 0; level < 4; ++level) {
        const bool shift = (level & 1) != 0, level3 = (level & 2) != 0;
        if (level3 && !result_.level3_key_) break;
        ::xkb_state_update_mask(s.get(), (shift ? shift_ : 0) | (level3 ? level3_ : 0), 0, locked, 0, 0, 0);
        const Keysym sym{::xkb_state_key_get_one_sym(s.get(), xkb_code(key))};
        if (sym.value == XKB_KEY_NoSymbol) continue;
        entries.push_back(
            {normal(sym).value, {key.place, shift, level3}, level + (level3 ? 2 : 0) + (extra ? 2 : 0)});
      }
    }
    const auto order = [](const KeyboardLayout::Entry& a, const KeyboardLayout::Entry& b) {
      return std::tuple(a.code, a.rank, a.stroke.key) < std::tuple(b.code, b.rank, b.stroke.key);
    };
    std::ranges::sort(entries, order);
  }

  ContextPtr context_;
  KeymapPtr keymap_;
  KeyboardLayout result_;
  xkb_mod_mask_t shift_ = 0, lock_ = 0, level3_ = 0;
};

Result<std::shared_ptr<const KeyboardLayout>> KeyboardLayout::load(std::string_view name) {
  return LayoutCompiler().run(name);
}

std::optional<KeyStroke> KeyboardLayout::stroke(Keysym key, Caps caps) const {
  const auto& entries = entries_[static_cast<std::size_t>(caps)];
  const std::uint32_t code = normal(key).value;
  const auto at = std::ranges::lower_bound(entries, code, {}, &Entry::code);
  if (at == entries.end() || at->code != code) return std::nullopt;
  return at->stroke;
}

bool KeyboardLayout::makes(const KeyStroke& s, Keysym key, Caps caps) const {
  const auto& entries = entries_[static_cast<std::size_t>(caps)];
  const std::uint32_t code = normal(key).value;
  for (auto at = std::ranges::lower_bound(entries, code, {}, &Entry::code); at != entries.end() && at->code == code;
       ++at) {
    if (at->stroke == s) return true;
  }
  return false;
}

std::vector<KeyStroke> KeyboardLayout::strokes(Keysym key, Caps caps) const {
  if (const auto one = stroke(key, caps)) return {*one};
  const char32_t c = character_of(key);
  const auto sequence = c == 0 ? std::nullopt : dead_sequence(c);
  if (!sequence) return {};
  const auto dead = stroke(sequence->dead, caps);
  if (!dead) return {};
  if (sequence->base == c) return {*dead, *dead};
  const auto base = stroke(keysym_of(sequence->base), caps);
  if (!base) return {};
  return {*dead, *base};
}

std::vector<Keysym> KeyboardLayout::reachable() const {
  std::vector<Keysym> all;
  for (const Entry& e : entries_[0]) {
    if (all.empty() || all.back().value != e.code) all.push_back({e.code});
  }
  return all;
}

}  // namespace amtgate::rfb
