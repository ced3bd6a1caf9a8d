// Every character of the layouts that are promised, from a viewer's keysym through the translator and AMT's keyboard
// to the simulated operating system, which must get that very character.
#include <gtest/gtest.h>
#include <xkbcommon/xkbcommon.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "amtgate/base/handle.h"
#include "amtgate/rfb/key_translator.h"
#include "amtgate/rfb/keysyms.h"
#include "amtgate/sim/kvm_keys.h"
#include "amtgate/sim/os_keyboard.h"

namespace amtgate::rfb {
namespace {

using namespace keysym;
using sim::OsKeyboard;

/// The characters that XKB writes on the keys of a layout, read from its key map and not from KeyboardLayout.
struct Drawn {
  std::map<char32_t, std::set<unsigned>> levels;  // character: the levels (0 to 3) where it stands
  std::set<std::uint32_t> dead;                   // dead keys on levels 0 to 3
};

/// Linux's numbers of the keys with characters: main block, 102nd, Japan's and Brazil's.
constexpr unsigned kDrawnKeys[] = {2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 16, 17, 18, 19, 20,
                                   21, 22, 23, 24, 25, 26, 27, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
                                   40, 41, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 57, 86, 89, 124};

Drawn drawn(const char* layout, const char* variant) {
  const Handle<xkb_context, &xkb_context_unref> context(::xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES));
  const xkb_rule_names names{.rules = "evdev", .model = "pc105", .layout = layout, .variant = variant, .options = ""};
  const Handle<xkb_keymap, &xkb_keymap_unref> map(
      ::xkb_keymap_new_from_names(context.get(), &names, XKB_KEYMAP_COMPILE_NO_FLAGS));
  Drawn all;
  for (const unsigned key : kDrawnKeys) {
    const unsigned levels = ::xkb_keymap_num_levels_for_key(map.get(), key + 8, 0);
    for (unsigned level = 0; level < std::min(levels, 4U); ++level) {
      const xkb_keysym_t* syms = nullptr;
      if (::xkb_keymap_key_get_syms_by_level(map.get(), key + 8, 0, level, &syms) != 1) continue;
      if (syms[0] >= 0xfe50 && syms[0] <= 0xfe93) all.dead.insert(syms[0]);
      const std::uint32_t c = ::xkb_keysym_to_utf32(syms[0]);
      if (c >= 0x20 && c != 0x7f) all.levels[static_cast<char32_t>(c)].insert(level);
    }
  }
  return all;
}

/// A viewer, the gateway's translator, AMT and the machine's operating system.
class Chain {
 public:
  Chain(std::shared_ptr<const KeyboardLayout> layout, const std::string& os) : translator(std::move(layout)) {
    auto loaded = OsKeyboard::load(os);
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().detail);
    system = *loaded;
  }

  KeyOutcome key(bool down, Keysym key) {
    std::vector<KeyEvent> out;
    const KeyOutcome outcome = translator.translate(KeyEvent{down, key}, out);
    EXPECT_LE(out.size(), kMaxEventsPerKey);
    arrive(out);
    return outcome;
  }
  KeyOutcome scan(bool down, std::uint32_t code, Keysym key = {}) {
    std::vector<KeyEvent> out;
    const KeyOutcome outcome = translator.translate(QemuKeyEvent{down, key, code}, out);
    EXPECT_LE(out.size(), kMaxEventsPerKey);
    arrive(out);
    return outcome;
  }
  void arrive(const std::vector<KeyEvent>& events) {
    for (const KeyEvent& e : events) {
      const auto usage = sim::hid_usage(e.key);
      ASSERT_TRUE(usage) << std::hex << e.key.value << ": AMT knows no such keysym";
      const OsKeyboard::Typed typed = system->key(*usage, e.down);
      text += typed.text;
      if (!typed.shortcut.empty()) shortcuts += (shortcuts.empty() ? "" : " ") + typed.shortcut;
    }
  }
  std::u32string take_text() { return std::exchange(text, {}); }

  KeyTranslator translator;
  std::shared_ptr<OsKeyboard> system;
  std::u32string text;
  std::string shortcuts;
};

/// Keysyms by which viewers hold the modifiers of a level.
std::vector<Keysym> modifiers_of(unsigned level) {
  std::vector<Keysym> keys;
  if ((level & 2) != 0) keys.push_back(kIsoLevel3Shift);
  if ((level & 1) != 0) keys.push_back(kShiftL);
  return keys;
}

struct Layout {
  const char* name;
  const char* layout;
  const char* variant;
  bool altgr;                     // has levels 2 and 3
  std::u32string_view not_there;  // drawn on levels that no key reaches, and made by no dead key
};

