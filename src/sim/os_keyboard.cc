#include "amtgate/sim/os_keyboard.h"

#include <xkbcommon/xkbcommon-compose.h>
#include <xkbcommon/xkbcommon.h>

#include "amtgate/base/handle.h"

namespace amtgate::sim {
namespace {

/// Linux's key for a usage of the HID page 7 (hid-input.c, usages 0x00 to 0x8f); 0 for none.
constexpr std::uint8_t kLinuxKey[0x90] = {
    0,   0,   0,   0,   30,  48,  46,  32,  18,  33,  34,  35,  23,  36,  37,  38,   // 00
    50,  49,  24,  25,  16,  19,  31,  20,  22,  47,  17,  45,  21,  44,  2,   3,    // 10
    4,   5,   6,   7,   8,   9,   10,  11,  28,  1,   14,  15,  57,  12,  13,  26,   // 20
    27,  43,  43,  39,  40,  41,  51,  52,  53,  58,  59,  60,  61,  62,  63,  64,   // 30
    65,  66,  67,  68,  87,  88,  99,  70,  119, 110, 102, 104, 111, 107, 109, 106,  // 40
    105, 108, 103, 69,  98,  55,  74,  78,  96,  79,  80,  81,  75,  76,  77,  71,   // 50
    72,  73,  82,  83,  86,  127, 116, 117, 183, 184, 185, 186, 187, 188, 189, 190,  // 60
    191, 192, 193, 194, 134, 138, 130, 132, 128, 129, 131, 137, 133, 135, 136, 113,  // 70
    115, 114, 0,   0,   0,   121, 0,   89,  93,  124, 92,  94,  95,  0,   0,   0,    // 80
};
constexpr std::uint8_t kLinuxModifier[] = {29, 42, 56, 125, 97, 54, 100, 126};  // usages 0xe0 to 0xe7

xkb_keycode_t xkb_code(std::uint8_t usage) {
  const unsigned key = usage >= 0xe0 && usage <= 0xe7 ? kLinuxModifier[usage - 0xe0]
                       : usage < 0x90                 ? kLinuxKey[usage]
                                                      : 0;
  return key == 0 ? 0 : key + 8;
}

void silent(xkb_context*, xkb_log_level, const char*, va_list) {}

std::u32string from_utf8(std::string_view text) {
  std::u32string all;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80 && !all.empty()) {
      all.back() = all.back() << 6 | (byte & 0x3fU);
    } else {
      all.push_back(byte < 0x80 ? byte : byte & (byte < 0xe0 ? 0x1fU : byte < 0xf0 ? 0x0fU : 0x07U));
    }
  }
  return all;
}

}  // namespace

struct OsKeyboard::Xkb {
  Handle<xkb_context, &xkb_context_unref> context;
  Handle<xkb_keymap, &xkb_keymap_unref> keymap;
  Handle<xkb_state, &xkb_state_unref> state;
  Handle<xkb_compose_table, &xkb_compose_table_unref> table;
  Handle<xkb_compose_state, &xkb_compose_state_unref> compose;

  bool active(const char* modifier) const {
    return ::xkb_state_mod_name_is_active(state.get(), modifier, XKB_STATE_MODS_DEPRESSED) > 0;
  }
};

OsKeyboard::OsKeyboard(std::unique_ptr<Xkb> xkb) : xkb_(std::move(xkb)) {}
OsKeyboard::~OsKeyboard() = default;

