// Text that people write for keys: layout names, combinations, text to type.
#include <cstdlib>
#include <string>

#include "amtgate/rfb/key_combo.h"
#include "amtgate/rfb/key_translator.h"

using namespace amtgate;
using namespace amtgate::rfb;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto de = KeyboardLayout::load("de");
  if (!de) std::abort();
  const std::string text(reinterpret_cast<const char*>(data), size);
  KeyTranslator t(*de);
  std::vector<KeyEvent> out;
  const auto combo = parse_key_combo(text);
  if (combo) {
    if (combo->empty() || combo->size() > kMaxComboKeys) std::abort();
    (void)t.press(*combo, out);
  }
  const auto typed = t.type(text, out);
  if (t.keys_down() != 0) std::abort();
  if (typed && out.size() > 16 * (size + kMaxComboKeys)) std::abort();
  if (!typed && !combo && !out.empty()) std::abort();
  // XKB opens files by the name: short ones, of which most are refused before.
  if (size < 24) (void)KeyboardLayout::load(text);
  return 0;
}
