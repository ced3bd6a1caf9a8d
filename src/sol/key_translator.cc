#include "amtgate/sol/key_translator.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace amtgate::sol {
namespace {

constexpr char kEsc = 0x1b;
constexpr std::uint8_t kBackspace = 0x08, kDelete = 0x7f;

enum Key : std::uint8_t {
  F1,
  F2,
  F3,
  F4,
  F5,
  F6,
  F7,
  F8,
  F9,
  F10,
  F11,
  F12,
  Up,
  Down,
  Right,
  Left,
  Home,
  End,
  Insert,
  Delete,
  PageUp,
  PageDown
};
constexpr std::size_t kKeys = 22;

/// What terminals send, behind ESC.
struct Sent {
  std::string_view text;
  Key key;
};
constexpr Sent kSent[] = {
    // xterm, VTE, PuTTY and most others
    {"OP", F1},
    {"OQ", F2},
    {"OR", F3},
    {"OS", F4},
    {"[15~", F5},
    {"[17~", F6},
    {"[18~", F7},
    {"[19~", F8},
    {"[20~", F9},
    {"[21~", F10},
    {"[23~", F11},
    {"[24~", F12},
    {"[A", Up},
    {"[B", Down},
    {"[C", Right},
    {"[D", Left},
    {"[H", Home},
    {"[F", End},
    {"[2~", Insert},
    {"[3~", Delete},
    {"[5~", PageUp},
    {"[6~", PageDown},
    // application mode
    {"OA", Up},
    {"OB", Down},
    {"OC", Right},
    {"OD", Left},
    {"OH", Home},
    {"OF", End},
    // rxvt, screen, tmux, VT220, older xterm
    {"[11~", F1},
    {"[12~", F2},
    {"[13~", F3},
    {"[14~", F4},
    {"[1~", Home},
    {"[4~", End},
    {"[7~", Home},
    {"[8~", End},
    // PuTTY, set to "VT100+", which is not Microsoft's
    {"OT", F5},
    {"OU", F6},
    {"OV", F7},
    {"OW", F8},
    {"OX", F9},
    {"OY", F10},
    {"OZ", F11},
    {"O[", F12},
    // Linux console
    {"[[A", F1},
    {"[[B", F2},
    {"[[C", F3},
    {"[[D", F4},
    {"[[E", F5}};

using Row = std::array<std::string_view, kKeys>;
constexpr Row kVt100Plus = {"1", "2",  "3",  "4",  "5",  "6", "7", "8", "9", "0", "!",
                            "@", "[A", "[B", "[C", "[D", "h", "k", "+", "-", "?", "/"};
constexpr Row kVt100 = {"OP",   "OQ", "Ow", "Ox", "Ot", "Ou", "Oq", "Or", "Op", "OM", "[23~",
                        "[24~", "[A", "[B", "[C", "[D", "[H", "[K", "[@", "[P", "[V", "[U"};
constexpr Row kLinux = {"[[A",  "[[B", "[[C", "[[D", "[[E", "[17~", "[18~", "[19~", "[20~", "[21~", "[23~",
                        "[24~", "[A",  "[B",  "[C",  "[D",  "[1~",  "[4~",  "[2~",  "[3~",  "[5~",  "[6~"};

const Row& row(KeyStyle style) {
  switch (style) {
    case KeyStyle::Vt100: return kVt100;
    case KeyStyle::Linux: return kLinux;
    case KeyStyle::Vt100Plus:
    case KeyStyle::VtUtf8:
    case KeyStyle::AsIs: break;
  }
  return kVt100Plus;
}

struct Style {
  KeyStyle style;
  std::string_view word;
};
constexpr Style kStyles[] = {{KeyStyle::Vt100, "vt100"},
                             {KeyStyle::Vt100Plus, "vt100+"},
                             {KeyStyle::VtUtf8, "vt-utf8"},
                             {KeyStyle::Linux, "linux"},
                             {KeyStyle::AsIs, "esc"}};

}  // namespace

std::string_view name(KeyStyle style) {
  for (const Style& s : kStyles) {
    if (s.style == style) return s.word;
  }
  return "esc";
}

std::optional<KeyStyle> parse_key_style(std::string_view text) {
  for (const Style& s : kStyles) {
    if (s.word == text) return s.style;
  }
  return std::nullopt;
}

void KeyTranslator::receive(Bytes typed, TimePoint now, Buffer& out) {
  for (const std::uint8_t c : typed) take(c, out);
  until_ = pending_.empty() ? std::nullopt : std::optional(now + kPause);
}

void KeyTranslator::take(std::uint8_t c, Buffer& out) {
  if (style_ == KeyStyle::AsIs) {
    finish(out);
    out.push_back(c);
    return;
  }
  if (c == static_cast<std::uint8_t>(kEsc)) {
    finish(out);  // the one before was a key of its own
    pending_ += kEsc;
    return;
  }
  if (pending_.empty()) {
    out.push_back(c == kDelete && style_ != KeyStyle::Linux ? kBackspace : c);
    return;
  }
  pending_ += static_cast<char>(c);
  const std::string_view so_far = std::string_view(pending_).substr(1);
  bool goes_on = false;
  for (const Sent& sent : kSent) {
    if (sent.text == so_far) {
      pending_.clear();
      out.push_back(static_cast<std::uint8_t>(kEsc));
      append(out, row(style_)[sent.key]);
      return;
    }
    goes_on = goes_on || sent.text.starts_with(so_far);
  }
  if (!goes_on || pending_.size() >= kLongest) finish(out);
}

void KeyTranslator::tick(TimePoint now, Buffer& out) {
  if (until_ && now >= *until_) finish(out);
}

void KeyTranslator::finish(Buffer& out) {
  append(out, std::string_view(pending_));
  pending_.clear();
  until_.reset();
}

}  // namespace amtgate::sol