Result<std::shared_ptr<OsKeyboard>> OsKeyboard::load(const std::string& layout) {
  auto x = std::make_unique<Xkb>();
  x->context.reset(::xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES));
  if (!x->context) return Error{Errc::System, "XKB finds no folder of layouts (package xkb-data)"};
  ::xkb_context_set_log_fn(x->context.get(), &silent);
  const std::size_t open = layout.find('(');
  if (open != std::string::npos && layout.back() != ')') {
    return Error{Errc::BadValue, "keyboard '" + layout + "' ends without ')'"};
  }
  const std::string name = layout.substr(0, open);
  const std::string variant = open == std::string::npos ? "" : layout.substr(open + 1, layout.size() - open - 2);
  const xkb_rule_names names{
      .rules = "evdev", .model = "pc105", .layout = name.c_str(), .variant = variant.c_str(), .options = ""};
  x->keymap.reset(::xkb_keymap_new_from_names(x->context.get(), &names, XKB_KEYMAP_COMPILE_NO_FLAGS));
  if (!x->keymap) return Error{Errc::BadValue, "keyboard '" + layout + "' is not a layout XKB knows"};
  x->state.reset(::xkb_state_new(x->keymap.get()));
  x->table.reset(::xkb_compose_table_new_from_locale(x->context.get(), "en_US.UTF-8", XKB_COMPOSE_COMPILE_NO_FLAGS));
  if (!x->table) return Error{Errc::System, "no table of dead keys for en_US.UTF-8 (package libx11-data)"};
  x->compose.reset(::xkb_compose_state_new(x->table.get(), XKB_COMPOSE_STATE_NO_FLAGS));
  return std::shared_ptr<OsKeyboard>(new OsKeyboard(std::move(x)));
}

OsKeyboard::Typed OsKeyboard::key(std::uint8_t usage, bool down) {
  const xkb_keycode_t code = xkb_code(usage);
  if (code == 0 || down_.test(usage) == down) return {};
  down_.set(usage, down);
  Typed typed;
  if (down) {
    // As programs do: first what the key means now, then what it does to the state.
    const xkb_keysym_t sym = ::xkb_state_key_get_one_sym(xkb_->state.get(), code);
    const Modifiers m = modifiers();
    const bool modifier = (sym >= 0xffe1 && sym <= 0xffee) || (sym >= 0xfe01 && sym <= 0xfe13) || sym == 0xff7e;
    if (!modifier && (m.ctrl || m.alt || m.meta)) {
      typed.shortcut = std::string(m.ctrl ? "Control+" : "") + (m.alt ? "Alt+" : "") + (m.meta ? "Meta+" : "") +
                       (m.shift ? "Shift+" : "");
      char word[64] = {};
      ::xkb_keysym_get_name(sym, word, sizeof word);
      typed.shortcut += word;
      ::xkb_compose_state_reset(xkb_->compose.get());
    } else if (!modifier) {
      ::xkb_compose_state_feed(xkb_->compose.get(), sym);
      char utf8[64] = {};
      switch (::xkb_compose_state_get_status(xkb_->compose.get())) {
        case XKB_COMPOSE_NOTHING:
          if (const std::uint32_t c = ::xkb_keysym_to_utf32(sym); c >= 0x20 && c != 0x7f) typed.text = c;
          break;
        case XKB_COMPOSE_COMPOSED:
          ::xkb_compose_state_get_utf8(xkb_->compose.get(), utf8, sizeof utf8);
          typed.text = from_utf8(utf8);
          ::xkb_compose_state_reset(xkb_->compose.get());
          break;
        case XKB_COMPOSE_CANCELLED: ::xkb_compose_state_reset(xkb_->compose.get()); break;
        case XKB_COMPOSE_COMPOSING: break;
      }
    }
  }
  ::xkb_state_update_key(xkb_->state.get(), code, down ? XKB_KEY_DOWN : XKB_KEY_UP);
  return typed;
}

OsKeyboard::Modifiers OsKeyboard::modifiers() const {
  const bool caps = ::xkb_state_mod_name_is_active(xkb_->state.get(), XKB_MOD_NAME_CAPS, XKB_STATE_MODS_LOCKED) > 0;
  return {xkb_->active(XKB_MOD_NAME_SHIFT), xkb_->active(XKB_MOD_NAME_CTRL),
          xkb_->active(XKB_MOD_NAME_ALT),   xkb_->active("Mod5"),
          xkb_->active(XKB_MOD_NAME_LOGO),  caps};
}

std::size_t OsKeyboard::unplug() {
  const std::size_t n = down_.count();
  for (unsigned usage = 0; usage < down_.size(); ++usage) {
    if (down_.test(usage)) (void)key(static_cast<std::uint8_t>(usage), false);
  }
  ::xkb_compose_state_reset(xkb_->compose.get());
  return n;
}

}  // namespace amtgate::sim
