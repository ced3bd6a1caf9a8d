#include "amtgate/cli/password_keys.h"

#include <algorithm>

#include "amtgate/rfb/dead_keys.h"

namespace amtgate::cli {
namespace {

/// Accents as they are printed on keys, for keys that make none by themselves.
constexpr char32_t kAccents[] = {U'´', U'`', U'^', U'~', U'¨', U'¸', U'°', U'ˇ', U'˘', U'¯', U'˙', U'˝', U'˛'};

/// What is on keys is below U+10000.
std::string utf8(char32_t c) {
  const auto byte = [](char32_t v) { return static_cast<char>(static_cast<unsigned char>(v)); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | c >> 6), byte(0x80 | (c & 0x3f))};
  return {byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f))};
}

char32_t printed(rfb::Keysym key) {
  if (!rfb::is_dead(key)) return rfb::character_of(key);
  for (const char32_t accent : kAccents) {
    const auto sequence = rfb::dead_sequence(accent);
    if (sequence && sequence->dead == key) return accent;
  }
  return 0;
}

std::string on_key(const rfb::KeyStroke& stroke, const rfb::KeyboardLayout& layout) {
  for (const rfb::Keysym key : layout.reachable()) {
    if (!layout.makes(stroke, key)) continue;
    if (const char32_t c = printed(key); c != 0 && c < 0x10000) return utf8(c);
  }
  return {};
}

}  // namespace

std::vector<MovedCharacter> moved_characters(std::string_view password, const rfb::KeyboardLayout& us,
                                             const rfb::KeyboardLayout& theirs) {
  std::vector<MovedCharacter> out;
  for (std::size_t i = 0; i < password.size(); ++i) {
    const rfb::Keysym key = rfb::keysym_of(static_cast<unsigned char>(password[i]));
    const auto stroke = us.stroke(key);
    if (!stroke || theirs.makes(*stroke, key)) continue;
    out.push_back({i + 1, password[i], on_key(*stroke, theirs)});
  }
  return out;
}

std::string special_characters_that_stay(const rfb::KeyboardLayout& us, const rfb::KeyboardLayout& theirs) {
  constexpr std::string_view kSpecial = "!\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~";
  std::string out(kSpecial);
  for (const MovedCharacter& m : moved_characters(kSpecial, us, theirs)) std::erase(out, m.character);
  return out;
}

}  // namespace amtgate::cli
