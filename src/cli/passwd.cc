// passwd: the users file that `client_auth = users` looks at.
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

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
  bool remove = false;
};

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

  if (wanted.remove) {
    if (!users->remove(wanted.user)) return fail(kSaidNo, "there is no user " + wanted.user + " in " + path);
  } else {
    std::vector<std::string> roles = wanted.roles;
    const auth::UserEntry* known = users->find(wanted.user);
    if (known != nullptr && !wanted.roles_given) roles = known->roles;
    const Result<std::string> password = ask_new_password(wanted.user);
    if (!password) return fail(kUsage, password.error().detail);
    if (password->empty()) return fail(kUsage, "an empty password lets everybody in; nothing was changed");
    const Result<void> set = users->set(wanted.user, *password, std::move(roles), random);
    if (!set) return fail(kUsage, set.error().detail);
  }
  const Result<void> written = replace(path, users->format());
  if (!written) return fail(kSaidNo, written.error().detail + "; try as root");
  std::fprintf(stderr, "%s is written; `amtgate reload` puts it in force\n", path.c_str());
  return kDone;
}

}  // namespace

Run passwd_command(CLI::App& app, const Common& common) {
  const auto wanted = std::make_shared<Wanted>();
  app.add_option("USER", wanted->user, "the user's name")->required();
  const CLI::Option* roles = app.add_option("--role", wanted->roles, "a role of the user's; may stand more than once")
                                 ->expected(1)
                                 ->take_all();
  app.add_flag("--delete", wanted->remove, "remove the user");
  return [&common, wanted, roles] {
    wanted->roles_given = roles->count() > 0;
    return passwd(common, *wanted);
  };
}

}  // namespace amtgate::cli
