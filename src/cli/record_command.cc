// record: what the gateway has recorded, listed, shown, and made into files that other programs show.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "amtgate/cli/actions.h"
#include "amtgate/cli/cast_player.h"
#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/film_export.h"
#include "amtgate/cli/film_player.h"
#include "amtgate/cli/recorded.h"
#include "amtgate/cli/terminal.h"
#include "amtgate/config/load.h"
#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

struct Where {
  std::string folder;
};

void add_folder(CLI::App& app, Where& where) {
  app.add_option("--folder", where.folder, "of recordings (STATE/recordings)")->option_text("FOLDER");
}

Result<std::string> folder_of(const Common& common, const Where& where) {
  if (!where.folder.empty()) return where.folder;
  const config::Parsed parsed = config::load(common.config);
  if (!parsed) {
    const std::string why = parsed.mistakes.empty() ? common.config : parsed.mistakes[0].to_string();
    return Error{Errc::System,
                 "the configuration cannot be used (" + why + "); mend it, try as root, or name --folder"};
  }
  return parsed.config->gateway.state + "/recordings";
}

int failed(const Error& e) {
  return fail(e.code == Errc::Unreachable || e.code == Errc::Refused ? kSaidNo : exit_code(e.code), e.detail);
}

/// As large as a recording may be, so not by way of memory.
Result<void> copy(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing, error);
  if (!error) std::filesystem::permissions(to, std::filesystem::perms(0600), error);
  if (error) return Error{Errc::System, to + ": " + error.message()};
  return {};
}

std::string length_text(std::uint64_t ms) {
  char text[40];
  const std::uint64_t s = ms / 1000;
  std::snprintf(text, sizeof text, "%llu:%02llu:%02llu", static_cast<unsigned long long>(s / 3600),
                static_cast<unsigned long long>(s / 60 % 60), static_cast<unsigned long long>(s % 60));
  return text;
}

nlohmann::json to_json(const Recorded& r) {
  nlohmann::json who = nlohmann::json::array();
  for (const Recorded::Looker& l : r.who) {
    who.push_back({{"user", l.user}, {"client", l.client}, {"from_ms", l.from_ms}});
  }
  return {{"id", r.id},
          {"target", r.target},
          {"service", r.service},
          {"device", r.device},
          {"started", r.started},
          {"length_ms", r.length_ms},
          {"ended", r.ended},
          {"bytes", r.bytes},
          {"file", r.file},
          {"cut", r.cut},
          {"who", who}};
}

/// Behind what is shown of it.
void say_cut(const Recorded& r) {
  if (!r.cut.empty())
    std::fprintf(stderr, "amtgate: %s: the recording was cut off: %s\n", r.id.c_str(), r.cut.c_str());
}

Run list(CLI::App& app, const Common& common) {
  struct Options : Where {
    std::string target;
  };
  const auto o = std::make_shared<Options>();
  add_folder(app, *o);
  app.add_option("TARGET", o->target, "only of this target");
  return [&common, o] {
    const Result<std::string> folder = folder_of(common, *o);
    if (!folder) return failed(folder.error());
    const Result<std::vector<Recorded>> all = find_recordings(*folder);
    if (!all) return failed(all.error());
    nlohmann::json out = nlohmann::json::array();
    std::vector<std::vector<std::string>> rows = {{"ID", "TARGET", "WHAT", "STARTED", "LENGTH", "SIZE", "WHO"}};
    for (const Recorded& r : *all) {
      if (!o->target.empty() && r.target != o->target) continue;
      out.push_back(to_json(r));
      std::string who;
      for (const Recorded::Looker& l : r.who) {
        if (!who.empty()) who += ", ";
        who += (l.user.empty() ? "" : l.user + " from ") + l.client;
      }
      rows.push_back({r.id, r.target, r.service, r.started.substr(0, 19),
                      length_text(r.length_ms) + (r.ended ? "" : "+"), human_bytes(r.bytes), who});
    }
    if (common.json) {
      std::puts(out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    } else if (rows.size() > 1) {
      std::fputs(table(rows).c_str(), stdout);
    } else {
      std::fputs("no recordings; `record = vnc` for a target makes some\n", stderr);
    }
    return static_cast<int>(kDone);
  };
}

Run play(CLI::App& app, const Common& common) {
  struct Options : Where {
    std::string id, listen = "127.0.0.1:0";
    double speed = 1, idle = 0;
  };
  const auto o = std::make_shared<Options>();
  add_folder(app, *o);
  app.add_option("ID", o->id, "of the list, or how it begins")->required();
  app.add_option("--listen", o->listen, "where VNC viewers may come (127.0.0.1, the first free display)")
      ->option_text("ADDRESS:PORT");
  app.add_option("--speed", o->speed, "times as fast")->check(CLI::Range(0.1, 100.0));
  app.add_option("--idle-limit", o->idle, "wait no longer where nothing happens")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.0, 86400.0));
  return [&common, o] {
    const Result<std::string> folder = folder_of(common, *o);
    if (!folder) return failed(folder.error());
    const Result<Recorded> r = find_recording(*folder, o->id);
    if (!r) return failed(r.error());
    if (r->file.empty()) return fail(kSaidNo, r->id + ": nothing was recorded of it");
    const Duration idle = milliseconds(static_cast<std::int64_t>(o->idle * 1000));
    if (r->file.ends_with(".cast")) {
      const int played = play_cast(r->file, {o->speed, idle});
      say_cut(*r);
      return played;
    }
    const Result<Endpoint> at = Endpoint::parse(o->listen);
    if (!at) return fail(kUsage, "--listen " + at.error().detail);
    PlayOptions options;
    options.file = r->file;
    options.name = r->id;
    options.listen = *at;
    options.speed = o->speed;
    options.idle_limit = idle;
    const int played = play_film(options);
    say_cut(*r);
    return played;
  };
}

