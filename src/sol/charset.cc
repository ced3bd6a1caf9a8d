#include "amtgate/sol/charset.h"

#include <array>
#include <cstdint>

namespace amtgate::sol {
namespace {

// Code page 437 from 0x80 on. Source: Unicode's mapping file CP437.TXT.
constexpr std::u16string_view kCp437 =
    u"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ"
    u"áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
    u"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
    u"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";
static_assert(kCp437.size() == 128);

void put_utf8(Buffer& out, char32_t c) {
  const auto byte = [&out](char32_t b) { out.push_back(static_cast<std::uint8_t>(b)); };
  if (c < 0x80) return byte(c);
  if (c < 0x800) {
    byte(0xc0 | c >> 6);
    return byte(0x80 | (c & 0x3f));
  }
  byte(0xe0 | c >> 12);
  byte(0x80 | (c >> 6 & 0x3f));
  byte(0x80 | (c & 0x3f));
}

/// Bytes of the character that `text` begins with (RFC 3629): 0 where it is none, more than there are where it may
/// become one.
std::size_t utf8_length(std::string_view text) {
  const auto at = [&text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = at(0);
  if (first < 0x80) return 1;
  const std::size_t n = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (n == 0) return 0;
  for (std::size_t i = 1; i < n && i < text.size(); ++i) {
    const std::uint8_t low = i > 1 ? 0x80 : first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t high = i > 1 ? 0xbf : first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (at(i) < low || at(i) > high) return 0;
  }
  return n;
}

char32_t utf8_value(std::string_view text) {
  const auto at = [&text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  char32_t c = text.size() == 1 ? at(0) : at(0) & (0x7fU >> text.size());
  for (std::size_t i = 1; i < text.size(); ++i) c = c << 6 | (at(i) & 0x3fU);
  return c;
}

struct Word {
  Charset charset;
  std::string_view word;
};
constexpr Word kWords[] = {{Charset::Cp437, "cp437"}, {Charset::Utf8, "utf-8"}, {Charset::Latin1, "latin1"}};

}  // namespace

std::string_view name(Charset charset) {
  for (const Word& w : kWords) {
    if (w.charset == charset) return w.word;
  }
  return "utf-8";
}

std::optional<Charset> parse_charset(std::string_view text) {
  for (const Word& w : kWords) {
    if (w.word == text) return w.charset;
  }
  return std::nullopt;
}

void CharsetDecoder::decode(Bytes in, Buffer& out) {
  for (const std::uint8_t byte : in) take(byte, out);
}

void CharsetDecoder::take(std::uint8_t byte, Buffer& out) {
  if (charset_ == Charset::Latin1) return put_utf8(out, byte);
  if (charset_ == Charset::Cp437) return put_utf8(out, byte < 0x80 ? byte : kCp437[byte - 0x80U]);
  if (pending_.empty() && byte < 0x80) return out.push_back(byte);
  pending_ += static_cast<char>(byte);
  while (!pending_.empty()) {
    const std::size_t n = utf8_length(pending_);
    if (n > pending_.size()) return;
    give(n, out);
  }
}

/// The front of what waits: a character of so many bytes, or with 0 a byte that is none.
void CharsetDecoder::give(std::size_t n, Buffer& out) {
  if (n == 0) {
    put_utf8(out, kCp437[static_cast<std::uint8_t>(pending_[0]) - 0x80U]);
    n = 1;
  } else {
    append(out, std::string_view(pending_).substr(0, n));
  }
  pending_.erase(0, n);
}

void CharsetDecoder::finish(Buffer& out) {
  while (!pending_.empty()) give(static_cast<std::uint8_t>(pending_[0]) < 0x80 ? 1 : 0, out);
}

void CharsetEncoder::encode(Bytes in, Buffer& out) {
  if (charset_ == Charset::Utf8) return append(out, in);
  for (const std::uint8_t byte : in) {
    pending_ += static_cast<char>(byte);
    const std::size_t n = utf8_length(pending_);
    if (n > pending_.size()) continue;
    if (n == 0) {
      append(out, std::string_view(pending_));
    } else {
      const char32_t c = utf8_value(pending_);
      const std::size_t at = kCp437.find(static_cast<char16_t>(c));
      const bool latin = charset_ == Charset::Latin1;
      if (c < 0x80 || (latin && c < 0x100)) {
        out.push_back(static_cast<std::uint8_t>(c));
      } else if (!latin && c < 0x10000 && at != std::u16string_view::npos) {
        out.push_back(static_cast<std::uint8_t>(at + 0x80));
      } else {
        out.push_back('?');
      }
    }
    pending_.clear();
  }
}

}  // namespace amtgate::sol
