#include "amtgate/rfb/typed_text.h"

#include <string>

#include "amtgate/rfb/keysyms.h"
#include "amtgate/rfb/utf8.h"

namespace amtgate::rfb {
namespace {

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

std::string where(std::size_t number) {
  return "character " + std::to_string(number) + " of the text ";
}

}  // namespace

Result<std::vector<Keysym>> text_keysyms(std::string_view text) {
  if (text.size() > kMaxTypedText) {
    return Error{Errc::TooLarge,
                 "text of " + std::to_string(text.size()) + " bytes (limit " + std::to_string(kMaxTypedText) + ")"};
  }
  std::vector<Keysym> out;
  while (!text.empty()) {
    if (text.starts_with("\r\n")) text.remove_prefix(1);
    const auto c = take_utf8(text);
    if (!c) return Error{Errc::BadValue, where(out.size() + 1) + "is not UTF-8"};
    if (*c == '\n' || *c == '\r') {
      out.push_back(keysym::kReturn);
    } else if (*c == '\t') {
      out.push_back(keysym::kTab);
    } else if (is_control(*c)) {
      return Error{Errc::BadValue, where(out.size() + 1) + "is a control character"};
    } else {
      out.push_back(keysym_of(*c));
    }
  }
  return out;
}

Result<void> typable(const std::vector<Keysym>& text, const KeyboardLayout& layout, KeyboardLayout::Caps caps) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == keysym::kReturn || text[i] == keysym::kTab || !layout.strokes(text[i], caps).empty()) continue;
    return Error{Errc::Unsupported, where(i + 1) + "cannot be typed in the layout " + layout.name()};
  }
  return {};
}

}  // namespace amtgate::rfb
