// setupbin: files by which a PC's firmware sets AMT up from a USB stick.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "amtgate/auth/random.h"
#include "amtgate/cli/actions.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/password_keys.h"
#include "amtgate/cli/setupbin_command.h"
#include "amtgate/cli/setupbin_json.h"
#include "amtgate/cli/terminal.h"
#include "amtgate/setupbin/fat_image.h"
#include "amtgate/setupbin/file.h"
#include "amtgate/sys/file.h"
#include "amtgate/wsman/users.h"

namespace amtgate::cli {
namespace {

using Json = nlohmann::ordered_json;
using setupbin::File;
using setupbin::Record;
using setupbin::VariableId;

constexpr std::size_t kMaxSecretFile = 4096;
constexpr mode_t kMode = 0600;
constexpr std::string_view kFactory = "admin";

/// What make and edit have in common.
struct Changes {
  std::vector<std::string> set, set_from, ask, add, unset;
  std::string new_password_file, keyboard;
  bool show_passwords = false;
  bool force = false;
};

void add_to(CLI::App& app, Changes& c) {
  const auto many = [&](const char* name, std::vector<std::string>& to, const char* help, const char* text) {
    app.add_option(name, to, help)->option_text(text)->allow_extra_args(false)->take_all();
  };
  many("--set", c.set, "a variable by its name or MODULE/NUMBER, or header.FIELD, record.FIELD", "NAME=VALUE");
  many("--set-from", c.set_from, "the same, from the first line of a file, as for what is secret", "NAME=FILE");
  many("--ask", c.ask, "the same, asked for on the terminal", "NAME");
  many("--add", c.add, "one more of it: certificate-hash may stand three times", "NAME=VALUE");
  app.add_option("--new-password-file", c.new_password_file, "its first line becomes AMT's password")
      ->option_text("FILE");
  app.add_option("--keyboard", c.keyboard, "of who types the new password at the PC: de, fr, ... Says what moves")
      ->option_text("LAYOUT");
  app.add_flag("--show-passwords", c.show_passwords, "with --keyboard: which key it is for which character");
}

Error wrong(std::string text) {
  return Error{Errc::BadValue, std::move(text)};
}

int failed(const Error& error) {
  return fail(error.code == Errc::System ? kSaidNo : kUsage, error.detail);
}

void warn(const std::string& text) {
  fail(kDone, "warning: " + text);
}

template <class T>
Result<void> give(T& to, std::string_view name, std::string_view text) {
  unsigned long long n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size() || n > std::numeric_limits<T>::max()) {
    return wrong(std::string(name) + " '" + std::string(text) + "' (a number up to " +
                 std::to_string(std::numeric_limits<T>::max()) + ")");
  }
  to = static_cast<T>(n);
  return {};
}

Result<void> set_header(File& f, std::string_view name, std::string_view text) {
  if (name == "version") return give(f.version, name, text);
  if (name == "major") return give(f.major, name, text);
  if (name == "minor") return give(f.minor, name, text);
  if (name == "flags") return give(f.flags, name, text);
  if (name == "consumed") return give(f.consumed, name, text);
  if (name == "header_chunks") return give(f.header_chunks, name, text);
  if (name == "header_bytes") return give(f.header_bytes, name, text);
  if (name == "number") return give(f.number, name, text);
  if (name == "record_chunks") return give(f.record_chunks, name, text);
  if (name == "reserved") return give(f.reserved, name, text);
  return wrong("no field 'header." + std::string(name) +
               "' (version, major, minor, flags, consumed, header_chunks, header_bytes, number, record_chunks, "
               "reserved)");
}

Result<void> set_field(Record& r, std::string_view name, std::string_view text) {
  if (name == "type") return give(r.type, name, text);
  if (name == "flags") return give(r.flags, name, text);
  if (name == "chunks") return give(r.chunks, name, text);
  if (name == "header_bytes") return give(r.header_bytes, name, text);
  if (name == "number") return give(r.number, name, text);
  return wrong("no field 'record." + std::string(name) + "' (type, flags, chunks, header_bytes, number)");
}

/// "NAME=VALUE". Errors: BadValue.
Result<std::pair<std::string, std::string>> halves(const std::string& text, const char* option) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    // Not the text: what was forgotten may be the name.
    return wrong(std::string(option) + " takes NAME=VALUE");
  }
  return std::pair{text.substr(0, equals), text.substr(equals + 1)};
}