Run export_to(CLI::App& app, const Common& common) {
  struct Options : Where {
    std::string id, out;
    unsigned fps = 10;
    double idle = 0, at = 0;
  };
  const auto o = std::make_shared<Options>();
  add_folder(app, *o);
  app.add_option("ID", o->id, "of the list, or how it begins")->required();
  app.add_option("FILE", o->out, "its suffix says what: .mp4 .webm .mkv .gif (by ffmpeg), .png, .fbs; .cast, .txt")
      ->required();
  app.add_option("--fps", o->fps, "pictures a second of a video (10)")->check(CLI::Range(1U, 60U));
  app.add_option("--idle-limit", o->idle, "cut where nothing happens for longer")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.0, 86400.0));
  app.add_option("--at", o->at, "the moment of a .png (0)")->option_text("SECONDS")->check(CLI::Range(0.0, 4.0e6));
  return [&common, o] {
    const Result<std::string> folder = folder_of(common, *o);
    if (!folder) return failed(folder.error());
    const Result<Recorded> r = find_recording(*folder, o->id);
    if (!r) return failed(r.error());
    if (r->file.empty()) return fail(kSaidNo, r->id + ": nothing was recorded of it");
    const std::string name = o->out.substr(o->out.rfind('/') + 1);
    const std::size_t dot = name.rfind('.');
    const std::string suffix = dot == std::string::npos ? "" : name.substr(dot);
    Result<void> done;
    if (r->file.ends_with(suffix) && !suffix.empty()) {
      done = copy(r->file, o->out);
    } else if (r->file.ends_with(".cast")) {
      if (suffix != ".txt") return fail(kUsage, "a serial console becomes .cast or .txt, not '" + suffix + "'");
      const Result<std::string> text = text_of_cast(r->file);
      done = text ? sys::write_file(o->out, *text, 0600) : Result<void>(text.error());
    } else if (suffix == ".png") {
      done = export_picture(r->file, o->out, static_cast<std::uint32_t>(o->at * 1000));
    } else if (suffix.empty()) {
      return fail(kUsage, "'" + o->out + "' has no suffix that says what to make of it");
    } else {
      done = export_video(r->file, o->out, {o->fps, static_cast<std::uint32_t>(o->idle * 1000)});
    }
    if (!done) return failed(done.error());
    say_cut(*r);
    return static_cast<int>(kDone);
  };
}

}  // namespace

Run record_command(CLI::App& app, const Common& common) {
  Actions actions(app);
  actions.add("list", "what there is", [&](CLI::App& a) { return list(a, common); });
  actions.add("play", "show one again", [&](CLI::App& a) { return play(a, common); });
  actions.add("export", "make a video or a picture of one", [&](CLI::App& a) { return export_to(a, common); });
  return actions.run();
}

}  // namespace amtgate::cli
