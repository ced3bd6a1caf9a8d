#include "amtgate/cli/setupbin_json.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "amtgate/base/hex.h"

namespace amtgate::cli {
namespace {

using Json = nlohmann::ordered_json;
using setupbin::File;
using setupbin::Record;
using setupbin::Value;
using setupbin::VariableId;

Json to_json(const Value& v, Secrets secrets) {
  const setupbin::Variable* known = setupbin::find(v.id);
  Json out = {{"module", v.id.module}, {"id", v.id.id}, {"name", setupbin::name_of(v.id)}};
  const bool hidden = known != nullptr && known->secret && secrets == Secrets::Hidden;
  out["value"] = hidden ? Json(nullptr) : Json(setupbin::to_text(v.id, v.bytes));
  if (hidden) out["hidden"] = true;
  if (v.reserved != 0) out["reserved"] = v.reserved;
  // A hidden secret's is part of what was there.
  if (!v.padding.empty() && !hidden) out["padding"] = to_hex(v.padding);
  return out;
}

Json to_json(const Record& r, Secrets secrets) {
  Json values = Json::array();
  for (const Value& v : r.values) values.push_back(to_json(v, secrets));
  Json out = {{"type", r.type},
              {"flags", r.flags},
              {"valid", (r.flags & setupbin::kValid) != 0},
              {"scrambled", (r.flags & setupbin::kScrambled) != 0},
              {"chunks", r.chunks},
              {"header_bytes", r.header_bytes},
              {"number", r.number},
              {"variables", std::move(values)}};
  if (std::ranges::any_of(r.reserved, [](std::uint8_t b) { return b != 0; })) out["reserved"] = to_hex(r.reserved);
  // Firmware that used a record up may have left there what was a password.
  if (!r.rest.empty()) out["rest"] = secrets == Secrets::Shown ? Json(to_hex(r.rest)) : Json(nullptr);
  return out;
}

/// An object's members, each taken once; what is left over is a mistake.
class Members {
 public:
  Members(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) fail("is no object");
  }

