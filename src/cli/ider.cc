#include "amtgate/cli/ider.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "amtgate/cli/machine_options.h"
#include "amtgate/config/config.h"
#include "amtgate/device/dialer.h"
#include "amtgate/ider/client_role.h"
#include "amtgate/image/file.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/name_lookup.h"
#include "amtgate/net/stream.h"
#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

enum Exit { kDone = 0, kRefused = 1, kUsage = 2, kNoConnection = 3, kNoLogin = 4, kUntrusted = 5 };

constexpr Duration kProgressEvery = seconds(1);

struct Options : MachineOptions {
  std::string cd, floppy;
  ider::ClientRole::StartMode start = ider::ClientRole::StartMode::Now;
  std::string host;
};

int usage(const std::string& wrong) {
  std::fprintf(
      stderr,
      "amtgate ider: %s\n"
      "usage: amtgate ider [--cd FILE] [--floppy FILE] [--user NAME] [--password-file FILE] [--plain | --tls]\n"
      "                    [--ca FILE | --pin HEX] [--tls-min VERSION] [--start now|graceful|reboot]\n"
      "                    [--state FOLDER] HOST\n",
      wrong.c_str());
  return kUsage;
}

int say(Exit code, const std::string& sentence) {
  std::fprintf(stderr, "amtgate ider: %s\n", sentence.c_str());
  return code;
}

struct Option {
  std::string_view name;
  bool has_value;
  Result<void> (*set)(Options&, const std::string&);
};

Error wrong(std::string text) {
  return Error{Errc::BadValue, std::move(text)};
}

const std::vector<Option>& options() {
  static const std::vector<Option> table = {
      {"--cd", true, [](Options& o, const std::string& v) -> Result<void> { return o.cd = v, Result<void>{}; }},
      {"--floppy", true,
       [](Options& o, const std::string& v) -> Result<void> { return o.floppy = v, Result<void>{}; }},
      {"--start", true,
       [](Options& o, const std::string& v) -> Result<void> {
         using enum ider::ClientRole::StartMode;
         for (const auto& [word, mode] : {std::pair{"now", Now}, {"graceful", Graceful}, {"reboot", NextReboot}}) {
           if (v == word) return o.start = mode, Result<void>{};
         }
         return wrong("--start '" + v + "' (now, graceful or reboot)");
       }},
  };
  return table;
}

Result<Options> parse(const std::vector<std::string>& args) {
  Options o{default_machine(), {}, {}, ider::ClientRole::StartMode::Now, {}};
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& a = args[i];
    if (a.empty() || a[0] != '-') {
      if (!o.host.empty()) return wrong("more than one host: '" + o.host + "' and '" + a + "'");
      o.host = a;
      continue;
    }
    const std::size_t equals = a.find('=');
    const std::string_view name = std::string_view(a).substr(0, equals);
    const auto own = std::ranges::find(options(), name, &Option::name);
    const auto shared = std::ranges::find(machine_options(), name, &MachineOption::name);
    if (own == options().end() && shared == machine_options().end()) return wrong("unknown option '" + a + "'");
    const bool has_value = own != options().end() ? own->has_value : !shared->value.empty();
    std::string value;
    if (equals != std::string::npos) {
      value = a.substr(equals + 1);
    } else if (has_value) {
      if (++i == args.size()) return wrong(a + " needs a value");
      value = args[i];
    }
    if (!has_value && equals != std::string::npos) return wrong(std::string(name) + " takes no value");
    const Result<void> r = own != options().end() ? own->set(o, value) : shared->set(o, value);
    if (!r) return r.error();
  }
  if (o.host.empty()) return wrong("no host");
  if (o.cd.empty() && o.floppy.empty()) return wrong("no image: --cd FILE, --floppy FILE or both");
  return o;
}

/// The session: one stream, one role, a timer for the role's deadline and one for progress.
class Server {
 public:
  Server(net::Loop& loop, std::string host, ider::ClientRole::Options role)
      : loop_(loop),
        host_(std::move(host)),
        role_options_(role),
        deadline_(loop, [this] { on_deadline(); }),
        progress_(loop, [this] { on_progress(); }),
        tty_(::isatty(STDERR_FILENO) == 1) {}

