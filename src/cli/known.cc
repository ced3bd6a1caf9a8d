// known: the certificates that machines showed at their first use (STATE/known_certificates).
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/sys/act_as.h"
#include "amtgate/sys/file.h"
#include "amtgate/sys/folder_lock.h"
#include "amtgate/tls/trust.h"

namespace amtgate::cli {
namespace {

constexpr std::size_t kMaxFile = 64 * 1024 * 1024;  // as device/known_store.h

struct Store {
  std::string path;
  tls::KnownCertificates known;
};

Result<Store> read_store(const config::Gateway& settings) {
  Store out;
  out.path = settings.state + "/known_certificates";
  const Result<std::string> text = sys::read_file(out.path, kMaxFile);
  // No file is no certificate: none has been seen yet.
  if (!text && text.error().code == Errc::Unreachable) return out;
  if (!text) return Error{Errc::System, text.error().detail + "; try as root"};
  Result<tls::KnownCertificates> known = tls::KnownCertificates::parse(*text);
  if (!known) return Error{Errc::System, out.path + ": " + known.error().detail};
  out.known = std::move(*known);
  return out;
}

int list(const Common& common) {
  const Result<config::Gateway> settings = gateway_settings(common);
  if (!settings) return fail(kSaidNo, settings.error().detail);
  const Result<Store> store = read_store(*settings);
  if (!store) return fail(kSaidNo, store.error().detail);
  if (common.json) {
    nlohmann::ordered_json out = nlohmann::ordered_json::array();
    for (const auto& [who, entry] : store->known.entries()) {
      out.push_back({{"target", who.target},
                     {"device", who.device.to_string()},
                     {"sha256", entry.sha256},
                     {"date", entry.date}});
    }
    std::puts(out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
    return kDone;
  }
  std::vector<std::vector<std::string>> rows = {{"TARGET", "DEVICE", "SINCE", "SHA256"}};
  for (const auto& [who, entry] : store->known.entries()) {
    rows.push_back({who.target, who.device.to_string(), entry.date, entry.sha256});
  }
  std::fputs(table(rows).c_str(), stdout);
  return kDone;
}

int forget(const Common& common, const std::string& target) {
  const Result<config::Gateway> settings = gateway_settings(common);
  if (!settings) return fail(kSaidNo, settings.error().detail);
  const sys::FolderLock alone(settings->state);
  Result<Store> store = read_store(*settings);
  if (!store) return fail(kSaidNo, store.error().detail);
  std::vector<tls::KnownCertificates::Identity> gone;
  for (const auto& [who, entry] : store->known.entries()) {
    if (who.target == target) gone.push_back(who);
  }
  if (gone.empty()) {
    return fail(kSaidNo,
                "no certificate of target " + target + " is known in " + store->path + "; see `amtgate known list`");
  }
  for (const auto& who : gone) store->known.forget(who);
  struct stat info = {};
  if (::stat(store->path.c_str(), &info) != 0) return fail(kSaidNo, "cannot find " + store->path);
  // The daemon's account owns the file and its folder: it could not read a file of root's there any more.
  const sys::ActAs owner(info.st_uid, info.st_gid);
  const Result<void> written = sys::write_file(store->path, store->known.format(), info.st_mode & 0777);
  return written ? static_cast<int>(kDone) : fail(kSaidNo, written.error().detail + "; try as root");
}

}  // namespace

Run known_command(CLI::App& app, const Common& common) {
  const auto target = std::make_shared<std::string>();
  CLI::App* list_app = app.add_subcommand("list", "the certificates that machines showed at their first use");
  CLI::App* forget_app =
      app.add_subcommand("forget", "forget a target's certificate: the next one seen is remembered instead");
  forget_app->add_option("TARGET", *target, "its name in the configuration")->required();
  list_app->fallthrough();
  forget_app->fallthrough();
  app.require_subcommand(1);
  return [&common, target, list_app] { return list_app->parsed() ? list(common) : forget(common, *target); };
}

}  // namespace amtgate::cli
