// setupbin: files by which a PC's firmware sets AMT up from a USB stick.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "amtgate/auth/random.h"
#include "amtgate/cli/actions.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/setupbin_changes.h"
#include "amtgate/cli/setupbin_command.h"
#include "amtgate/cli/setupbin_json.h"
#include "amtgate/cli/terminal.h"
#include "amtgate/setupbin/fat_image.h"
#include "amtgate/setupbin/file.h"
#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

using Json = nlohmann::ordered_json;
using setupbin::File;
using setupbin::Record;
using setupbin::VariableId;

constexpr mode_t kMode = 0600;
constexpr std::string_view kFactory = "admin";

Error wrong(std::string text) {
  return Error{Errc::BadValue, std::move(text)};
}

int failed(const Error& error) {
  return fail(error.code == Errc::System ? kSaidNo : kUsage, error.detail);
}

Result<void> write(const std::string& path, Bytes bytes, bool may_replace) {
  if (!may_replace && sys::exists(path)) return wrong(path + " is there already; --force replaces it");
  return sys::write_file(path, as_text(bytes), kMode);
}

// --- make -------------------------------------------------------------------------------------------------

struct Make {
  SetupbinChanges changes;
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
Result<void> usual(SetupbinEditor& editor, const SetupbinChanges& c) {
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
  const SetupbinChanges& c = o.changes;
  if (o.file.empty() && o.image.empty()) return fail(kUsage, "where to? Name a file, or --image FILE, or both");
  if (const Result<void> r = check_changes(c); !r) return failed(r.error());
  // Before a password is asked for.
  for (const std::string* path : {&o.file, &o.image}) {
    if (!path->empty() && !c.force && sys::exists(*path)) {
      return fail(kSaidNo, *path + " is there already; --force replaces it");
    }
  }
  Result<File> file = template_of(o);
  if (!file) return failed(file.error());
  SetupbinEditor editor(*file, all_of(*file), c.force);
  if (o.from.empty() && !o.empty) {
    if (const Result<void> r = usual(editor, c); !r) return failed(r.error());
  }
  if (const Result<void> r = editor.apply(c); !r) return failed(r.error());
  const Result<Buffer> bytes = setupbin::format(*file);
  if (!bytes) return failed(bytes.error());
  for (const std::string& doubt : setupbin::doubts(*file)) print_warning(doubt);
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
        const bool hidden = is_secret_variable(v.id) && !show_passwords;
        rows.push_back({std::to_string(r.number), std::to_string(v.id.module) + "/" + std::to_string(v.id.id),
                        setupbin::name_of(v.id), hidden ? "(hidden)" : setupbin::to_text(v.id, v.bytes)});
      }
    }
    if (rows.size() > 1) std::fputs(table(rows).c_str(), stdout);
  }
  for (const std::string& doubt : setupbin::doubts(*file)) print_warning(doubt);
  return kDone;
}

struct Edit {
  SetupbinChanges changes;
  std::string file;
  unsigned record = 0;  // 0: all
};

int edit(const Edit& o) {
  if (const Result<void> r = check_changes(o.changes); !r) return failed(r.error());
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
  SetupbinEditor editor(*file, records, o.changes.force);
  if (const Result<void> r = editor.apply(o.changes); !r) return failed(r.error());
  const Result<Buffer> bytes = setupbin::format(*file);
  if (!bytes) return failed(Error{Errc::BadValue, o.file + ": " + bytes.error().detail});
  for (const std::string& doubt : setupbin::doubts(*file)) print_warning(doubt);
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
    add_options(a, o->changes);
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
    add_options(a, o->changes);
    a.add_flag("--force", o->changes.force, "take any password");
    return [o] { return edit(*o); };
  });
  return actions.run();
}

}  // namespace amtgate::cli
