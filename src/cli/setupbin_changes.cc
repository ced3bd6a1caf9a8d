#include "amtgate/cli/setupbin_changes.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <limits>

#include "amtgate/cli/exit.h"
#include "amtgate/cli/password_keys.h"
#include "amtgate/cli/terminal.h"
#include "amtgate/sys/file.h"
#include "amtgate/wsman/users.h"

namespace amtgate::cli {
namespace {

using setupbin::File;
using setupbin::Record;
using setupbin::VariableId;

constexpr std::size_t kMaxSecretFile = 4096;

Error wrong(std::string text) {
  return Error{Errc::BadValue, std::move(text)};
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

Error as_argument(VariableId id) {
  const std::string name = setupbin::name_of(id);
  return wrong(name + " is a secret, and every user of this host can see arguments; use --set-from " + name +
               "=FILE or --ask " + name);
}

Result<std::string> first_line(const std::string& path) {
  Result<std::string> out = sys::read_file(path == "-" ? "/dev/stdin" : path, kMaxSecretFile);
  if (!out) return Error{Errc::System, out.error().detail};
  out->erase(std::min(out->find_first_of("\r\n"), out->size()));
  return out;
}

std::string new_password_of(const File& file) {
  for (const Record& r : file.records) {
    const setupbin::Value* v = setupbin::get(r, setupbin::kNewPassword);
    if (v != nullptr) return std::string(as_text(v->bytes));
  }
  return {};
}

}  // namespace

void add_options(CLI::App& app, SetupbinChanges& c) {
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

bool is_secret_variable(VariableId id) {
  const setupbin::Variable* v = setupbin::find(id);
  return v != nullptr && v->secret;
}

Result<void> check_changes(const SetupbinChanges& c) {
  for (const auto& [list, option] : {std::pair{&c.set, "--set"}, {&c.add, "--add"}, {&c.set_from, "--set-from"}}) {
    for (const std::string& text : *list) {
      const auto pair = halves(text, option);
      if (!pair) return pair.error();
      if (list == &c.set && (pair->first.starts_with("header.") || pair->first.starts_with("record."))) continue;
      const Result<VariableId> id = setupbin::parse_id(pair->first);
      if (!id) return id.error();
      if (list != &c.set_from && is_secret_variable(*id)) return as_argument(*id);
    }
  }
  for (const auto* list : {&c.ask, &c.unset}) {
    for (const std::string& name : *list) {
      if (const Result<VariableId> id = setupbin::parse_id(name); !id) return id.error();
    }
  }
  return {};
}

Result<void> SetupbinEditor::apply(const SetupbinChanges& c) {
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

Result<void> SetupbinEditor::give(VariableId id, const std::string& text) {
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

Result<void> SetupbinEditor::from_file(VariableId id, const std::string& path) {
  const Result<std::string> text = first_line(path);
  if (!text) return text.error();
  return give(id, *text);
}

Result<void> SetupbinEditor::set(const std::string& name, const std::string& text) {
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

Result<void> say_keys(const File& file, const SetupbinChanges& c) {
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
  print_warning("the firmware's screen takes every keyboard for a US one, and on a " + c.keyboard + " one character" +
                (moved.size() > 1 ? "s " : " ") + places + " of the new password " +
                (moved.size() > 1 ? "are" : "is") + " on another key" +
                (c.show_passwords ? "" : " (--show-passwords says which)") +
                "; special characters that stay: " + (stay.empty() ? "none" : stay));
  if (!c.show_passwords) return {};
  for (const MovedCharacter& m : moved) {
    const std::string key = m.type.empty() ? "no key makes it" : "type " + m.type;
    std::fprintf(stderr, "  character %zu, %c: %s\n", m.position, m.character, key.c_str());
  }
  return {};
}

void print_warning(const std::string& text) {
  fail(kDone, "warning: " + text);
}

}  // namespace amtgate::cli
