// passwd: the users file that `client_auth = users` looks at.
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "amtgate/auth/users.h"
#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/terminal.h"
#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

/// Writes the file anew. An existing one keeps its owner and mode, less what others might do with it.
Result<void> replace(const std::string& path, const std::string& text) {
  struct stat info = {};
  const bool existed = ::stat(path.c_str(), &info) == 0;
  const mode_t mode = existed ? info.st_mode & 0770 : 0600;
  if (const Result<void> written = sys::write_file(path, text, mode); !written) return written;
  if (existed && ::geteuid() == 0 && ::chown(path.c_str(), info.st_uid, info.st_gid) != 0) {
    return Error{Errc::System, "cannot give " + path + " back to its owner: " + std::strerror(errno)};
  }
  return {};
}

struct Wanted {
  std::string user;
  std::vector<std::string> roles;
  bool roles_given = false;
  bool keep_password = false;
  bool remove = false;
  bool list = false;
};

/// What a user gets who is new, where no role is named: the machine's console, and nothing that outlasts a session.
const auth::Grant kUsual{auth::Role::Console, auth::Grant::At::Everywhere, {}};

std::string in_words(const std::vector<auth::Grant>& grants) {
  std::string out;
  for (const auth::Grant& grant : grants) out += (out.empty() ? "" : " ") + auth::to_string(grant);
  return out.empty() ? "none" : out;
}

/// "none", alone, is no role at all.
Result<std::vector<auth::Grant>> parse_roles(const std::vector<std::string>& words) {
  std::vector<auth::Grant> out;
  if (words.size() == 1 && words[0] == "none") return out;
  for (const std::string& word : words) {
    Result<auth::Grant> grant = auth::parse_grant(word);
    if (!grant) return grant.error();
    out.push_back(std::move(*grant));
  }
  return out;
}

int list(const Common& common, const auth::UsersFile& users) {
  if (common.json) {
    nlohmann::ordered_json out = nlohmann::ordered_json::array();
    for (const auth::UserEntry& e : users.users()) {
      nlohmann::ordered_json roles = nlohmann::ordered_json::array();
      for (const auth::Grant& grant : e.grants) roles.push_back(auth::to_string(grant));
      out.push_back({{"user", e.name}, {"roles", std::move(roles)}});
    }
    std::puts(out.dump().c_str());
    return kDone;
  }
  std::vector<std::vector<std::string>> rows = {{"USER", "ROLES"}};
  for (const auth::UserEntry& e : users.users()) rows.push_back({e.name, in_words(e.grants)});
  std::fputs(table(rows).c_str(), stdout);
  return kDone;
}

/// A new user, a new password, or only other roles.
Result<void> change(auth::UsersFile& users, const Wanted& wanted, auth::RandomSource& random) {
  const auth::UserEntry* known = users.find(wanted.user);
  std::vector<auth::Grant> grants = known != nullptr ? known->grants : std::vector{kUsual};
  if (wanted.roles_given) {
    Result<std::vector<auth::Grant>> given = parse_roles(wanted.roles);
    if (!given) return given.error();
    grants = std::move(*given);
  }
  const std::string words = in_words(grants);
  if (wanted.keep_password) {
    if (Result<void> set = users.set_grants(wanted.user, std::move(grants)); !set) return set;
  } else {
    const Result<std::string> password = ask_new_password(wanted.user);
    if (!password) return password.error();
    if (password->empty()) return Error{Errc::BadValue, "an empty password lets everybody in; nothing was changed"};
    if (Result<void> set = users.set(wanted.user, *password, std::move(grants), random); !set) return set;
  }
  std::fprintf(stderr, "roles of %s: %s\n", wanted.user.c_str(), words.c_str());
  return {};
}

int passwd(const Common& common, const Wanted& wanted) {
  const Result<config::Gateway> settings = gateway_settings(common);
  if (!settings) return fail(kSaidNo, settings.error().detail);
  const std::string& path = settings->users;
  const Result<std::string> text = sys::read_file(path, auth::kMaxUsersFile);
  if (!text && text.error().code != Errc::Unreachable) return fail(kSaidNo, text.error().detail + "; try as root");
  auth::SystemRandom random;
  Result<auth::UsersFile> users =
      text ? auth::UsersFile::parse(*text, path) : auth::UsersFile::create(auth::make_realm(random));
  if (!users) return fail(kSaidNo, users.error().detail);

  if (wanted.list) return list(common, *users);
  if (wanted.remove) {
    if (!users->remove(wanted.user)) return fail(kSaidNo, "there is no user " + wanted.user + " in " + path);
  } else if (const Result<void> changed = change(*users, wanted, random); !changed) {
    return fail(kUsage, changed.error().detail);
  }
  const Result<void> written = replace(path, users->format());
  if (!written) return fail(kSaidNo, written.error().detail + "; try as root");
  std::fprintf(stderr, "%s is written; `amtgate reload` puts it in force\n", path.c_str());
  return kDone;
}

}  // namespace

Run passwd_command(CLI::App& app, const Common& common) {
  const auto wanted = std::make_shared<Wanted>();
  CLI::Option* user = app.add_option("USER", wanted->user, "the user's name");
  CLI::Option* roles =
      app.add_option("--role", wanted->roles,
                     "view, console, power or admin, with @TARGET or @tag:TAG behind it, or none; may "
                     "stand more than once")
          ->expected(1)
          ->take_all();
  CLI::Option* keep = app.add_flag("--keep-password", wanted->keep_password, "change the roles only")->needs(roles);
  CLI::Option* remove = app.add_flag("--delete", wanted->remove, "remove the user")->excludes(roles);
  app.add_flag("--list", wanted->list, "the users and their roles")->excludes(user, roles, keep, remove);
  return [&common, wanted, roles] {
    if (wanted->user.empty() && !wanted->list) return fail(kUsage, "passwd: USER is required");
    wanted->roles_given = roles->count() > 0;
    return passwd(common, *wanted);
  };
}

}  // namespace amtgate::cli