  void begin(device::Opened opened) {
    stream_ = std::move(opened.stream);
    role_.emplace(role_options_, loop_.now());
    started_ = loop_.now();
    std::fprintf(stderr, "%s: connected to %s%s%s\n", host_.c_str(), opened.device.to_string().c_str(),
                 opened.tls.empty() ? "" : " with ", opened.tls.c_str());
    stream_->on_ready([this](net::Ready ready) { on_ready(ready); });
    progress_.arm(kProgressEvery);
    if (!opened.rest.empty()) take(opened.rest);
    write_some();
  }

  /// Ctrl-C: once in order, a second time at once.
  void interrupt() {
    if (!role_ || interrupted_) return finish(kDone, "");
    interrupted_ = true;
    role_->end(loop_.now());
    take_events();
    write_some();
  }

  int code() const { return code_; }

 private:
  void on_ready(net::Ready ready) {
    if (finished_) return;
    if (ready.read) read_some();
    if (!finished_) write_some();
  }

  void read_some() {
    std::array<std::uint8_t, 64 * 1024> buffer;
    for (int turn = 0; turn < 8 && !finished_; ++turn) {
      const net::IoResult r = stream_->read(buffer);
      switch (r.status) {
        case net::Io::Ok: take(Bytes(buffer).first(r.bytes)); break;
        case net::Io::Again: return;
        case net::Io::Closed: return closed("the machine ended the session");
        case net::Io::Failed: return closed(stream_->error().detail);
      }
    }
  }

  void closed(const std::string& why) {
    if (interrupted_) return finish(kDone, "");
    finish(kRefused, why + (enabled_ ? "" : " before the drives were there"));
  }

  void take(Bytes bytes) {
    const Result<void> r = role_->receive(bytes, loop_.now());
    take_events();
    if (!r && !finished_) finish(kRefused, r.error().detail);
  }

  void take_events() {
    while (!finished_) {
      const std::optional<ider::ClientRole::Event> event = role_->next_event();
      if (!event) return;
      if (const auto* e = std::get_if<ider::ClientRole::Enabled>(&*event)) {
        if (!e->accepted) return finish(kRefused, "the machine did not attach the drives");
        enabled_ = true;
        line(role_options_.start == ider::ClientRole::StartMode::NextReboot
                 ? "the drives are there after the next boot"
                 : "the drives are attached");
      } else if (std::holds_alternative<ider::ClientRole::HostReset>(*event)) {
        line("the machine's drives were reset, it boots");
      } else if (const auto* d = std::get_if<ider::ClientRole::DeviceReported>(&*event)) {
        line("the machine reports error " + std::to_string(d->code));
      } else if (std::holds_alternative<ider::ClientRole::Ended>(*event)) {
        ending_ = true;
      }
    }
  }

  void write_some() {
    for (int turn = 0; turn < 64 && !finished_; ++turn) {
      const Bytes out = role_->output();
      if (out.empty()) break;
      const net::IoResult r = stream_->write(out);
      if (r.status == net::Io::Again) break;
      if (r.status != net::Io::Ok) return closed(stream_->error().detail);
      role_->sent(r.bytes);
    }
    if (finished_) return;
    if (ending_ && role_->output().empty()) {
      stream_->close_write();
      if (interrupted_) return finish(kDone, "");
      return finish(kRefused, "the machine took the drives away");
    }
    stream_->want(true, !role_->output().empty());
    if (const auto when = role_->deadline()) {
      deadline_.arm_at(*when);
    } else {
      deadline_.cancel();
    }
  }

  void on_deadline() {
    const Result<void> r = role_->tick(loop_.now());
    take_events();
    if (!r && !finished_) return interrupted_ ? finish(kDone, "") : finish(kRefused, r.error().detail);
    write_some();
  }

  void on_progress() {
    const ider::ClientRole::Stats& s = role_->stats();
    const double mb = static_cast<double>(s.data_bytes) / 1e6;
    const double rate = static_cast<double>(s.data_bytes - last_bytes_) / 1e6;
    const bool news = s.data_bytes != last_bytes_;
    last_bytes_ = s.data_bytes;
    if (tty_) {
      std::fprintf(stderr, "\r\033[K%s: %.1f MB served, %.1f MB/s, %llu commands", host_.c_str(), mb, rate,
                   static_cast<unsigned long long>(s.commands));
    } else if (news) {
      std::fprintf(stderr, "%s: %.1f MB served, %.1f MB/s, %llu commands\n", host_.c_str(), mb, rate,
                   static_cast<unsigned long long>(s.commands));
    }
    progress_.arm(kProgressEvery);
  }

