// A viewer that presses anything: what AMT gets stays within its keys and bounds, and no key stays down.
//
// Input: a byte chooses the layout, then records of 6 bytes: what (0 key event, 1 QEMU's, 2 all up, 3 a combination
// of two) with bit 7 for down | a scan code | a keysym (BE32).
#include <array>
#include <cstdlib>
#include <iterator>
#include <set>

#include "amtgate/base/reader.h"
#include "amtgate/rfb/key_translator.h"

using namespace amtgate;
using namespace amtgate::rfb;

namespace {

const std::shared_ptr<const KeyboardLayout>& layout(unsigned which) {
  static const auto all = [] {
    std::array<std::shared_ptr<const KeyboardLayout>, 6> list;
    const char* const names[] = {"us", "de", "fr", "jp", "ru", "de(neo)"};
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto loaded = KeyboardLayout::load(names[i]);
      if (!loaded) std::abort();
      list[i] = *loaded;
    }
    return list;
  }();
  return all[which % all.size()];
}

/// The keys that are down at the PC.
class Keyboard {
 public:
  void take(const std::vector<KeyEvent>& events) {
    for (const KeyEvent& e : events) {
      const std::uint32_t c = e.key.value;
      const Keysym key{c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c};
      bool known = false;
      for (const AmtKey& k : amt_keys()) known = known || k.keysym == key;
      if (!known) std::abort();
      if (e.down) {
        down_.insert(key.value);
      } else if (down_.erase(key.value) == 0) {
        std::abort();
      }
    }
  }
  std::size_t count() const { return down_.size(); }

 private:
  std::set<std::uint32_t> down_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  KeyTranslator t(layout(data[0]));
  Keyboard pc;
  std::vector<KeyEvent> out;
  Reader in(Bytes(data + 1, size - 1));
  while (true) {
    const std::uint8_t what = in.u8(), code = in.u8();
    const Keysym key{in.be32()};
    if (in.failed()) break;
    const bool down = (what & 0x80) != 0;
    out.clear();
    switch (what & 3) {
      case 0: (void)t.translate(KeyEvent{down, key}, out); break;
      case 1: (void)t.translate(QemuKeyEvent{down, key, code}, out); break;
      case 2: t.release_all(out); break;
      default: (void)t.press(std::array{key, Keysym{code}}, out); break;
    }
    if ((what & 3) < 2 && out.size() > kMaxEventsPerKey) std::abort();
    pc.take(out);
    if (pc.count() != t.keys_down() || pc.count() > kMaxKeysDown) std::abort();
  }
  out.clear();
  t.release_all(out);
  pc.take(out);
  if (pc.count() != 0 || t.keys_down() != 0) std::abort();
  return 0;
}
