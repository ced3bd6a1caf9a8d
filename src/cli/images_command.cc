// images: what the running daemon itself serves to machines' drives.
#include <fcntl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/fd.h"

namespace amtgate::cli {
namespace {

using control::AttachRequest;
using control::ImageInfo;

constexpr Duration kLook = milliseconds(200);
constexpr unsigned kPatience = 30;

struct Options {
  std::string target, cd, floppy;
  std::string start = "now";
  bool wait = true;
};

bool is_address(const std::string& image) {
  return image.starts_with("http://") || image.starts_with("https://");
}

std::string share(const ImageInfo& i) {
  if (!i.web || i.size == 0) return "";
  return std::to_string(i.cached * 100 / i.size) + "%";
}

std::string mb(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(bytes) / 1e6);
  return text;
}

void print(const std::vector<ImageInfo>& images) {
  std::vector<std::vector<std::string>> rows = {
      {"TARGET", "DRIVE", "STATE", "SIZE", "READ MB", "MB/S", "CACHED", "IMAGE", "WHY"}};
  for (const ImageInfo& i : images) {
    rows.push_back({i.target, i.drive, i.state, i.size == 0 ? "" : human_bytes(i.size), mb(i.served), mb(i.rate),
                    share(i), i.image, i.detail});
  }
  std::fputs(table(rows).c_str(), stdout);
}

std::optional<std::vector<ImageInfo>> images_now(const Common& common, int& code, std::string& json) {
  const auto reply = ask_or_fail(common, control::request("images"), code);
  if (!reply) return std::nullopt;
  json = reply->data;
  Result<std::vector<ImageInfo>> images = control::images_from_json(reply->data);
  if (!images) {
    code = fail(kSaidNo, images.error().detail);
    return std::nullopt;
  }
  return std::move(*images);
}

int list(const Common& common) {
  int code = kDone;
  std::string json;
  const auto images = images_now(common, code, json);
  if (!images) return code;
  if (common.json) {
    std::puts(json.c_str());
  } else {
    print(*images);
  }
  return kDone;
}

/// Opened here, with the rights of who asks: the daemon gets the descriptor.
int take(const std::string& image, std::optional<AttachRequest::Medium>& to, std::vector<sys::UniqueFd>& files) {
  if (image.empty()) return kDone;
  if (is_address(image)) {
    to = AttachRequest::Medium{image, -1};
    return kDone;
  }
  sys::UniqueFd fd(::open(image.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail(kUsage, image + ": " + std::strerror(errno));
  const std::unique_ptr<char, decltype(&std::free)> whole(::realpath(image.c_str(), nullptr), &std::free);
  to = AttachRequest::Medium{whole ? whole.get() : image, static_cast<int>(files.size())};
  files.push_back(std::move(fd));
  return kDone;
}

/// Until the drives are there, or somebody says why they cannot be.
int wait_for(const Common& common, const Options& o) {
  const TimePoint until = sys::now() + seconds(kPatience);
  std::string why = "no answer";
  while (true) {
    int code = kDone;
    std::string json;
    const auto images = images_now(common, code, json);
    if (!images) return code;
    bool all = true, failed = false, any = false;
    for (const ImageInfo& i : *images) {
      if (i.target != o.target) continue;
      any = true;
      if (i.state == "attached") continue;
      all = false;
      failed = failed || i.state == "failed";
      why = i.drive + ": " + i.state + ", " + i.detail;
    }
    if (any && all) return kDone;
    const bool over = sys::now() >= until;
    if (failed || over || !any) {
      return fail(kSaidNo, o.target + ": " + (any ? why : "it was detached again") +
                               (any ? "; the gateway keeps trying (amtgate images)" : ""));
    }
    std::this_thread::sleep_for(kLook);
  }
}

int attach(const Common& common, const Options& o) {
  AttachRequest request;
  request.target = o.target;
  request.start = o.start == "reboot"     ? AttachRequest::Start::Reboot
                  : o.start == "graceful" ? AttachRequest::Start::Graceful
                                          : AttachRequest::Start::Now;
  std::vector<sys::UniqueFd> files;
  if (const int code = take(o.cd, request.cd, files); code != kDone) return code;
  if (const int code = take(o.floppy, request.floppy, files); code != kDone) return code;
  std::vector<int> fds;
  for (const sys::UniqueFd& fd : files) fds.push_back(fd.get());
  int code = kDone;
  if (!ask_or_fail(common, control::request_attach(request), code, fds)) return code;
  if (o.wait) code = wait_for(common, o);
  if (code == kDone && common.json) std::puts("{}");
  return code;
}

}  // namespace

Run images_command(CLI::App& app, const Common& common) {
  const auto o = std::make_shared<Options>();
  CLI::App* list_them = app.add_subcommand("list", "what is attached where (the default)");
  CLI::App* attach_one = app.add_subcommand("attach", "attach images to a machine's drives");
  CLI::App* detach_one = app.add_subcommand("detach", "take the drives away from a machine");
  attach_one->add_option("TARGET", o->target, "its name in the configuration")->required();
  attach_one->add_option("--cd", o->cd, "the image of the CD")->option_text("FILE|URL");
  attach_one->add_option("--floppy", o->floppy, "the image of the floppy")->option_text("FILE|URL");
  attach_one->add_option("--start", o->start, "when the machine sees the drives: now, graceful or reboot (now)")
      ->option_text("WHEN")
      ->check(CLI::IsMember({"now", "graceful", "reboot"}));
  attach_one->add_flag("--wait,!--no-wait", o->wait, "until the machine has them (the default)");
  detach_one->add_option("TARGET", o->target, "its name in the configuration")->required();
  for (CLI::App* sub : {list_them, attach_one, detach_one}) sub->fallthrough();
  return [&common, attach_one, detach_one, o] {
    if (attach_one->parsed()) return attach(common, *o);
    if (!detach_one->parsed()) return list(common);
    int code = kDone;
    if (ask_or_fail(common, control::request_detach(o->target), code) && common.json) std::puts("{}");
    return code;
  };
}

}  // namespace amtgate::cli