bool is_secret(VariableId id) {
  const setupbin::Variable* v = setupbin::find(id);
  return v != nullptr && v->secret;
}

Error as_argument(VariableId id) {
  const std::string name = setupbin::name_of(id);
  return wrong(name + " is a secret, and every user of this host can see arguments; use --set-from " + name +
               "=FILE or --ask " + name);
}

/// Before anybody is asked for a password: every name, and no secret among the arguments.
Result<void> check(const Changes& c) {
  for (const auto& [list, option] : {std::pair{&c.set, "--set"}, {&c.add, "--add"}, {&c.set_from, "--set-from"}}) {
    for (const std::string& text : *list) {
      const auto pair = halves(text, option);
      if (!pair) return pair.error();
      if (list == &c.set && (pair->first.starts_with("header.") || pair->first.starts_with("record."))) continue;
      const Result<VariableId> id = setupbin::parse_id(pair->first);
      if (!id) return id.error();
      if (list != &c.set_from && is_secret(*id)) return as_argument(*id);
    }
  }
  for (const auto* list : {&c.ask, &c.unset}) {
    for (const std::string& name : *list) {
      if (const Result<VariableId> id = setupbin::parse_id(name); !id) return id.error();
    }
  }
  return {};
}

Result<std::string> first_line(const std::string& path) {
  Result<std::string> out = sys::read_file(path == "-" ? "/dev/stdin" : path, kMaxSecretFile);
  if (!out) return Error{Errc::System, out.error().detail};
  out->erase(std::min(out->find_first_of("\r\n"), out->size()));
  return out;
}

/// Works on the records that are meant, and remembers the new password for what is said of it.
class Editor {
 public:
  Editor(File& file, std::vector<std::size_t> records, bool force)
      : file_(file), records_(std::move(records)), force_(force) {}

  /// Of changes that check() let through.
  Result<void> apply(const Changes& c) {
    for (const std::string& name : c.unset) {
      const Result<VariableId> id = setupbin::parse_id(name);
      if (!id) return id.error();
      bool was = false;
      for (const std::size_t r : records_) was = setupbin::erase(file_, r, *id) || was;
      if (!was) return wrong("there is no " + setupbin::name_of(*id) + " to be taken out");
    }
    if (!c.new_password_file.empty()) {
      if (Result<void> r = from_file(setupbin::kNewPassword, c.new_password_file); !r) return r;
    }
    for (const std::string& text : c.set) {
      const auto pair = halves(text, "--set");
      if (!pair) return pair.error();
      if (Result<void> r = set(pair->first, pair->second); !r) return r;
    }
    for (const std::string& text : c.set_from) {
      const auto pair = halves(text, "--set-from");
      if (!pair) return pair.error();
      const Result<VariableId> id = setupbin::parse_id(pair->first);
      if (!id) return id.error();
      if (Result<void> r = from_file(*id, pair->second); !r) return r;
    }
    for (const std::string& name : c.ask) {
      const Result<VariableId> id = setupbin::parse_id(name);
      if (!id) return id.error();
      const Result<std::string> text = ask_new_password(setupbin::name_of(*id));
      if (!text) return text.error();
      if (Result<void> r = give(*id, *text); !r) return r;
    }
    for (const std::string& text : c.add) {
      const auto pair = halves(text, "--add");
      if (!pair) return pair.error();
      const Result<VariableId> id = setupbin::parse_id(pair->first);
      if (!id) return id.error();
      const Result<Buffer> bytes = setupbin::encode(*id, pair->second);
      if (!bytes) return bytes.error();
      for (const std::size_t r : records_) setupbin::add(file_, r, *id, *bytes);
    }
    return {};
  }

