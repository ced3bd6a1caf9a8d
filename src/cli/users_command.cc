// users: AMT's own accounts in machines.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "amtgate/cli/actions.h"
#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/cli/terminal.h"
#include "amtgate/sys/file.h"
#include "amtgate/wsman/users.h"

namespace amtgate::cli {
namespace {

struct Wanted {
  std::string user;
  std::string realms, access;
  std::string password_file;
};

std::string realm_words(const std::vector<std::uint32_t>& realms) {
  std::string out;
  for (const std::uint32_t r : realms) out += (out.empty() ? "" : " ") + wsman::realm_name(r);
  return out;
}

std::string_view kind(const wsman::User& u) {
  return u.administrator() ? "administrator" : u.kerberos ? "kerberos" : u.system() ? "system" : "digest";
}

std::string state(const wsman::User& u) {
  return !u.enabled ? "" : *u.enabled ? "enabled" : "disabled";
}

Row row(const std::vector<wsman::User>& users) {
  Row out;
  nlohmann::json list = nlohmann::json::array();
  for (const wsman::User& u : users) {
    out.more.push_back({u.name, std::string(kind(u)), std::string(name(u.access)), state(u), realm_words(u.realms)});
    nlohmann::json realms = nlohmann::json::array();
    for (const std::uint32_t r : u.realms) realms.push_back({{"number", r}, {"name", wsman::realm_name(r)}});
    list.push_back({{"user", u.name},
                    {"kind", kind(u)},
                    {"access", name(u.access)},
                    {"enabled", u.enabled ? nlohmann::json(*u.enabled) : nlohmann::json()},
                    {"realms", std::move(realms)}});
  }
  out.json = std::make_shared<nlohmann::json>(nlohmann::json{{"users", std::move(list)}});
  return out;
}

/// From the file, else the environment, else it is asked for.
Result<std::string> new_password(const Wanted& wanted) {
  constexpr std::size_t kMaxFile = 4096;
  Result<std::string> out = std::string();
  if (!wanted.password_file.empty()) {
    out = sys::read_file(wanted.password_file, kMaxFile);
    if (out) out->erase(std::min(out->find_first_of("\r\n"), out->size()));
  } else if (const char* given = std::getenv("AMT_NEW_PASSWORD")) {
    out = std::string(given);
  } else {
    out = ask_new_password(wanted.user);
  }
  if (!out) return out;
  const Result<void> good = wsman::check_user_password(*out);
  if (!good) return good.error();
  return out;
}

void add_user_option(CLI::App& app, Wanted& wanted) {
  app.add_option("USER", wanted.user, "the account's name")->required();
}
void add_rights_options(CLI::App& app, Wanted& wanted) {
  app.add_option("--realms", wanted.realms, "what it may do: names or numbers, with commas")->option_text("LIST");
  app.add_option("--access", wanted.access, "from where: local, network or any")->option_text("WORD");
  app.add_option("--new-password-file", wanted.password_file,
                 "its first line is the account's password; else $AMT_NEW_PASSWORD, else it is asked for")
      ->option_text("FILE");
}

/// One line for each machine: what was done.
Task plain(std::string word, std::string user, std::function<Result<void>(wsman::Caller&)> act) {
  return
      [word = std::move(word), user = std::move(user), act = std::move(act)](wsman::Caller& machine) -> Result<Row> {
        const Result<void> done = act(machine);
        if (!done) return done.error();
        return Row{{user, word}, std::make_shared<nlohmann::json>(nlohmann::json{{"user", user}, {"done", word}})};
      };
}

Run list(CLI::App& app, const Common& common) {
  const auto fleet = add_fleet_options(app);
  return [&common, fleet] {
    return run_fleet(common, *fleet, {"USER", "KIND", "ACCESS", "STATE", "REALMS"},
                     [](wsman::Caller& machine) -> Result<Row> {
                       const Result<std::vector<wsman::User>> users = wsman::list_users(machine);
                       if (!users) return users.error();
                       return row(*users);
                     });
  };
}

/// Of --realms and --access what is given.
Result<wsman::UserChange> rights(const Wanted& wanted) {
  wsman::UserChange out;
  if (!wanted.realms.empty()) {
    Result<std::vector<std::uint32_t>> realms = wsman::parse_realms(wanted.realms);
    if (!realms) return realms.error();
    out.realms = std::move(*realms);
  }
  if (!wanted.access.empty()) {
    const Result<wsman::Access> access = wsman::parse_access(wanted.access);
    if (!access) return access.error();
    out.access = *access;
  }
  return out;
}

Run add(CLI::App& app, const Common& common) {
  const auto wanted = std::make_shared<Wanted>();
  add_user_option(app, *wanted);
  const auto fleet = add_fleet_options(app);
  add_rights_options(app, *wanted);
  return [&common, wanted, fleet] {
    const Result<wsman::UserChange> given = rights(*wanted);
    if (!given) return fail(kUsage, given.error().detail);
    if (!given->realms) return fail(kUsage, "without --realms the user could do nothing; name some");
    const Result<void> name = wsman::check_user_name(wanted->user);
    if (!name) return fail(kUsage, name.error().detail);
    const Result<std::string> password = new_password(*wanted);
    if (!password) return fail(kUsage, password.error().detail);
    const wsman::NewUser user{wanted->user, *password, given->access.value_or(wsman::Access::Any), *given->realms};
    return run_fleet(common, *fleet, {"USER", "DONE"}, plain("added", user.name, [&](wsman::Caller& machine) {
                       return wsman::add_user(machine, user);
                     }));
  };
}

Run change(CLI::App& app, const Common& common) {
  const auto wanted = std::make_shared<Wanted>();
  add_user_option(app, *wanted);
  const auto fleet = add_fleet_options(app);
  add_rights_options(app, *wanted);
  return [&common, wanted, fleet] {
    Result<wsman::UserChange> given = rights(*wanted);
    if (!given) return fail(kUsage, given.error().detail);
    const Result<std::string> password = new_password(*wanted);
    if (!password) return fail(kUsage, password.error().detail);
    given->password = *password;
    return run_fleet(common, *fleet, {"USER", "DONE"}, plain("changed", wanted->user, [&](wsman::Caller& machine) {
                       return wsman::change_user(machine, wanted->user, *given);
                     }));
  };
}

template <class Act>
Run simple(CLI::App& app, const Common& common, const char* word, const Act& act) {
  const auto wanted = std::make_shared<Wanted>();
  add_user_option(app, *wanted);
  const auto fleet = add_fleet_options(app);
  return [&common, wanted, fleet, word, act] {
    return run_fleet(common, *fleet, {"USER", "DONE"},
                     plain(word, wanted->user, [&](wsman::Caller& machine) { return act(machine, wanted->user); }));
  };
}

}  // namespace

Run users_command(CLI::App& app, const Common& common) {
  Actions actions(app);
  actions.add("list", "who may log in, and to what", [&](CLI::App& a) { return list(a, common); });
  actions.add("add", "a new account", [&](CLI::App& a) { return add(a, common); });
  actions.add("change", "another password, other realms or access", [&](CLI::App& a) { return change(a, common); });
  actions.add("delete", "take an account away",
              [&](CLI::App& a) { return simple(a, common, "deleted", wsman::delete_user); });
  const auto enable = [](bool on) {
    return [on](wsman::Caller& machine, const std::string& user) { return wsman::enable_user(machine, user, on); };
  };
  actions.add("enable", "let an account log in again",
              [&](CLI::App& a) { return simple(a, common, "enabled", enable(true)); });
  actions.add("disable", "keep an account from logging in",
              [&](CLI::App& a) { return simple(a, common, "disabled", enable(false)); });
  return actions.run();
}

}  // namespace amtgate::cli
