#include "amtgate/setupbin/file.h"

#include <algorithm>
#include <optional>

#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"

namespace amtgate::setupbin {
namespace {

using Guid = std::array<std::uint8_t, 16>;
constexpr std::array<Guid, 4> kTypes = {{
    {0xb5, 0x16, 0xfb, 0x71, 0x87, 0xcb, 0xf9, 0x4a, 0xb4, 0x41, 0xca, 0x7b, 0x38, 0x35, 0x78, 0xf9},
    {0x96, 0xb2, 0x81, 0x58, 0xcf, 0x6b, 0x72, 0x4c, 0x8b, 0x91, 0xa1, 0x5e, 0x51, 0x2e, 0x99, 0xc4},
    {0xa7, 0xf7, 0xf6, 0xc6, 0x89, 0xc4, 0xf6, 0x47, 0x93, 0xed, 0xe2, 0xe5, 0x02, 0x0d, 0xa5, 0x1d},
    {0xaa, 0xa9, 0x34, 0x52, 0xe1, 0x29, 0xa9, 0x44, 0x8d, 0x4d, 0x08, 0x1c, 0x07, 0xb9, 0x63, 0x53},
}};
constexpr std::size_t kHeaderFields = 40;
constexpr std::size_t kRecordFields = 24;
constexpr std::size_t kMaxModules = 32;  // two are known
constexpr std::uint8_t kScramble = 17;

Buffer trimmed(Bytes bytes) {
  while (!bytes.empty() && bytes.back() == 0) bytes = bytes.first(bytes.size() - 1);
  return Buffer(bytes.begin(), bytes.end());
}

bool zeros(Bytes bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t b) { return b == 0; });
}

std::size_t padding(std::size_t length) {
  return (4 - length % 4) % 4;
}

/// Errors: BadValue; `record` then has no values.
Result<void> take_values(Reader& in, Record& record) {
  std::vector<Value> values;
  while (in.remaining() >= 4) {
    Reader ahead(in.rest());
    const VariableId id{ahead.le16(), ahead.le16()};
    if (id.module == 0 || id.id == 0) break;
    Value v;
    v.id = id;
    const std::uint16_t length = ahead.le16();
    v.reserved = ahead.le16();
    const Bytes bytes = ahead.take(length);
    const Bytes pad = ahead.take(padding(length));
    if (ahead.failed()) {
      return Error{Errc::BadValue, "record " + std::to_string(record.number) + ": " + name_of(id) + " of " +
                                       std::to_string(length) + " bytes goes beyond the record"};
    }
    v.bytes.assign(bytes.begin(), bytes.end());
    if (!zeros(pad)) v.padding.assign(pad.begin(), pad.end());
    in.skip(ahead.position());
    values.push_back(std::move(v));
  }
  record.values = std::move(values);
  return {};
}

Result<Record> parse_record(Bytes bytes) {
  Reader in(bytes);
  Record r;
  r.type = in.le32();
  r.flags = in.le32();
  std::ranges::copy(in.take(r.reserved.size()), r.reserved.begin());
  r.chunks = in.le16();
  r.header_bytes = in.le16();
  r.number = in.le32();
  Buffer body(in.rest().begin(), in.rest().end());
  if ((r.flags & kScrambled) != 0) {
    for (std::uint8_t& b : body) b = static_cast<std::uint8_t>(b - kScramble);
  }
  Reader values(body);
  const Result<void> taken = take_values(values, r);
  // What firmware has used up may have been wiped with anything.
  if (!taken && r.type == 1 && (r.flags & kValid) != 0) return taken.error();
  if (!taken) values = Reader(body);
  r.rest = trimmed(values.rest());
  return r;
}

bool lists(const File& file, std::uint16_t module) {
  return std::ranges::find(file.modules, module) != file.modules.end();
}

bool uses(const File& file, std::uint16_t module) {
  return std::ranges::any_of(file.records, [&](const Record& r) {
    return std::ranges::any_of(r.values, [&](const Value& v) { return v.id.module == module; });
  });
}

/// The header names the modules that have variables.
void note_module(File& file, std::uint16_t module) {
  if (uses(file, module) == lists(file, module)) return;
  if (lists(file, module)) {
    std::erase(file.modules, module);
    file.header_bytes = static_cast<std::uint16_t>(file.header_bytes - 2);
  } else {
    file.modules.push_back(module);
    file.header_bytes = static_cast<std::uint16_t>(file.header_bytes + 2);
  }
}

Error too_large(const std::string& what, std::size_t has, std::size_t room) {
  return Error{Errc::TooLarge,
               what + " would have " + std::to_string(has) + " bytes, and room is for " + std::to_string(room)};
}

