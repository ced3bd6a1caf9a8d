// passwd: the users file that `client_auth = users` looks at.
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "amtgate/auth/users.h"
#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

constexpr std::size_t kMaxTyped = 1024;  // far over what a password may have; set() names the real limit

/// One line of standard input without its newline. Errors: Closed at the end of input.
Result<std::string> read_line() {
  std::string line;
  while (line.size() < kMaxTyped) {
    char c = 0;
    const ssize_t n = ::read(STDIN_FILENO, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Errc::System, std::string("cannot read the password: ") + std::strerror(errno)};
    if (n == 0 && line.empty()) return Error{Errc::Closed, "no password on standard input"};
    if (n == 0 || c == '\n') break;
    line += c;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

/// The terminal without echo while it lives.
class Silence {
 public:
  Silence() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL;
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~Silence() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

Result<std::string> ask_password(const std::string& user) {
  if (::isatty(STDIN_FILENO) != 1) return read_line();
  const Silence silence;
  std::fprintf(stderr, "Password for %s: ", user.c_str());
  Result<std::string> first = read_line();
  if (!first) return first;
  std::fputs("Once more: ", stderr);
  const Result<std::string> second = read_line();
  if (!second) return second;
  if (*first != *second) return Error{Errc::BadValue, "the two passwords differ; nothing was changed"};
  return first;
}

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
    const Result<std::string> password = ask_password(wanted.user);
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