  Result<void> give(VariableId id, const std::string& text) {
    const Result<Buffer> bytes = setupbin::encode(id, text);
    if (!bytes) return bytes.error();
    if (id == setupbin::kNewPassword) {
      if (const Result<void> good = wsman::check_user_password(as_text(*bytes)); !good && !force_) {
        return wrong(good.error().detail + "; firmware refuses others (--force writes it)");
      }
    }
    for (const std::size_t r : records_) setupbin::set(file_, r, id, *bytes);
    return {};
  }

 private:
  Result<void> from_file(VariableId id, const std::string& path) {
    const Result<std::string> text = first_line(path);
    if (!text) return text.error();
    return give(id, *text);
  }
  Result<void> set(const std::string& name, const std::string& text) {
    if (name.starts_with("header.")) return set_header(file_, std::string_view(name).substr(7), text);
    if (name.starts_with("record.")) {
      for (const std::size_t r : records_) {
        if (Result<void> done = set_field(file_.records[r], std::string_view(name).substr(7), text); !done) {
          return done;
        }
      }
      return {};
    }
    const Result<VariableId> id = setupbin::parse_id(name);
    if (!id) return id.error();
    return give(*id, text);
  }

  File& file_;
  const std::vector<std::size_t> records_;
  const bool force_;
};

std::string new_password_of(const File& file) {
  for (const Record& r : file.records) {
    const setupbin::Value* v = setupbin::get(r, setupbin::kNewPassword);
    if (v != nullptr) return std::string(as_text(v->bytes));
  }
  return {};
}

/// Where the password is on that keyboard. Errors: BadValue (no such layout).
Result<void> say_keys(const File& file, const Changes& c) {
  if (c.keyboard.empty()) return {};
  const auto us = rfb::KeyboardLayout::load("us"), theirs = rfb::KeyboardLayout::load(c.keyboard);
  for (const auto* layout : {&us, &theirs}) {
    if (!*layout) return Error{layout->error().code, "--keyboard: " + layout->error().detail};
  }
  const std::vector<MovedCharacter> moved = moved_characters(new_password_of(file), **us, **theirs);
  if (moved.empty()) {
    std::fprintf(stderr, "keyboard %s: the new password is typed at the PC as it is written\n", c.keyboard.c_str());
    return {};
  }
  std::string places;
  for (const MovedCharacter& m : moved) places += (places.empty() ? "" : ", ") + std::to_string(m.position);
  const std::string stay = special_characters_that_stay(**us, **theirs);
  warn("the firmware's screen takes every keyboard for a US one, and on a " + c.keyboard + " one character" +
       (moved.size() > 1 ? "s " : " ") + places + " of the new password " + (moved.size() > 1 ? "are" : "is") +
       " on another key" + (c.show_passwords ? "" : " (--show-passwords says which)") +
       "; special characters that stay: " + (stay.empty() ? "none" : stay));
  if (!c.show_passwords) return {};
  for (const MovedCharacter& m : moved) {
    const std::string key = m.type.empty() ? "no key makes it" : "type " + m.type;
    std::fprintf(stderr, "  character %zu, %c: %s\n", m.position, m.character, key.c_str());
  }
  return {};
}

Result<void> write(const std::string& path, Bytes bytes, bool may_replace) {
  if (!may_replace && sys::exists(path)) return wrong(path + " is there already; --force replaces it");
  return sys::write_file(path, as_text(bytes), kMode);
}

// --- make -------------------------------------------------------------------------------------------------

struct Make {
  Changes changes;
  std::string file, from, image;
  std::string version = "3";
  unsigned records = 1;
  unsigned fat = 16;
  bool consume = false, scramble = false, empty = false, partition_table = false;
};