Result<void> format_record(const Record& r, std::size_t size, Buffer& out) {
  const std::size_t begin = out.size();
  Writer w(out);
  w.le32(r.type).le32(r.flags).bytes(r.reserved).le16(r.chunks).le16(r.header_bytes).le32(r.number);
  for (const Value& v : r.values) {
    w.le16(v.id.module).le16(v.id.id).le16(static_cast<unsigned>(v.bytes.size())).le16(v.reserved).bytes(v.bytes);
    const std::size_t pad = padding(v.bytes.size());
    const std::size_t kept = std::min(pad, v.padding.size());
    w.bytes(Bytes(v.padding).first(kept)).zeros(pad - kept);
  }
  const std::size_t has = out.size() - begin;
  if (has > size) return too_large("record " + std::to_string(r.number), has, size);
  w.bytes(Bytes(r.rest).first(std::min(r.rest.size(), size - has)));
  w.zeros(begin + size - out.size());
  if ((r.flags & kScrambled) != 0) {
    for (std::size_t i = begin + kRecordFields; i < out.size(); ++i) {
      out[i] = static_cast<std::uint8_t>(out[i] + kScramble);
    }
  }
  return {};
}

/// Where a variable stands among the record's; nothing where it does not.
std::optional<std::size_t> place(const Record& r, VariableId id) {
  const auto at = std::ranges::find(r.values, id, &Value::id);
  if (at == r.values.end()) return std::nullopt;
  return static_cast<std::size_t>(at - r.values.begin());
}

std::string text_of(const Record& r, VariableId id) {
  const Value* v = get(r, id);
  return v ? std::string(as_text(v->bytes)) : std::string();
}

void doubt_record(const File& file, const Record& r, std::vector<std::string>& out) {
  const auto say = [&](const std::string& text) {
    out.push_back("record " + std::to_string(r.number) + ": " + text);
  };
  const auto behind = [&](VariableId first, VariableId then) {
    const auto a = place(r, first), b = place(r, then);
    if (a && b && *a > *b) say(name_of(then) + " stands before " + name_of(first) + ", and has to stand behind it");
  };
  behind(kCurrentPassword, kNewPassword);
  behind({2, 7}, kCertificateHash);
  for (const VariableId id : {VariableId{2, 3}, {2, 4}, {2, 17}}) behind(id, {2, 28});
  for (const VariableId id : {kCurrentPassword, kNewPassword, kManageability}) {
    const auto at = place(r, id);
    if (at && *at > 2) say(name_of(id) + " is not among the first three");
  }
  if (!place(r, kCurrentPassword)) say("without current-mebx-password the firmware takes nothing of it");
  const std::string fresh = text_of(r, kNewPassword);
  if (text_of(r, kCurrentPassword) == "admin" && (fresh.empty() || fresh == "admin")) {
    say("current-mebx-password is the factory's, so that new-mebx-password has to be another");
  }
  if (place(r, {2, 23}) && !place(r, {2, 11})) say("fqdn counts with host-name only");
  if (file.version == 2 && place(r, kCertificateHash) && !place(r, {2, 7})) {
    say("certificate-hash needs user-certificates before it in version 2");
  }
  if (file.version < 3 && place(r, {2, 22})) say("ipv6 needs version 3");
  for (const Value& v : r.values) {
    if (v.id == kCertificateHash && file.version < 3 && !v.bytes.empty() && v.bytes[0] > 1) {
      say("a certificate-hash other than sha1 needs version 3");
    }
    if (v.id == VariableId{2, 22} && v.bytes.size() != 204 && v.bytes.size() != 84) {
      say("ipv6 has " + std::to_string(v.bytes.size()) + " bytes, not 84 or 204");
    }
    const Variable* known = find(v.id);
    if (known == nullptr) {
      say(name_of(v.id) + " is not known");
    } else if (known->kind != Kind::Binary && to_text(v.id, v.bytes).starts_with("hex:")) {
      say(name_of(v.id) + " has no value that is known of it");
    }
    if (std::ranges::count(r.values, v.id, &Value::id) > 1 && v.id != kCertificateHash) {
      say(name_of(v.id) + " stands more than once");
    }
  }
}

}  // namespace