const Layout kLayouts[] = {
    // Both draw it on the 102nd key's AltGr levels, and have no AltGr.
    {"us", "us", "", false, U"\u00a6"}, {"gb", "gb", "", true, U""},
    {"de", "de", "", true, U""},        {"de(nodeadkeys)", "de", "nodeadkeys", true, U""},
    {"fr", "fr", "", true, U""},        {"es", "es", "", true, U""},
    {"it", "it", "", true, U""},        {"jp", "jp", "", false, U"\u00a6"},
    {"se", "se", "", true, U""},        {"ch", "ch", "", true, U""},
    {"pl", "pl", "", true, U""},        {"br", "br", "", true, U""},
};

class Sweep : public testing::TestWithParam<Layout> {
 protected:
  std::shared_ptr<const KeyboardLayout> load() {
    auto l = KeyboardLayout::load(GetParam().name);
    EXPECT_TRUE(l) << (l ? "" : l.error().detail);
    return *l;
  }
  Drawn drawn_here() { return drawn(GetParam().layout, GetParam().variant); }

  /// One character with the viewer holding the modifiers of `level`, and all as before.
  void types(Chain& chain, char32_t c, unsigned level) {
    const std::string what = "U+" +
                             [&] {
                               char t[8];
                               std::snprintf(t, sizeof t, "%04X", static_cast<unsigned>(c));
                               return std::string(t);
                             }() +
                             " with the modifiers of level " + std::to_string(level) + " held";
    for (const Keysym m : modifiers_of(level)) chain.key(true, m);
    const OsKeyboard::Modifiers before = chain.system->modifiers();
    EXPECT_EQ(before.shift, (level & 1) != 0) << what;
    EXPECT_EQ(before.altgr, (level & 2) != 0 && GetParam().altgr) << what;
    EXPECT_EQ(chain.key(true, keysym_of(c)), KeyOutcome::Sent) << what;
    EXPECT_EQ(chain.system->modifiers(), before) << what;
    chain.key(false, keysym_of(c));
    EXPECT_EQ(chain.system->modifiers(), before) << what;
    for (const Keysym m : modifiers_of(level)) chain.key(false, m);
    EXPECT_EQ(chain.system->keys_down(), 0U) << what;
    EXPECT_EQ(chain.system->modifiers(), OsKeyboard::Modifiers{}) << what;
    EXPECT_EQ(chain.take_text(), std::u32string(1, c)) << what;
    EXPECT_EQ(std::exchange(chain.shortcuts, {}), "") << what;
  }
};

TEST_P(Sweep, EveryCharacterArrivesWhateverTheViewerHolds) {
  Chain chain(load(), GetParam().name);
  std::u32string not_there;
  unsigned count = 0;
  for (const auto& [c, levels] : drawn_here().levels) {
    if (chain.translator.layout().strokes(keysym_of(c)).empty()) {
      not_there += c;
      EXPECT_EQ(chain.key(true, keysym_of(c)), KeyOutcome::Unreachable);
      chain.key(false, keysym_of(c));
      EXPECT_EQ(chain.take_text(), U"");
      continue;
    }
    // 0 is a viewer that sends no modifiers (noVNC, vncdo); the character's own level is one with the same layout;
    // the others are viewers with another layout.
    for (unsigned level = 0; level < 4; ++level) types(chain, c, level);
    ++count;
  }
  EXPECT_EQ(not_there, GetParam().not_there);
  EXPECT_GE(count, 95U);
}

TEST_P(Sweep, LettersOfLatin1ArriveByDeadKeys) {
  const Drawn here = drawn_here();
  Chain chain(load(), GetParam().name);
  unsigned composed = 0;
  for (char32_t c = 0xa1; c < 0x180; ++c) {
    if (here.levels.contains(c)) continue;
    if (chain.translator.layout().strokes(keysym_of(c)).empty()) continue;
    for (unsigned level = 0; level < 4; ++level) types(chain, c, level);
    ++composed;
  }
  // Acute alone makes eleven letters of Latin-1.
  EXPECT_GE(composed, here.dead.contains(0xfe51) ? 11U : 0U);
  EXPECT_EQ(composed == 0, here.dead.empty());
}

TEST_P(Sweep, CapitalsOfAViewersCapsLock) {
  Chain chain(load(), GetParam().name);
  chain.key(true, kCapsLock);
  chain.key(false, kCapsLock);
  for (char32_t c = 'A'; c <= 'Z'; ++c) types(chain, c, 0);
  // With Shift as well they are small.
  for (char32_t c = 'a'; c <= 'z'; ++c) types(chain, c, 1);
  EXPECT_FALSE(chain.system->modifiers().caps);
}