Result<File> template_of(const Make& o) {
  if (!o.from.empty()) {
    const Result<std::string> text = sys::read_file(o.from == "-" ? "/dev/stdin" : o.from, 4 * setupbin::kMaxFile);
    if (!text) return Error{Errc::System, text.error().detail};
    const Json json = Json::parse(*text, nullptr, false);
    if (json.is_discarded()) return wrong(o.from + " is no JSON");
    Result<File> file = from_json(json);
    if (!file) return Error{file.error().code, o.from + ": " + file.error().detail};
    return file;
  }
  File file;
  const std::string_view v = o.version;
  if (v.empty() || v[0] < '1' || v[0] > '4' ||
      (v.size() > 1 && (v.size() != 3 || v[1] != '.' || v[2] < '0' || v[2] > '9'))) {
    return wrong("version '" + o.version + "' (1, 2, 2.1, 3 or 4)");
  }
  file.version = static_cast<unsigned>(v[0] - '0');
  file.major = static_cast<std::uint8_t>(file.version);
  file.minor = v.size() == 3 ? static_cast<std::uint8_t>(v[2] - '0') : std::uint8_t{0};
  // One record for each PC is used up; one for all is not. Version 1 knows no flags.
  if (!o.consume && o.records == 1 && file.version > 1) file.flags = setupbin::kDoNotConsume;
  for (unsigned i = 1; i <= o.records; ++i) {
    Record r;
    r.number = i;
    if (o.scramble) r.flags |= setupbin::kScrambled;
    file.records.push_back(std::move(r));
  }
  return file;
}