  template <class T>
  void number(const char* name, T& to) {
    const Json* v = take(name);
    if (v == nullptr) return;
    const bool good = v->is_number_unsigned() && v->template get<std::uint64_t>() <= std::numeric_limits<T>::max();
    if (!good)
      return fail(std::string(name) + " is no number up to " + std::to_string(std::numeric_limits<T>::max()));
    to = static_cast<T>(v->template get<std::uint64_t>());
  }
  void hex(const char* name, Buffer& to) {
    const Json* v = take(name);
    if (v == nullptr) return;
    if (v->is_null()) return fail(std::string(name) + " is hidden; `show --show-passwords` writes it");
    const Result<Buffer> bytes = v->is_string() ? from_hex(v->get_ref<const std::string&>())
                                                : Result<Buffer>(Error{Errc::BadValue, "no text"});
    if (!bytes) return fail(std::string(name) + " is no hexadecimal text");
    to = *bytes;
  }
  void flag(const char* name, std::uint32_t bit, std::uint32_t& flags) {
    const Json* v = take(name);
    if (v == nullptr) return;
    if (!v->is_boolean()) return fail(std::string(name) + " is true or false");
    flags = v->get<bool>() ? flags | bit : flags & ~bit;
  }
  const Json* take(const char* name) {
    taken_.insert(name);
    if (error_ || !object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  void fail(const std::string& what) {
    if (!error_) error_ = Error{Errc::BadValue, where_ + what};
  }
  Result<void> done() {
    if (object_.is_object()) {
      for (const auto& [name, value] : object_.items()) {
        if (!taken_.contains(name)) fail("'" + name + "' is no member of it");
      }
    }
    if (error_) return *error_;
    return {};
  }

 private:
  const Json& object_;
  const std::string where_;
  std::set<std::string> taken_;
  std::optional<Error> error_;
};

Result<Value> value_of(const Json& json, const std::string& where) {
  Members m(json, where);
  Value v;
  if (const Json* name = m.take("name"); name != nullptr && name->is_string()) {
    const Result<VariableId> id = setupbin::parse_id(name->get_ref<const std::string&>());
    if (id) v.id = *id;
    if (!id) m.fail(id.error().detail);
  }
  m.number("module", v.id.module);
  m.number("id", v.id.id);
  m.number("reserved", v.reserved);
  m.hex("padding", v.padding);
  m.take("hidden");
  const Json* value = m.take("value");
  if (v.id.module == 0 || v.id.id == 0) {
    m.fail("a variable has a name, or a module and an id");
  } else if (value == nullptr || value->is_null()) {
    m.fail(setupbin::name_of(v.id) + " has no value; `show --show-passwords` writes those that are secret");
  } else if (!value->is_string() && !value->is_number_unsigned()) {
    m.fail(setupbin::name_of(v.id) + ": its value is a text or a number");
  } else {
    const std::string text = value->is_string() ? value->get<std::string>() : value->dump();
    Result<Buffer> bytes = setupbin::encode(v.id, text);
    if (!bytes) m.fail(bytes.error().detail);
    if (bytes) v.bytes = std::move(*bytes);
  }
  if (const Result<void> done = m.done(); !done) return done.error();
  return v;
}

Result<Record> record_of(const Json& json, std::uint32_t number) {
  const std::string where = "record " + std::to_string(number) + ": ";
  Members m(json, where);
  Record r;
  r.number = number;
  m.number("type", r.type);
  m.number("flags", r.flags);
  m.flag("valid", setupbin::kValid, r.flags);
  m.flag("scrambled", setupbin::kScrambled, r.flags);
  m.number("chunks", r.chunks);
  m.number("header_bytes", r.header_bytes);
  m.number("number", r.number);
  Buffer reserved;
  m.hex("reserved", reserved);
  if (reserved.size() > r.reserved.size()) m.fail("reserved has more than 8 bytes");
  if (reserved.size() <= r.reserved.size()) std::ranges::copy(reserved, r.reserved.begin());
  m.hex("rest", r.rest);
  if (const Json* variables = m.take("variables")) {
    if (!variables->is_array()) m.fail("variables is no list");
    if (variables->is_array()) {
      for (const Json& one : *variables) {
        Result<Value> v = value_of(one, where);
        if (!v) return v.error();
        r.values.push_back(std::move(*v));
      }
    }
  }
  if (const Result<void> done = m.done(); !done) return done.error();
  return r;
}

std::vector<std::uint16_t> used_modules(const File& file) {
  std::vector<std::uint16_t> out;
  for (const Record& r : file.records) {
    for (const Value& v : r.values) {
      if (std::ranges::find(out, v.id.module) == out.end()) out.push_back(v.id.module);
    }
  }
  return out;
}

}  // namespace

Json to_json(const File& f, Secrets secrets) {
  Json records = Json::array();
  for (const Record& r : f.records) records.push_back(to_json(r, secrets));
  Json out = {{"version", f.version},
              {"major", f.major},
              {"minor", f.minor},
              {"flags", f.flags},
              {"reusable", (f.flags & setupbin::kDoNotConsume) != 0},
              {"consumed", f.consumed},
              {"header_chunks", f.header_chunks},
              {"header_bytes", f.header_bytes},
              {"number", f.number},
              {"record_chunks", f.record_chunks},
              {"modules", f.modules},
              {"records", std::move(records)}};
  if (f.reserved != 0) out["reserved"] = f.reserved;
  if (!f.rest.empty()) out["rest"] = to_hex(f.rest);
  if (!f.tail.empty()) out["tail"] = secrets == Secrets::Shown ? Json(to_hex(f.tail)) : Json(nullptr);
  return out;
}

Result<File> from_json(const Json& json) {
  Members m(json, "");
  File f;
  m.number("version", f.version);
  f.major = static_cast<std::uint8_t>(f.version & 0xff);
  m.number("major", f.major);
  m.number("minor", f.minor);
  m.number("flags", f.flags);
  std::uint32_t flags = f.flags;
  m.flag("reusable", setupbin::kDoNotConsume, flags);
  f.flags = static_cast<std::uint16_t>(flags);
  m.number("consumed", f.consumed);
  m.number("header_chunks", f.header_chunks);
  m.number("number", f.number);
  m.number("record_chunks", f.record_chunks);
  m.number("reserved", f.reserved);
  m.hex("rest", f.rest);
  m.hex("tail", f.tail);
  if (const Json* records = m.take("records")) {
    if (!records->is_array()) m.fail("records is no list");
    if (records->is_array()) {
      for (const Json& one : *records) {
        Result<Record> r = record_of(one, static_cast<std::uint32_t>(f.records.size()) + 1);
        if (!r) return r.error();
        f.records.push_back(std::move(*r));
      }
    }
  }
  f.modules = used_modules(f);
  if (const Json* modules = m.take("modules")) {
    const bool good =
        modules->is_array() && modules->size() <= 32 && std::ranges::all_of(*modules, [](const Json& n) {
          return n.is_number_unsigned() && n.get<std::uint64_t>() > 0 && n.get<std::uint64_t>() <= 0xffff;
        });
    if (!good) m.fail("modules is a list of at most 32 numbers up to 65535");
    if (good) f.modules = modules->get<std::vector<std::uint16_t>>();
  }
  f.header_bytes = static_cast<std::uint16_t>(42 + 2 * f.modules.size());
  m.number("header_bytes", f.header_bytes);
  if (const Result<void> done = m.done(); !done) return done.error();
  return f;
}

}  // namespace amtgate::cli