TEST_P(Sweep, CapsLockByItsPlaceIsThePcsAndIsReckonedWith) {
  Chain chain(load(), GetParam().name);
  chain.scan(true, 0x3a);
  chain.scan(false, 0x3a);
  const bool caps = chain.system->modifiers().caps;  // jp: Eisu without Shift
  for (const auto& [c, levels] : drawn_here().levels) {
    if (chain.translator.layout()
            .strokes(keysym_of(c), caps ? KeyboardLayout::Caps::On : KeyboardLayout::Caps::Off)
            .empty())
      continue;
    chain.key(true, keysym_of(c));
    chain.key(false, keysym_of(c));
    EXPECT_EQ(chain.take_text(), std::u32string(1, c)) << std::hex << static_cast<unsigned>(c);
  }
}

TEST_P(Sweep, TypesText) {
  Chain chain(load(), GetParam().name);
  std::u32string all;
  std::string utf8;
  for (const auto& [c, levels] : drawn_here().levels) {
    if (chain.translator.layout().strokes(keysym_of(c)).empty()) continue;
    char bytes[8];
    ASSERT_GT(::xkb_keysym_to_utf8(keysym_of(c).value, bytes, sizeof bytes), 0);
    utf8 += bytes;
    all += c;
  }
  chain.key(true, kShiftL);
  chain.key(true, kControlL);
  std::vector<KeyEvent> out;
  const Result<void> r = chain.translator.type(utf8, out);
  ASSERT_TRUE(r) << r.error().detail;
  chain.arrive(out);
  EXPECT_EQ(chain.text, all);
  EXPECT_EQ(chain.shortcuts, "");
  EXPECT_TRUE(chain.system->modifiers().ctrl && chain.system->modifiers().shift);
}

/// Scan codes by hand, not from amt_keys.h.
constexpr std::uint8_t kPlaces[] = {
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13,
    0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26,
    0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39,
    0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c,
    0x4d, 0x4e, 0x4f, 0x50, 0x51, 0x52, 0x53, 0x56, 0x57, 0x58, 0x70, 0x73, 0x79, 0x7b, 0x7d, 0x9c, 0x9d, 0xb5, 0xb7,
    0xb8, 0xc6, 0xc7, 0xc8, 0xc9, 0xcb, 0xcd, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xdb, 0xdc, 0xdd};

TEST_P(Sweep, RandomKeysLeaveNothingBehind) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  const auto layout = load();
  std::vector<Keysym> keys = layout->reachable();
  for (std::uint32_t k = 0xff08; k <= 0xffff; ++k) keys.push_back({k});
  for (std::uint32_t k = 0xfe01; k <= 0xfe60; ++k) keys.push_back({k});
  for (std::uint32_t k = 0xa0; k <= 0x180; ++k) keys.push_back(keysym_of(static_cast<char32_t>(k)));
  // Many modifiers, as people press them.
  for (unsigned i = 0; i < 100; ++i) {
    for (const Keysym k : {kShiftL, kShiftR, kIsoLevel3Shift, kControlL, kAltL, kAltR, kMetaL}) keys.push_back(k);
  }
  for (unsigned round = 0; round < 20; ++round) {
    Chain chain(layout, GetParam().name);
    std::vector<Keysym> held;
    for (unsigned i = 0; i < 300; ++i) {
      if (!held.empty() && below(2) == 0) {
        const std::size_t which = below(static_cast<unsigned>(held.size()));
        chain.key(false, held[which]);
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
      } else if (below(3) == 0) {
        chain.scan(below(2) == 0, kPlaces[below(std::size(kPlaces))]);
      } else {
        held.push_back(keys[below(static_cast<unsigned>(keys.size()))]);
        chain.key(true, held.back());
      }
      ASSERT_EQ(chain.system->keys_down(), chain.translator.keys_down());
    }
    std::vector<KeyEvent> out;
    chain.translator.release_all(out);
    chain.arrive(out);
    ASSERT_EQ(chain.system->keys_down(), 0U);
    OsKeyboard::Modifiers none;
    none.caps = chain.system->modifiers().caps;
    ASSERT_EQ(chain.system->modifiers(), none);
  }
}

