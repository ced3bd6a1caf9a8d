// Variables of a Setup.bin: what a PC's firmware is told about AMT, each a number of a module and a value, and both
// as text that a person writes and reads.
//
// Source: MeshCentral's and the ui-toolkit's readers and writers of the file, which have the same table; what only
// one of them says, or only a comment, stands beside the entry (src/setupbin/variables.cc).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::setupbin {

/// Module 1 is the management engine, 2 is AMT.
struct VariableId {
  std::uint16_t module = 0;
  std::uint16_t id = 0;
  auto operator<=>(const VariableId&) const = default;
};

inline constexpr VariableId kCurrentPassword{1, 1};
inline constexpr VariableId kNewPassword{1, 2};
inline constexpr VariableId kManageability{1, 3};
inline constexpr VariableId kCertificateHash{2, 8};
inline constexpr VariableId kSetupType{2, 29};

/// How the bytes of a value are meant. Numbers are little endian.
enum class Kind : std::uint8_t {
  Text,
  Number8,
  Number16,
  Number32,
  Bits8,   // words with "+" between them
  Guid,    // 16 bytes; the first three groups little endian
  Ipv4,    // 4 bytes, the last group of the address first
  Hash,    // u8 algorithm 1 SHA-1, 2 SHA-256, 3 SHA-384 | hash | u8 length | name
  Binary,  // nobody says what is in it
};

struct Word {
  std::string_view text;
  std::uint32_t value;
};

struct Variable {
  VariableId id;
  std::string_view name;
  Kind kind = Kind::Binary;
  std::span<const Word> words{};  // for numbers; others may be written as numbers
  std::uint32_t least = 0;        // of a number
  std::uint32_t most = 0xffff;    // of a number; bytes of a text or of what is binary
  bool secret = false;
  std::string_view help;
};

/// All that are known, in order.
std::span<const Variable> variables();
/// Null for one that is not known.
const Variable* find(VariableId id);
/// "host-name", or "2/11", which may be one that is not known. Errors: BadValue with the nearest names.
Result<VariableId> parse_id(std::string_view text);
/// Its name; "2/99" where it has none.
std::string name_of(VariableId id);

/// A value in words: "on", "admin", "192.0.2.1", "sha256:...:name"; what no words come to as "hex:" and its bytes.
/// encode() makes the same bytes of it.
std::string to_text(VariableId id, Bytes value);
/// Errors: BadValue, TooLarge: a sentence with the variable's name, and with the text unless that is secret.
Result<Buffer> encode(VariableId id, std::string_view text);

}  // namespace amtgate::setupbin
