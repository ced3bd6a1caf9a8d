// ider: serve a CD, DVD, floppy or disk image to a machine.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/ider_server.h"
#include "amtgate/cli/machine_options.h"
#include "amtgate/cli/own_mark.h"
#include "amtgate/config/load.h"
#include "amtgate/config/machine.h"
#include "amtgate/image/blank_floppy.h"
#include "amtgate/image/file.h"
#include "amtgate/image/overlay.h"
#include "amtgate/sys/file.h"
#include "amtgate/sys/log.h"

namespace amtgate::cli {
namespace {

using StartMode = ider::ClientRole::StartMode;

struct IderOptions {
  std::string target;
  std::string host;
  std::string user;
  std::string cd, floppy, overlay;
  bool write = false;
  bool blank_floppy = false;
  bool once = false;
  StartMode start = StartMode::Now;
  MachineOptions login = default_machine();
  bool login_given = false;
};

/// Errors: BadValue is wrong usage.
using Found = Result<IderServer::Options>;

Found by_hand(const IderOptions& o, const std::string& host) {
  auto target = std::make_shared<config::Target>(o.login.target);
  target->name = host;
  if (!o.user.empty()) target->username = o.user;
  IderServer::Options out;
  out.state = o.login.state.empty() ? default_state() : o.login.state;
  if (target->tls != config::TlsMode::No) {
    if (const Result<void> made = sys::make_directories(out.state, 0700); !made)
      return Error{Errc::BadValue, made.error().detail};
  }
  out.target = std::move(target);
  out.at = config::Host(host);
  return out;
}

/// A target of the configuration; else any machine, when it was said how to log in there.
Found find(const Common& common, const IderOptions& o) {
  if (!o.host.empty() && !o.target.empty())
    return Error{Errc::BadValue, "-h, and a target of the configuration; one of them is meant"};
  if (!o.host.empty()) {
    Found out = by_hand(o, o.host);
    if (out) out->mark = own_mark(common);
    return out;
  }
  if (o.target.empty()) return Error{Errc::BadValue, "no machine is meant; name a target, or -h"};
  const bool knows = o.login_given || !o.login.target.password.empty();
  if (!common.config_given && ::access(common.config.c_str(), F_OK) != 0) return by_hand(o, o.target);
  config::Parsed parsed = config::load(common.config);
  if (!parsed) {
    if (knows && !common.config_given) return by_hand(o, o.target);
    const std::string why = parsed.mistakes.empty() ? common.config : parsed.mistakes[0].to_string();
    return Error{Errc::System, "the configuration cannot be used (" + why + "); mend it, or try as root"};
  }
  const auto config = std::make_shared<const config::Config>(std::move(*parsed.config));
  const Result<config::Machine> machine = config::find_machine(*config, o.target);
  if (!machine) {
    if (knows) return by_hand(o, o.target);
    return Error{machine.error().code, machine.error().detail + "; a machine that it does not describe: -h"};
  }
  if (o.login_given)
    return Error{Errc::BadValue, "how to log in is for -h; the target " + o.target + " has it in the configuration"};
  IderServer::Options out;
  out.target = std::shared_ptr<const config::Target>(config, machine->target);
  out.at = machine->target->amt ? *machine->target->amt : machine->aim;
  out.state = config->gateway.state;
  out.daemons_state = true;
  out.mark = own_mark(*config);
  return out;
}

/// What lies in the two drives.
struct Media {
  std::unique_ptr<image::File> cd, floppy;
  std::unique_ptr<image::Overlay> overlay;
  image::BlankFloppy blank;
  ider::BlockSource* in_floppy = nullptr;
};

Result<void> load(const IderOptions& o, Media& m) {
  if (o.cd.empty() && o.floppy.empty() && !o.blank_floppy)
    return Error{Errc::BadValue, "no image: --cd FILE, --floppy FILE or both"};
  if (o.floppy.empty() && (o.write || !o.overlay.empty()))
    return Error{Errc::BadValue, "--write and --overlay need --floppy; a CD is read-only"};
  if (o.write && !o.overlay.empty())
    return Error{Errc::BadValue, "--write goes into the image, --overlay beside it; one of them is meant"};
  if (o.blank_floppy && !o.floppy.empty())
    return Error{Errc::BadValue, "--blank-floppy is for a drive without --floppy"};
  if (!o.cd.empty()) {
    auto opened = image::File::open(o.cd, 2048);
    if (!opened) return opened.error();
    m.cd = std::move(*opened);
  }
  if (o.blank_floppy) m.in_floppy = &m.blank;
  if (o.floppy.empty()) return {};
  auto opened = image::File::open(o.floppy, 512, o.write ? image::Access::Write : image::Access::Read);
  if (!opened) return opened.error();
  m.floppy = std::move(*opened);
  m.in_floppy = m.floppy.get();
  if (o.overlay.empty()) return {};
  auto overlay = image::Overlay::open(o.overlay, *m.floppy);
  if (!overlay) return overlay.error();
  m.overlay = std::move(*overlay);
  m.in_floppy = m.overlay.get();
  return {};
}

IderReport::Medium described(ider::BlockSource* medium) {
  if (!medium) return {};
  return {medium->blocks().value, ider::MediumMap::read(*medium)};
}

int serve(const Common& common, const IderOptions& o) {
  log::set_level(log::Level::Error);  // a refused login is said in our own words
  Media media;
  if (const Result<void> loaded = load(o, media); !loaded) return fail(kUsage, "ider: " + loaded.error().detail);
  Found found = find(common, o);
  if (!found) return fail(found.error().code == Errc::BadValue ? kUsage : kSaidNo, "ider: " + found.error().detail);
  ::signal(SIGPIPE, SIG_IGN);
  Result<std::unique_ptr<net::Loop>> loop = net::Loop::create();
  if (!loop) return fail(kSaidNo, "ider: " + loop.error().detail);
  (*loop)->wait_busily();  // one command at a time: each wake-up would be in the machine's way

  IderServer::Options options = std::move(*found);
  options.role.cd = media.cd.get();
  options.role.floppy = media.in_floppy;
  options.role.start = o.start;
  options.once = o.once;
  options.changed = [&media](ider::Drive d) {
    image::File* file = d == ider::Drive::Cd ? media.cd.get() : media.floppy.get();
    return file ? file->changed() : std::nullopt;
  };
  IderReport report(options.target->name, common.json, described(media.cd.get()), described(media.in_floppy));
  IderServer server(**loop, report, std::move(options));
  net::Signal on_int(**loop, SIGINT, [&] { server.interrupt(); });
  net::Signal on_term(**loop, SIGTERM, [&] { server.interrupt(); });
  server.start();
  (*loop)->run();
  if (media.in_floppy && media.in_floppy->writable()) {
    if (const Result<void> kept = media.in_floppy->flush(); !kept)
      return fail(kSaidNo, "ider: " + kept.error().detail);
  }
  return server.code();
}

}  // namespace

Run ider_command(CLI::App& app, const Common& common) {
  auto o = std::make_shared<IderOptions>();
  app.set_help_flag("--help", "this help");
  app.add_option("TARGET", o->target, "a machine of the configuration, or any, with how to log in");
  app.add_option("--cd", o->cd, "a CD or DVD image, or a hybrid one")->option_text("FILE");
  app.add_option("--floppy", o->floppy, "a floppy or disk image")->option_text("FILE");
  app.add_flag("--write", o->write, "the machine may write to the floppy image");
  app.add_option("--overlay", o->overlay, "what it writes goes into this file, and the image stays as it is")
      ->option_text("FILE");
  app.add_flag("--blank-floppy", o->blank_floppy, "a blank floppy instead of an empty drive");
  const auto start = [o](const std::string& word) {
    if (word == "now") {
      o->start = StartMode::Now;
    } else if (word == "graceful") {
      o->start = StartMode::Graceful;
    } else if (word == "reboot") {
      o->start = StartMode::NextReboot;
    } else {
      throw CLI::ValidationError("--start", "'" + word + "' is none of now, graceful, reboot");
    }
  };
  app.add_option_function<std::string>("--start", start, "when the machine sees the drives: now, graceful or reboot")
      ->option_text("WHEN");
  app.add_flag("--once", o->once, "end when the session drops, instead of connecting again");
  app.add_option("-h,--host", o->host, "a machine that no configuration describes")
      ->option_text("HOST")
      ->transform(plain_host);
  app.add_option_function<std::string>(
         "-u",
         [o](const std::string& name) {
           o->user = name;
           o->login_given = true;
         },
         "who logs in there (admin)")
      ->option_text("NAME");
  for (const MachineOption& m : machine_options()) {
    const std::string name(m.name);
    const auto set = [o, set = m.set, name](const std::string& value) {
      const Result<void> done = set(o->login, value);
      if (!done) throw CLI::ValidationError(name, done.error().detail);
      if (name != "--state") o->login_given = true;
    };
    if (m.value.empty()) {
      app.add_flag_callback(
          name, [set] { set(""); }, std::string(m.help));
    } else {
      app.add_option_function<std::string>(name, set, std::string(m.help))->option_text(std::string(m.value));
    }
  }
  return [o, &common] { return serve(common, *o); };
}

}  // namespace amtgate::cli
