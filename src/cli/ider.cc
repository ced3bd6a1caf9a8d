#include "amtgate/cli/ider.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "amtgate/cli/image_file.h"
#include "amtgate/config/config.h"
#include "amtgate/device/dialer.h"
#include "amtgate/ider/client_role.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/resolve.h"
#include "amtgate/net/stream.h"
#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

enum Exit { kDone = 0, kRefused = 1, kUsage = 2, kNoConnection = 3, kNoLogin = 4, kUntrusted = 5 };

constexpr std::size_t kMaxPasswordFile = 4096;  // AMT passwords have at most 32 characters
constexpr Duration kProgressEvery = seconds(1);

struct Options {
  std::string cd, floppy, state;
  ider::ClientRole::StartMode start = ider::ClientRole::StartMode::Now;
  config::Target target;
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

std::string first_line(std::string text) {
  text.erase(std::min(text.find('\n'), text.size()));
  if (!text.empty() && text.back() == '\r') text.pop_back();
  return text;
}

/// Where certificates seen before are remembered: the folder that programs keep such things in.
std::string default_state() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state && *state == '/') return std::string(state) + "/amtgate";
  const char* home = std::getenv("HOME");
  return home && *home == '/' ? std::string(home) + "/.local/state/amtgate" : std::string("/var/lib/amtgate");
}

using Set = std::function<Result<void>(Options&, const std::string&)>;
struct Option {
  std::string_view name;
  bool has_value;
  Set set;
};

Error wrong(std::string text) {
  return Error{Errc::BadValue, std::move(text)};
}

const std::vector<Option>& options() {
  static const std::vector<Option> table = {
      {"--cd", true, [](Options& o, const std::string& v) -> Result<void> { return o.cd = v, Result<void>{}; }},
      {"--floppy", true,
       [](Options& o, const std::string& v) -> Result<void> { return o.floppy = v, Result<void>{}; }},
      {"--state", true, [](Options& o, const std::string& v) -> Result<void> { return o.state = v, Result<void>{}; }},
      {"--user", true,
       [](Options& o, const std::string& v) -> Result<void> { return o.target.username = v, Result<void>{}; }},
      {"--password-file", true,
       [](Options& o, const std::string& v) -> Result<void> {
         const Result<std::string> text = sys::read_file(v, kMaxPasswordFile);
         if (!text) return text.error();
         o.target.password = config::Secret(first_line(*text));
         return {};
       }},
      {"--plain", false,
       [](Options& o, const std::string&) -> Result<void> {
         return o.target.tls = config::TlsMode::No, Result<void>{};
       }},
      {"--tls", false,
       [](Options& o, const std::string&) -> Result<void> {
         return o.target.tls = config::TlsMode::Yes, Result<void>{};
       }},
      {"--ca", true,
       [](Options& o, const std::string& v) -> Result<void> { return o.target.tls_ca = v, Result<void>{}; }},
      {"--pin", true,
       [](Options& o, const std::string& v) -> Result<void> {
         const std::string digits = v.rfind("sha256:", 0) == 0 ? v.substr(7) : v;
         if (digits.size() != 64 || digits.find_first_not_of("0123456789abcdef") != std::string::npos) {
           return wrong("--pin '" + v + "' (64 lower-case hexadecimal digits)");
         }
         o.target.tls_pin = digits;
         return {};
       }},
      {"--tls-min", true,
       [](Options& o, const std::string& v) -> Result<void> {
         using enum config::TlsVersion;
         for (const auto& [word, version] : {std::pair{"1.0", V1_0}, {"1.1", V1_1}, {"1.2", V1_2}, {"1.3", V1_3}}) {
           if (v == word) return o.target.tls_min = version, Result<void>{};
         }
         return wrong("--tls-min '" + v + "' (1.0, 1.1, 1.2 or 1.3)");
       }},
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
  Options o;
  if (const char* password = std::getenv("AMT_PASSWORD")) o.target.password = config::Secret(password);
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& a = args[i];
    if (a.empty() || a[0] != '-') {
      if (!o.host.empty()) return wrong("more than one host: '" + o.host + "' and '" + a + "'");
      o.host = a;
      continue;
    }
    const std::size_t equals = a.find('=');
    const std::string_view name = std::string_view(a).substr(0, equals);
    const Option* found = nullptr;
    for (const Option& option : options()) {
      if (option.name == name) found = &option;
    }
    if (!found) return wrong("unknown option '" + a + "'");
    std::string value;
    if (equals != std::string::npos) {
      value = a.substr(equals + 1);
    } else if (found->has_value) {
      if (++i == args.size()) return wrong(a + " needs a value");
      value = args[i];
    }
    if (!found->has_value && equals != std::string::npos) return wrong(std::string(name) + " takes no value");
    if (const Result<void> r = found->set(o, value); !r) return r.error();
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

  std::unique_ptr<ImageFile> cd, floppy;
  for (const auto& [path, size, image] : {std::tuple{&o.cd, 2048U, &cd}, std::tuple{&o.floppy, 512U, &floppy}}) {
    if (path->empty()) continue;
    Result<std::unique_ptr<ImageFile>> opened = ImageFile::open(*path, size);
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