std::vector<std::size_t> all_of(const File& file) {
  std::vector<std::size_t> out(file.records.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = i;
  return out;
}

bool names(const std::vector<std::string>& list, VariableId id) {
  return std::ranges::any_of(list, [&](const std::string& text) {
    const Result<VariableId> named = setupbin::parse_id(text.substr(0, text.find('=')));
    return named && *named == id;
  });
}

/// A file that sets AMT up as a person would at the PC: the factory's password, a new one, AMT on, nothing else
/// asked.
Result<void> usual(Editor& editor, const Changes& c) {
  if (Result<void> r = editor.give(setupbin::kCurrentPassword, std::string(kFactory)); !r) return r;
  if (c.new_password_file.empty() && !names(c.set_from, setupbin::kNewPassword) &&
      !names(c.ask, setupbin::kNewPassword)) {
    const char* given = std::getenv("AMT_NEW_PASSWORD");
    const Result<std::string> password =
        given != nullptr ? Result<std::string>(std::string(given)) : ask_new_password("AMT");
    if (!password) return password.error();
    if (Result<void> r = editor.give(setupbin::kNewPassword, *password); !r) return r;
  }
  for (const auto& [id, text] : {std::pair{setupbin::kManageability, "amt"}, {setupbin::kSetupType, "manual"}}) {
    if (Result<void> r = editor.give(id, text); !r) return r;
  }
  return {};
}

int make(const Common& common, const Make& o) {
  const Changes& c = o.changes;
  if (o.file.empty() && o.image.empty()) return fail(kUsage, "where to? Name a file, or --image FILE, or both");
  if (const Result<void> r = check(c); !r) return failed(r.error());
  // Before a password is asked for.
  for (const std::string* path : {&o.file, &o.image}) {
    if (!path->empty() && !c.force && sys::exists(*path)) {
      return fail(kSaidNo, *path + " is there already; --force replaces it");
    }
  }
  Result<File> file = template_of(o);
  if (!file) return failed(file.error());
  Editor editor(*file, all_of(*file), c.force);
  if (o.from.empty() && !o.empty) {
    if (const Result<void> r = usual(editor, c); !r) return failed(r.error());
  }
  if (const Result<void> r = editor.apply(c); !r) return failed(r.error());
  const Result<Buffer> bytes = setupbin::format(*file);
  if (!bytes) return failed(bytes.error());
  for (const std::string& doubt : setupbin::doubts(*file)) warn(doubt);
  if (const Result<void> r = say_keys(*file, c); !r) return failed(r.error());
  if (!o.file.empty()) {
    if (const Result<void> r = write(o.file, *bytes, c.force); !r) return fail(kSaidNo, r.error().detail);
  }
  if (!o.image.empty()) {
    std::array<std::uint8_t, 4> serial{};
    auth::SystemRandom().fill(serial);
    const std::uint32_t number = serial[0] | serial[1] << 8U | serial[2] << 16U | std::uint32_t{serial[3]} << 24U;
    const Result<Buffer> image =
        setupbin::fat_image(*bytes, {.bits = o.fat, .partition_table = o.partition_table, .serial = number});
    if (!image) return failed(image.error());
    if (const Result<void> r = write(o.image, *image, c.force); !r) return fail(kSaidNo, r.error().detail);
  }
  if (common.json) {
    const auto path = [](const std::string& p) { return p.empty() ? Json(nullptr) : Json(p); };
    std::puts(Json({{"file", path(o.file)},
                    {"image", path(o.image)},
                    {"records", file->records.size()},
                    {"warnings", setupbin::doubts(*file)}})
                  .dump(-1, ' ', false, Json::error_handler_t::replace)
                  .c_str());
  }
  return kDone;
}

// --- show, edit -------------------------------------------------------------------------------------------

/// Errors: whole lines.
Result<File> read(const std::string& path, std::string* bytes = nullptr) {
  Result<std::string> text = sys::read_file(path == "-" ? "/dev/stdin" : path, setupbin::kMaxFile);
  if (!text) return Error{Errc::System, text.error().detail};
  Result<File> file = setupbin::parse(as_bytes(*text));
  if (!file) return Error{Errc::System, path + ": " + file.error().detail};
  if (bytes != nullptr) *bytes = std::move(*text);
  return file;
}

int show(const Common& common, const std::string& path, bool show_passwords) {
  const Result<File> file = read(path);
  if (!file) return failed(file.error());
  const Secrets secrets = show_passwords ? Secrets::Shown : Secrets::Hidden;
  if (common.json) {
    Json json = to_json(*file, secrets);
    std::puts(json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  } else {
    const File& f = *file;
    std::printf("version %u.%u, %zu record%s, %s\n", f.major, f.minor, f.records.size(),
                f.records.size() == 1 ? "" : "s",
                (f.flags & setupbin::kDoNotConsume) != 0 ? "for any number of machines"
                                                         : (std::to_string(f.consumed) + " of them used up").c_str());
    std::vector<std::vector<std::string>> rows = {{"RECORD", "NUMBER", "VARIABLE", "VALUE"}};
    for (const Record& r : f.records) {
      std::string state;
      if (r.type != 1 || (r.flags & setupbin::kValid) == 0) state += "invalid";
      if ((r.flags & setupbin::kScrambled) != 0) state += state.empty() ? "scrambled" : ", scrambled";
      if (!state.empty()) rows.push_back({std::to_string(r.number), "", "", state});
      for (const setupbin::Value& v : r.values) {
        const bool hidden = is_secret(v.id) && !show_passwords;
        rows.push_back({std::to_string(r.number), std::to_string(v.id.module) + "/" + std::to_string(v.id.id),
                        setupbin::name_of(v.id), hidden ? "(hidden)" : setupbin::to_text(v.id, v.bytes)});
      }
    }
    if (rows.size() > 1) std::fputs(table(rows).c_str(), stdout);
  }
  for (const std::string& doubt : setupbin::doubts(*file)) warn(doubt);
  return kDone;
}

struct Edit {
  Changes changes;
  std::string file;
  unsigned record = 0;  // 0: all
};

int edit(const Edit& o) {
  if (const Result<void> r = check(o.changes); !r) return failed(r.error());
  std::string before;
  Result<File> file = read(o.file, &before);
  if (!file) return failed(file.error());
  std::vector<std::size_t> records = all_of(*file);
  if (o.record != 0) {
    if (o.record > records.size()) {
      return fail(kUsage, o.file + " has " + std::to_string(records.size()) + " records");
    }
    records = {o.record - 1};
  }
  Editor editor(*file, records, o.changes.force);
  if (const Result<void> r = editor.apply(o.changes); !r) return failed(r.error());
  const Result<Buffer> bytes = setupbin::format(*file);
  if (!bytes) return failed(Error{Errc::BadValue, o.file + ": " + bytes.error().detail});
  for (const std::string& doubt : setupbin::doubts(*file)) warn(doubt);
  if (const Result<void> r = say_keys(*file, o.changes); !r) return failed(r.error());
  if (as_text(*bytes) == before) return kDone;
  if (const Result<void> r = sys::write_file(o.file, as_text(*bytes), kMode); !r) {
    return fail(kSaidNo, r.error().detail);
  }
  return kDone;
}

}  // namespace

Run setupbin_command(CLI::App& app, const Common& common) {
  Actions actions(app);
  actions.add("make", "a new file, or an image of a stick with it", [&](CLI::App& a) -> Run {
    const auto o = std::make_shared<Make>();
    a.add_option("FILE", o->file, "the file to write, Setup.bin on the stick");
    a.add_option("--image", o->image, "writes an image for a USB stick, the file in it")->option_text("FILE");
    a.add_option("--fat", o->fat, "of the image: 12, 16 (the default) or 32")
        ->option_text("BITS")
        ->check(CLI::IsMember({12U, 16U, 32U}));
    a.add_flag("--partition-table", o->partition_table, "of the image: an MBR before it");
    CLI::Option* from = a.add_option("--from", o->from, "what `show --json --show-passwords` wrote, or the like");
    from->option_text("FILE");
    a.add_option("--version", o->version, "of the format: 1, 2, 2.1, 3 (AMT 6 and later; the default), 4")
        ->option_text("N")
        ->excludes(from);
    a.add_option("--records", o->records, "so many, each for one machine (1)")
        ->option_text("N")
        ->check(CLI::Range(1U, 32000U))
        ->excludes(from);
    a.add_flag("--consume", o->consume, "one machine uses the record up")->excludes(from);
    a.add_flag("--scramble", o->scramble, "records are not readable at a glance")->excludes(from);
    a.add_flag("--empty", o->empty, "nothing in it but what is named here")->excludes(from);
    add_to(a, o->changes);
    a.add_flag("--force", o->changes.force, "replace what is there, take any password");
    return [&common, o] { return make(common, *o); };
  });
  actions.add("show", "what is in a file", [&](CLI::App& a) -> Run {
    const auto file = std::make_shared<std::string>();
    const auto passwords = std::make_shared<bool>(false);
    a.add_option("FILE", *file, "the Setup.bin; - is standard input")->required();
    a.add_flag("--show-passwords", *passwords, "and other secrets");
    return [&common, file, passwords] { return show(common, *file, *passwords); };
  });
  actions.add("edit", "change what is named in a file, and nothing else", [&](CLI::App& a) -> Run {
    const auto o = std::make_shared<Edit>();
    a.add_option("FILE", o->file, "the Setup.bin")->required();
    a.add_option("--record", o->record, "this one only; all if not given")
        ->option_text("N")
        ->check(CLI::Range(1U, 32767U));
    a.add_option("--unset", o->changes.unset, "takes a variable out")
        ->option_text("NAME")
        ->allow_extra_args(false)
        ->take_all();
    add_to(a, o->changes);
    a.add_flag("--force", o->changes.force, "take any password");
    return [o] { return edit(*o); };
  });
  return actions.run();
}

}  // namespace amtgate::cli
