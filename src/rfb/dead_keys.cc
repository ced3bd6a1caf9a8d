#include "amtgate/rfb/dead_keys.h"

#include <string_view>

namespace amtgate::rfb {
namespace {

struct Row {
  Keysym dead;
  std::u16string_view pairs;  // what is pressed after it, what that makes, and so on
};

constexpr Row kRows[] = {
    {{0xfe50}, u" `AÀEÈIÌOÒUÙaàeèiìoòuùNǸnǹWẀwẁYỲyỳ"},                              // grave
    {{0xfe51}, u" '´´AÁEÉIÍOÓUÚYÝaáeéiíoóuúyýCĆcćLĹlĺNŃnńRŔrŕSŚsśZŹzźGǴgǵWẂwẃ"},    // acute
    {{0xfe52}, u" ^AÂEÊIÎOÔUÛaâeêiîoôuûCĈcĉGĜgĝHĤhĥJĴjĵSŜsŝWŴwŵYŶyŷ"},              // circumflex
    {{0xfe53}, u" ~AÃNÑOÕaãnñoõIĨiĩUŨuũEẼeẽ"},                                      // tilde
    {{0xfe54}, u" ¯AĀaāEĒeēIĪiīOŌoōUŪuū"},                                          // macron
    {{0xfe55}, u" ˘AĂaăEĔeĕGĞgğIĬiĭOŎoŏUŬuŭ"},                                      // breve
    {{0xfe56}, u" ˙CĊcċEĖeėGĠgġIİZŻzż"},                                            // above dot
    {{0xfe57}, u" \"¨¨AÄEËIÏOÖUÜaäeëiïoöuüyÿYŸWẄwẅ"},                               // diaeresis
    {{0xfe58}, u" °AÅaåUŮuů"},                                                      // above ring
    {{0xfe59}, u" ˝OŐoőUŰuű"},                                                      // double acute
    {{0xfe5a}, u" ˇCČcčDĎdďEĚeěLĽlľNŇnňRŘrřSŠsšTŤtťZŽzžAǍaǎIǏiǐOǑoǒUǓuǔGǦgǧKǨkǩ"},  // caron
    {{0xfe5b}, u" ¸CÇcçGĢgģKĶkķLĻlļNŅnņRŖrŗSŞsşTŢtţ"},                              // cedilla
    {{0xfe5c}, u" ˛AĄaąEĘeęIĮiįUŲuųOǪoǫ"},                                          // ogonek
    {{0xfe63}, u"DĐdđHĦhħLŁlłOØoøTŦtŧ"},                                            // stroke
};

}  // namespace

std::optional<DeadSequence> dead_sequence(char32_t character) {
  for (const Row& row : kRows) {
    for (std::size_t i = 0; i + 1 < row.pairs.size(); i += 2) {
      if (row.pairs[i + 1] == character) return DeadSequence{row.dead, row.pairs[i]};
    }
  }
  return std::nullopt;
}

std::optional<char32_t> compose(Keysym dead, char32_t base) {
  for (const Row& row : kRows) {
    if (row.dead != dead) continue;
    for (std::size_t i = 0; i + 1 < row.pairs.size(); i += 2) {
      if (row.pairs[i] == base) return row.pairs[i + 1];
    }
  }
  return std::nullopt;
}

}  // namespace amtgate::rfb
