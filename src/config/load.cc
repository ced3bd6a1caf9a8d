#include "amtgate/config/load.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "amtgate/config/draft.h"
#include "amtgate/rfb/keyboard_layout.h"

namespace amtgate::config {
namespace {

constexpr std::size_t kMaxPassword = 128;    // as for password =
constexpr std::size_t kVncPasswordUsed = 8;  // what RFB's DES challenge looks at

std::string folder_of(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  if (slash == std::string::npos) return ".";
  return file.substr(0, slash);  // empty for the root
}

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

std::string_view first_line(std::string_view text) {
  std::string_view line = text.substr(0, text.find('\n'));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

class Loader {
 public:
  Loader(std::string file, Files& files) : file_(std::move(file)), files_(files) {}

  Parsed run() {
    std::vector<Mistake> unreadable;
    read_sources(unreadable);
    draft_ = read_draft(sources_);
    check_draft(draft_, sources_);
    draft_.mistakes.insert(draft_.mistakes.end(), unreadable.begin(), unreadable.end());
    account_ = files_.account(draft_.config.gateway.user);
    gateway(draft_.config.gateway);
    for (Target& t : draft_.config.targets) target(t);
    written_passwords();
    users();
    keyboards();
    return finish(std::move(draft_), sources_);
  }

 private:
  // --- the configuration files ---

  void read_sources(std::vector<Mistake>& unreadable) {
    const auto add = [&](const std::string& path, bool targets_only) {
      Result<Files::File> file = files_.read(path, kMaxFile);
      if (!file) unreadable.push_back({path, 0, "cannot read it: " + file.error().detail});
      sources_.push_back({path, file ? std::move(file->text) : std::string(), targets_only});
      modes_.push_back(file ? *file : Files::File{});
    };
    add(file_, false);
    const std::string folder = folder_of(file_) + "/targets.d";
    Result<std::vector<std::string>> names = files_.list(folder);
    if (!names) {
      unreadable.push_back({folder, 0, "cannot list it: " + names.error().detail});
      return;
    }
    std::ranges::sort(*names);
    for (const std::string& name : *names) {
      if (name.ends_with(".conf") && !name.starts_with('.')) add(folder + "/" + name, true);
    }
  }

  // --- what keys name ---

  void mistake(Place at, std::string text) {
    draft_.mistakes.push_back({sources_[at.source].name, at.line, std::move(text)});
  }

  /// A sentence when the file may not hold a secret; empty when it may.
  std::string exposed(const Files::File& file, const std::string& path) {
    if ((file.mode & 07) != 0) {
      return "others may read or change " + path + " (mode " + octal(file.mode) + "): chmod o-rwx " + path;
    }
    if (file.owner != 0 && file.owner != files_.self() && (!account_ || file.owner != *account_)) {
      return path + " belongs to neither root nor " + draft_.config.gateway.user + ": chown root " + path;
    }
    return {};
  }

  enum class Keep { Public, Secret };

  /// The file behind a key, read once however many targets name it; empty after a mistake was added.
  std::string read(Place at, const std::string& key, const std::string& path, std::size_t limit, Keep keep) {
    auto cached = cache_.find(path);
    if (cached == cache_.end()) cached = cache_.emplace(path, files_.read(path, limit)).first;
    const Result<Files::File>& file = cached->second;
    if (!file) {
      mistake(at, key + ": cannot read " + path + ": " + file.error().detail);
      return {};
    }
    const std::string why = keep == Keep::Secret ? exposed(*file, path) : std::string();
    if (!why.empty()) {
      mistake(at, key + ": " + why);
      return {};
    }
    return file->text;
  }

  std::string read_pem(Place at, const std::string& key, const std::string& path, Keep keep) {
    std::string text = read(at, key, path, kMaxPemFile, keep);
    const char* wanted = keep == Keep::Secret ? "PRIVATE KEY-----" : "-----BEGIN CERTIFICATE-----";
    if (!text.empty() && text.find(wanted) == std::string::npos) {
      mistake(at,
              key + ": " + path + " holds no " + (keep == Keep::Secret ? "private key" : "certificate") + " in PEM");
    }
    return text;
  }

  Secret read_password(Place at, const std::string& key, const std::string& path) {
    const std::size_t before = draft_.mistakes.size();
    const std::string text = read(at, key, path, kMaxPasswordFile, Keep::Secret);
    const std::string_view line = first_line(text);
    if (draft_.mistakes.size() != before) return Secret();
    if (line.empty()) mistake(at, key + ": the first line of " + path + " is empty");
    if (line.size() > kMaxPassword) {
      mistake(at, key + ": the first line of " + path + " is longer than " + std::to_string(kMaxPassword) + " bytes");
    }
    if (line.find('\0') != std::string_view::npos)
      mistake(at, key + ": the first line of " + path + " holds a zero byte");
    return Secret(std::string(line));
  }

  void gateway(Gateway& g) {
    if (!g.cert.empty())
      g.cert_text = Secret(read_pem(draft_.place("gateway", "cert"), "cert", g.cert, Keep::Public));
    if (!g.key.empty()) g.key_text = Secret(read_pem(draft_.place("gateway", "key"), "key", g.key, Keep::Secret));
    if (!g.image_ca.empty())
      g.image_ca_text = read_pem(draft_.place("gateway", "image_ca"), "image_ca", g.image_ca, Keep::Public);
  }

  void target(Target& t) {
    const auto at = [&](const char* key) { return draft_.place(t, key); };
    if (!t.password_file.empty()) t.password = read_password(at("password_file"), "password_file", t.password_file);
    if (!t.tls_ca.empty()) t.tls_ca_text = read_pem(at("tls_ca"), "tls_ca", t.tls_ca, Keep::Public);
    if (!t.tls_cert.empty()) {
      t.tls_cert_text = Secret(read_pem(at("tls_cert"), "tls_cert", t.tls_cert, Keep::Public));
    }
    if (!t.tls_key.empty()) t.tls_key_text = Secret(read_pem(at("tls_key"), "tls_key", t.tls_key, Keep::Secret));
    if (t.vnc_security != VncSecurity::None && !t.vnc_password_file.empty()) {
      t.vnc_password = read_password(at("vnc_password_file"), "vnc_password_file", t.vnc_password_file);
      if (t.vnc_password.reveal().size() > kVncPasswordUsed) {
        const Place place = at("vnc_password_file");
        draft_.warnings.push_back({sources_[place.source].name, place.line,
                                   "vnc_password_file: VNC looks at the first 8 characters of a password only"});
      }
    }
  }

  /// `password =` makes the configuration file itself a secret.
  void written_passwords() {
    for (const auto& [key, at] : draft_.places) {
      if (key.second != "password") continue;
      const Config& config = draft_.config;
      const Target* t = key.first.starts_with("target ") ? config.find(key.first.substr(7)) : nullptr;
      if (t != nullptr && t->password.empty()) continue;  // `password =` that only takes back the one of [defaults]
      if (t == nullptr && draft_.defaults.password.empty()) continue;
      const std::string why = exposed(modes_[at.source], sources_[at.source].name);
      if (!why.empty()) mistake(at, "password: " + why);
    }
  }

  void users() {
    const Place at = draft_.place("gateway", "users");
    Gateway& g = draft_.config.gateway;
    const auto needs = std::ranges::find(draft_.config.targets, ClientAuth::Users, &Target::client_auth);
    const bool by_target = needs != draft_.config.targets.end();
    if (!by_target && !g.control_users) return;
    Place where = at;
    if (at.line == 0) {
      where = by_target ? draft_.place(*needs, "client_auth") : draft_.place("gateway", "control_users");
    }
    g.users_text = Secret(read(where, "users", g.users, kMaxUsersFile, Keep::Secret));
  }

  /// XKB's own files tell which layouts there are. Each is looked for once, however many targets name it.
  void keyboards() {
    std::map<std::string, std::string> known;  // layout: what is wrong with it
    const auto check = [&](const std::string& layout, Place at) {
      if (layout.empty()) return;
      const auto [entry, fresh] = known.try_emplace(layout);
      if (fresh) {
        const auto loaded = rfb::KeyboardLayout::load(layout);
        if (!loaded) entry->second = loaded.error().detail;
      }
      if (!entry->second.empty()) mistake(at, "keyboard: " + entry->second);
    };
    check(draft_.defaults.keyboard, draft_.place("defaults", "keyboard"));
    for (const Target& t : draft_.config.targets) check(t.keyboard, draft_.place(t, "keyboard"));
  }

  std::string file_;
  Files& files_;
  std::vector<Source> sources_;
  std::vector<Files::File> modes_;  // of the sources; their text is moved out
  Draft draft_;
  std::optional<uid_t> account_;
  std::map<std::string, Result<Files::File>> cache_;
};

}  // namespace

Parsed load(const std::string& file, Files& files) {
  return Loader(file, files).run();
}

Parsed load(const std::string& file) {
  DiskFiles files;
  return load(file, files);
}

}  // namespace amtgate::config
