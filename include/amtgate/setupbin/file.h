// File: a Setup.bin, by which a PC's firmware sets AMT up from a USB stick. All little endian, no checksum. A header,
// then records of one size; the firmware of each PC takes the next one, or with flag 1 always the first:
//
//   header  0 type of file, 16 bytes by version | 16 u16 chunks of 512 bytes in the header (0: one) | 18 u16 bytes of
//           the header's fields, 40 and the modules with their end | 20 u32 0 | 24 u8 major | 25 u8 minor | 26 u16
//           flags, bit 0: records are not used up | 28 u32 records | 32 u32 of these used up | 36 u16 chunks in a
//           record (0: one) | 38 u16 0 | 40 u16 each module that has variables | u16 0
//   record  0 u32 1 data, 0 invalid | 4 u32 flags, bit 0 valid, bit 1 scrambled | 8 8 bytes 0 | 16 u16 chunks | 18
//   u16
//           24 | 20 u32 number, from 1 | 24 variables, then zeros
//   variable  0 u16 module | 2 u16 id | 4 u16 length | 6 u16 0 | 8 value | zeros to a multiple of 4; a module or id
//   of
//           0 ends them
//
// Scrambled: 17 was added to each byte behind the record's first 24.
//
// A file is kept with everything that is in it, also what nobody reads: format(parse(bytes)) is these bytes again.
//
// Source: MeshCentral's and the ui-toolkit's readers and writers, which differ in the chunk counts (0 or 1).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "amtgate/setupbin/variables.h"

namespace amtgate::setupbin {

inline constexpr std::size_t kChunk = 512;
/// Of a file; 32767 records.
inline constexpr std::size_t kMaxFile = 16U << 20U;
inline constexpr std::uint16_t kDoNotConsume = 1;
inline constexpr std::uint32_t kValid = 1;
inline constexpr std::uint32_t kScrambled = 2;

struct Value {
  VariableId id;
  Buffer bytes;
  std::uint16_t reserved = 0;
  Buffer padding{};  // where it is not zeros
  bool operator==(const Value&) const = default;
};

struct Record {
  std::uint32_t type = 1;
  std::uint32_t flags = kValid;
  std::array<std::uint8_t, 8> reserved{};
  std::uint16_t chunks = 1;
  std::uint16_t header_bytes = 24;
  std::uint32_t number = 1;
  std::vector<Value> values{};
  Buffer rest{};  // behind the values, without the zeros at its end
  bool operator==(const Record&) const = default;
};

struct File {
  unsigned version = 3;  // what its type says: 1 to 4
  std::uint16_t header_chunks = 1;
  std::uint16_t header_bytes = 42;
  std::uint32_t number = 0;
  std::uint8_t major = 3;
  std::uint8_t minor = 0;
  std::uint16_t flags = 0;
  std::uint32_t consumed = 0;
  std::uint16_t record_chunks = 1;
  std::uint16_t reserved = 0;
  std::vector<std::uint16_t> modules{};
  Buffer rest{};  // of the header, as a record's
  std::vector<Record> records{};
  Buffer tail{};  // behind the records
  bool operator==(const File&) const = default;

  std::size_t record_size() const { return (record_chunks == 0 ? 1U : record_chunks) * kChunk; }
};

/// Errors: BadValue (no such file, or where it breaks off), TooLarge (kMaxFile, more than 32 modules).
Result<File> parse(Bytes bytes);
/// Errors: TooLarge, with the record and by how much.
Result<Buffer> format(const File& file);

/// Gives the record's variable this value, in place of all that it has of it; new ones come in order of their
/// numbers.
void set(File& file, std::size_t record, VariableId id, Buffer value);
/// One more of it: for certificate-hash, which may stand three times.
void add(File& file, std::size_t record, VariableId id, Buffer value);
/// Whether there was one.
bool erase(File& file, std::size_t record, VariableId id);
/// The first of them; null without one.
const Value* get(const Record& record, VariableId id);

/// What firmware will not like, a sentence each; none names a secret.
std::vector<std::string> doubts(const File& file);

}  // namespace amtgate::setupbin