Result<File> parse(Bytes bytes) {
  if (bytes.size() > kMaxFile) return Error{Errc::TooLarge, "more than 16 MiB are no Setup.bin"};
  Reader in(bytes);
  const Bytes type = in.take(16);
  const auto known = std::ranges::find_if(kTypes, [&](const Guid& g) { return std::ranges::equal(g, type); });
  if (known == kTypes.end()) return Error{Errc::BadValue, "no Setup.bin: its first 16 bytes are of no version"};
  File f;
  f.version = static_cast<unsigned>(known - kTypes.begin()) + 1;
  f.header_chunks = in.le16();
  f.header_bytes = in.le16();
  f.number = in.le32();
  f.major = in.u8();
  f.minor = in.u8();
  f.flags = in.le16();
  const std::uint32_t count = in.le32();
  f.consumed = in.le32();
  f.record_chunks = in.le16();
  f.reserved = in.le16();
  const std::size_t size = std::max<std::size_t>(1, f.header_chunks) * kChunk;
  const Bytes more = in.take(size - kHeaderFields);
  if (in.failed()) return Error{Errc::BadValue, "it breaks off in the header"};
  Reader header(more);
  while (header.remaining() > 0) {
    const std::uint16_t module = header.le16();
    if (module == 0) break;
    if (f.modules.size() == kMaxModules) return Error{Errc::TooLarge, "more than 32 modules in the header"};
    f.modules.push_back(module);
  }
  f.rest = trimmed(header.rest());
  if (count > in.remaining() / f.record_size()) {
    return Error{Errc::BadValue, "its header counts " + std::to_string(count) + " records, and there are " +
                                     std::to_string(in.remaining() / f.record_size())};
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    Result<Record> record = parse_record(in.take(f.record_size()));
    if (!record) return record.error();
    f.records.push_back(std::move(*record));
  }
  f.tail.assign(in.rest().begin(), in.rest().end());
  return f;
}

Result<Buffer> format(const File& f) {
  if (f.version < 1 || f.version > kTypes.size()) return Error{Errc::BadValue, "versions are 1 to 4"};
  const std::size_t size = std::max<std::size_t>(1, f.header_chunks) * kChunk;
  const std::size_t all = size + f.records.size() * f.record_size() + f.tail.size();
  if (all > kMaxFile) return too_large("the file", all, kMaxFile);
  Buffer out;
  Writer w(out);
  w.bytes(kTypes[f.version - 1]).le16(f.header_chunks).le16(f.header_bytes).le32(f.number).u8(f.major).u8(f.minor);
  w.le16(f.flags).le32(static_cast<std::uint32_t>(f.records.size())).le32(f.consumed).le16(f.record_chunks);
  w.le16(f.reserved);
  for (const std::uint16_t module : f.modules) w.le16(module);
  w.le16(0).bytes(f.rest);
  if (out.size() > size) return too_large("the header", out.size(), size);
  w.zeros(size - out.size());
  for (const Record& r : f.records) {
    if (const Result<void> done = format_record(r, f.record_size(), out); !done) return done.error();
  }
  w.bytes(f.tail);
  return out;
}

const Value* get(const Record& record, VariableId id) {
  const auto at = place(record, id);
  return at ? &record.values[*at] : nullptr;
}

void add(File& file, std::size_t record, VariableId id, Buffer value) {
  std::vector<Value>& values = file.records[record].values;
  const auto at = std::ranges::find_if(values, [&](const Value& v) { return v.id > id; });
  values.insert(at, Value{id, std::move(value)});
  note_module(file, id.module);
}

void set(File& file, std::size_t record, VariableId id, Buffer value) {
  std::vector<Value>& values = file.records[record].values;
  const auto first = std::ranges::find(values, id, &Value::id);
  if (first == values.end()) return add(file, record, id, std::move(value));
  const auto keep = static_cast<std::size_t>(first - values.begin());
  if (first->bytes.size() != value.size()) first->padding.clear();
  first->bytes = std::move(value);
  for (std::size_t i = values.size(); i-- > keep + 1;) {
    if (values[i].id == id) values.erase(values.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

bool erase(File& file, std::size_t record, VariableId id) {
  const bool was = std::erase_if(file.records[record].values, [&](const Value& v) { return v.id == id; }) > 0;
  if (was) note_module(file, id.module);
  return was;
}

std::vector<std::string> doubts(const File& file) {
  std::vector<std::string> out;
  if (file.records.empty()) out.emplace_back("it has no record");
  if (file.major != file.version) {
    out.push_back("its type is that of version " + std::to_string(file.version) + ", and it says " +
                  std::to_string(file.major) + "." + std::to_string(file.minor));
  }
  if (file.version == 1 && file.flags != 0) out.emplace_back("version 1 has no flags");
  if ((file.flags & kDoNotConsume) != 0 && file.records.size() > 1) {
    out.emplace_back("records are not used up, so that all but the first are for nothing");
  }
  if ((file.flags & kDoNotConsume) == 0 && !file.records.empty() && file.consumed >= file.records.size()) {
    out.emplace_back("all of its records are used up");
  }
  for (const Record& r : file.records) doubt_record(file, r, out);
  std::vector<std::string> once;
  for (std::string& line : out) {
    if (std::ranges::find(once, line) == once.end()) once.push_back(std::move(line));
  }
  return once;
}

}  // namespace amtgate::setupbin