/// A viewer on X11 that names every key by the state of the moment, also when it goes up: gtk-vnc without scan codes.
class X11Viewer {
 public:
  explicit X11Viewer(const Layout& layout) : context_(::xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES)) {
    const xkb_rule_names names{
        .rules = "evdev", .model = "pc105", .layout = layout.layout, .variant = layout.variant, .options = ""};
    map_.reset(::xkb_keymap_new_from_names(context_.get(), &names, XKB_KEYMAP_COMPILE_NO_FLAGS));
    state_.reset(::xkb_state_new(map_.get()));
  }
  Keysym key(unsigned linux_key, bool down) {
    const Keysym name{::xkb_state_key_get_one_sym(state_.get(), linux_key + 8)};
    ::xkb_state_update_key(state_.get(), linux_key + 8, down ? XKB_KEY_DOWN : XKB_KEY_UP);
    return name;
  }

 private:
  Handle<xkb_context, &xkb_context_unref> context_;
  Handle<xkb_keymap, &xkb_keymap_unref> map_;
  Handle<xkb_state, &xkb_state_unref> state_;
};

TEST_P(Sweep, KeysThatChangeTheirNameGoUp) {
  // Which key is meant is a guess where several are down: always the same keys, so that a better guess can be seen.
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  // Shift, AltGr, left Alt, Num Lock, the key pad's 7, Tab, Print.
  std::vector<unsigned> keys{42, 42, 54, 100, 56, 69, 71, 15, 99, 42, 100};
  keys.insert(keys.end(), std::begin(kDrawnKeys), std::end(kDrawnKeys));
  const auto layout = load();
  for (const Layout& viewers : kLayouts) {
    Chain chain(layout, GetParam().name);
    X11Viewer viewer(viewers);
    std::string story;
    for (unsigned round = 0; round < 200; ++round) {
      std::vector<unsigned> held;
      std::string before = std::exchange(story, {});
      const auto press = [&](unsigned key, bool down) {
        const Keysym name = viewer.key(key, down);
        char text[32];
        std::snprintf(text, sizeof text, " %c%u:%x", down ? '+' : '-', key, name.value);
        story += text;
        if (name.value != 0) chain.key(down, name);
      };
      // No more than three at once, as typing people have, and all up again.
      for (unsigned i = 0; i < 8; ++i) {
        const unsigned key = keys[below(keys.size())];
        if (held.size() < 3 && std::ranges::find(held, key) == held.end()) {
          held.push_back(key);
          press(key, true);
        } else {
          const std::size_t which = below(held.size());
          press(held[which], false);
          held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
        }
      }
      while (!held.empty()) {
        const std::size_t which = below(held.size());
        press(held[which], false);
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
      }
      ASSERT_EQ(chain.system->keys_down(), 0U) << "viewer " << viewers.name << ":" << before << " |" << story;
    }
  }
}

/// What a person sees who types on a keyboard of this layout, by scan codes.
TEST_P(Sweep, ScanCodesAreThePcsKeys) {
  Chain chain(load(), GetParam().name);
  std::set<std::size_t> usages;
  for (const std::uint8_t place : kPlaces) {
    EXPECT_EQ(chain.scan(true, place), KeyOutcome::Sent) << std::hex << +place;
    EXPECT_EQ(chain.system->keys_down(), 1U) << std::hex << +place;
    chain.scan(false, place);
    EXPECT_EQ(chain.system->keys_down(), 0U) << std::hex << +place;
  }
  // All of the drawn characters of the levels, by place.
  (void)chain.take_text();
  chain.scan(true, 0x3a), chain.scan(false, 0x3a);  // Caps Lock off again
  (void)chain.take_text();
  std::set<char32_t> seen;
  for (unsigned level = 0; level < 4; ++level) {
    if ((level & 2) != 0 && !GetParam().altgr) break;
    if ((level & 2) != 0) chain.scan(true, 0xb8, kIsoLevel3Shift);
    if ((level & 1) != 0) chain.scan(true, 0x2a, kShiftL);
    for (const std::uint8_t place : kPlaces) {
      if (place >= 0x37 && place != 0x39 && place != 0x56 && place != 0x73 && place != 0x7d) continue;
      if (place == 0x1d || place == 0x2a || place == 0x36) continue;
      chain.scan(true, place);
      chain.scan(false, place);
      chain.scan(true, 0x39), chain.scan(false, 0x39);  // ends a dead key
    }
    for (const char32_t c : chain.take_text()) seen.insert(c);
    chain.scan(false, 0x2a), chain.scan(false, 0xb8);
  }
  for (const auto& [c, levels] : drawn_here().levels) {
    if (!GetParam().altgr && *levels.begin() > 1) continue;
    EXPECT_TRUE(seen.contains(c)) << std::hex << static_cast<unsigned>(c);
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, Sweep, testing::ValuesIn(kLayouts),
                         [](const auto& row) { return std::string(row.param.layout) + row.param.variant; });

}  // namespace
}  // namespace amtgate::rfb