  void line(const std::string& text) {
    std::fprintf(stderr, "%s%s: %s\n", tty_ ? "\r\033[K" : "", host_.c_str(), text.c_str());
  }

  void finish(Exit code, const std::string& why) {
    if (finished_) return;
    finished_ = true;
    code_ = code;
    deadline_.cancel();
    progress_.cancel();
    if (role_) {
      const ider::ClientRole::Stats& s = role_->stats();
      const double took = std::chrono::duration<double>(loop_.now() - started_).count();
      char text[160];
      std::snprintf(text, sizeof text, "%.1f MB served in %.0f s, %llu commands, %llu of them refused",
                    static_cast<double>(s.data_bytes) / 1e6, took, static_cast<unsigned long long>(s.commands),
                    static_cast<unsigned long long>(s.checks));
      line(text);
    }
    if (!why.empty()) say(code, host_ + ": " + why);
    if (stream_) stream_->want(false, false);
    loop_.stop();
  }

  net::Loop& loop_;
  std::string host_;
  ider::ClientRole::Options role_options_;
  std::unique_ptr<net::Stream> stream_;
  std::optional<ider::ClientRole> role_;
  net::Timer deadline_;
  net::Timer progress_;
  TimePoint started_{};
  std::uint64_t last_bytes_ = 0;
  bool tty_;
  bool enabled_ = false;
  bool ending_ = false;
  bool interrupted_ = false;
  bool finished_ = false;
  int code_ = kRefused;
};

Exit exit_of(const device::Failure& failure) {
  switch (failure.error.code) {
    case Errc::AuthFailed: return kNoLogin;
    case Errc::Untrusted: return kUntrusted;
    default: return failure.stage == "connect" ? kNoConnection : kRefused;
  }
}

}  // namespace

int ider(const std::vector<std::string>& args) {
  Result<Options> parsed = parse(args);
  if (!parsed) return usage(parsed.error().detail);
  Options& o = *parsed;

  std::unique_ptr<image::File> cd, floppy;
  for (const auto& [path, size, image] : {std::tuple{&o.cd, 2048U, &cd}, std::tuple{&o.floppy, 512U, &floppy}}) {
    if (path->empty()) continue;
    Result<std::unique_ptr<image::File>> opened = image::File::open(*path, size);
    if (!opened) return say(kUsage, opened.error().detail);
    *image = std::move(*opened);
  }

  const Result<std::vector<IpAddress>> addresses = net::resolve_now(o.host);
  if (!addresses) return say(kNoConnection, addresses.error().detail);
  if (addresses->empty()) return say(kNoConnection, o.host + ": no address");
  if (o.state.empty()) o.state = default_state();
  if (o.target.tls != config::TlsMode::No) {
    if (const Result<void> made = sys::make_directories(o.state, 0700); !made)
      return say(kUsage, made.error().detail);
  }

  ::signal(SIGPIPE, SIG_IGN);
  Result<std::unique_ptr<net::Loop>> loop = net::Loop::create();
  if (!loop) return say(kRefused, loop.error().detail);
  Server server(**loop, o.host, {.cd = cd.get(), .floppy = floppy.get(), .start = o.start});
  net::Signal on_int(**loop, SIGINT, [&] { server.interrupt(); });
  net::Signal on_term(**loop, SIGTERM, [&] { server.interrupt(); });

  o.target.name = o.host;
  device::Dialer dialer({.state = o.state, .mark = 0});
  std::optional<int> failed;
  const std::unique_ptr<device::Opening> opening =
      dialer.open(**loop,
                  {.target = std::make_shared<config::Target>(std::move(o.target)),
                   .address = addresses->front(),
                   .service = Service::Ider,
                   .log_in = true},
                  [&](std::variant<device::Opened, device::Failure> result) {
                    if (auto* opened = std::get_if<device::Opened>(&result)) return server.begin(std::move(*opened));
                    const device::Failure& failure = std::get<device::Failure>(result);
                    failed = say(exit_of(failure), failure.error.detail);
                    (*loop)->stop();
                  });
  (*loop)->run();
  return failed ? *failed : server.code();
}

}  // namespace amtgate::cli
