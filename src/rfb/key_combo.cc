#include "amtgate/rfb/key_combo.h"

#include <algorithm>
#include <string>

#include "amtgate/rfb/keyboard_layout.h"
#include "amtgate/rfb/keysyms.h"
#include "amtgate/rfb/utf8.h"

namespace amtgate::rfb {
namespace {

using namespace keysym;

struct Word {
  std::string_view word;
  Keysym key;
};

constexpr Word kWords[] = {
    {"ctrl", kControlL},
    {"control", kControlL},
    {"lctrl", kControlL},
    {"rctrl", kControlR},
    {"shift", kShiftL},
    {"lshift", kShiftL},
    {"rshift", kShiftR},
    {"alt", kAltL},
    {"lalt", kAltL},
    {"altgr", kAltR},
    {"ralt", kAltR},
    {"win", kSuperL},
    {"super", kSuperL},
    {"meta", kSuperL},
    {"lwin", kSuperL},
    {"rwin", kSuperR},
    {"del", kDelete},
    {"delete", kDelete},
    {"ins", kInsert},
    {"insert", kInsert},
    {"esc", kEscape},
    {"escape", kEscape},
    {"enter", kReturn},
    {"return", kReturn},
    {"tab", kTab},
    {"space", kSpace},
    {"backspace", kBackSpace},
    {"home", kHome},
    {"end", kEnd},
    {"pgup", kPageUp},
    {"pageup", kPageUp},
    {"pgdn", kPageDown},
    {"pagedown", kPageDown},
    {"up", kUp},
    {"down", kDown},
    {"left", kLeft},
    {"right", kRight},
    {"print", kPrint},
    {"printscreen", kPrint},
    {"sysrq", kPrint},
    {"scrolllock", kScrollLock},
    {"pause", kPause},
    {"break", kPause},
    {"capslock", kCapsLock},
    {"numlock", kNumLock},
    {"menu", kMenu},
    {"minus", {'-'}},
    {"plus", {'+'}},
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

Keysym parse_word(std::string_view text) {
  const std::string word = lower(text);
  for (const Word& w : kWords) {
    if (w.word == word) return w.key;
  }
  if (word.size() >= 2 && word.size() <= 3 && word[0] == 'f' &&
      word.find_first_not_of("0123456789", 1) == std::string::npos) {
    const int n = std::stoi(word.substr(1));
    if (n >= 1 && n <= 12 && word[1] != '0') return {kF1.value + static_cast<std::uint32_t>(n) - 1};
  }
  // A capital is its key: ctrl-C is ctrl-c.
  std::string_view rest = word;
  const auto c = take_utf8(rest);
  if (!c || !rest.empty() || *c <= 0x20 || (*c >= 0x7f && *c < 0xa1)) return {};
  return keysym_of(*c);
}

}  // namespace

Result<std::vector<Keysym>> parse_key_combo(std::string_view text) {
  std::vector<Keysym> keys;
  // A sign at the beginning of a word is a key: "ctrl--" and "+" are.
  while (true) {
    const std::size_t end = text.find_first_of("-+", 1);
    const std::string_view word = text.substr(0, end);
    if (word.empty()) return Error{Errc::BadValue, "a key is missing: write ctrl-alt-del, win-r, f12"};
    const Keysym key = parse_word(word);
    if (key.value == 0) {
      return Error{Errc::BadValue,
                   "'" + std::string(word.substr(0, 40)) + "' is no key: write ctrl-alt-del, win-r, f12"};
    }
    if (std::ranges::find(keys, key) != keys.end()) {
      return Error{Errc::BadValue, "'" + std::string(word) + "' is there twice"};
    }
    if (keys.size() == kMaxComboKeys) {
      return Error{Errc::TooLarge, "more than " + std::to_string(kMaxComboKeys) + " keys at once"};
    }
    keys.push_back(key);
    if (end == std::string_view::npos) return keys;
    text.remove_prefix(end + 1);
  }
}

}  // namespace amtgate::rfb
