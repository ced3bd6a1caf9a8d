#include "amtgate/cli/sol_terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "amtgate/base/machine.h"
#include "amtgate/cli/raw_terminal.h"
#include "amtgate/control/protocol.h"
#include "amtgate/net/stream.h"
#include "amtgate/session/line_stamps.h"
#include "amtgate/session/shared_serial.h"
#include "amtgate/sol/escape_keys.h"
#include "amtgate/sys/clock.h"

namespace amtgate::cli {
namespace {

constexpr std::size_t kMaxAnswer = 64U << 10U;
constexpr std::size_t kMost = 64U << 10U;  // on the way in either direction
constexpr std::size_t kPart = 1024;        // of one write to a terminal, which may be slower than it says
constexpr Duration kFirstRetry = seconds(1);
constexpr Duration kLastRetry = seconds(8);
constexpr Duration kCharacter = milliseconds(100);  // the rest of one is waited for

/// A machine that may come back, as one that restarts.
bool may_come(Errc code) {
  return code == Errc::Unreachable || code == Errc::Timeout || code == Errc::Closed || code == Errc::Busy;
}

/// The loop cannot wait for these: they are always ready.
bool is_plain(int fd) {
  struct stat s {};
  if (::fstat(fd, &s) != 0) return true;
  return S_ISREG(s.st_mode) || S_ISDIR(s.st_mode) || S_ISBLK(s.st_mode) ||
         (S_ISCHR(s.st_mode) && ::isatty(fd) == 0);  // /dev/null and its like
}

std::string minutes(Duration d) {
  const auto s = std::chrono::duration_cast<seconds>(d).count();
  return std::to_string(s / 60) + (s % 60 < 10 ? ":0" : ":") + std::to_string(s % 60);
}

}  // namespace

struct SolTerminal::Impl {
  Impl(ScreenSource& s, SolOptions o)
      : source(s),
        options(std::move(o)),
        loop(source.loop()),
        typing(::isatty(STDIN_FILENO) == 1),
        showing(::isatty(STDOUT_FILENO) == 1),
        escapes(typing ? options.escape : std::nullopt),
        keys(options.keys),
        decoder(options.charset),
        encoder(options.charset),
        timer(loop, [this] { on_timer(); }),
        retry(loop, [this] { connect(); }),
        idle(loop, [this] { finish(kDone, "the input has ended"); }) {}

  Exit run() {
    began = sys::now();
    if (!open_log()) return code;
    net::Signal on_int(loop, SIGINT, [this] { finish(kDone, "interrupted"); });
    net::Signal on_term(loop, SIGTERM, [this] { finish(kDone, "terminated"); });
    net::Signal on_hup(loop, SIGHUP, [this] { finish(kDone, "hung up"); });
    net::Signal on_stop(loop, SIGTSTP, [this] {
      if (terminal) terminal->suspend();
    });
    if (!is_plain(STDIN_FILENO)) {
      stdin_watch = std::make_unique<net::Watch>(loop, STDIN_FILENO, [this](net::Ready) { read_input(); });
    }
    if (!is_plain(STDOUT_FILENO)) {
      stdout_watch = std::make_unique<net::Watch>(loop, STDOUT_FILENO, [this](net::Ready) { settle(); });
    }
    connect();
    if (!over) loop.run();
    stdin_watch.reset();
    stdout_watch.reset();
    retry.cancel();
    timer.cancel();
    idle.cancel();
    terminal.reset();
    if (stream) {
      // What was typed last has to leave: the session's other end is in this process, or the daemon.
      stream->close_write();
      const TimePoint until = sys::now() + session::SharedSerial::kLeave;
      stream->want(true, false);
      stream->on_ready([this](net::Ready) {
        std::array<std::uint8_t, 4096> rest;
        const net::IoResult got = stream->read(rest);
        drained = got.status == net::Io::Closed || got.status == net::Io::Failed;
      });
      while (!drained && sys::now() < until) loop.run_once(milliseconds(100));
    }
    summary.took = sys::now() - began;
    summary.end = why;
    if (!why.empty() && code != kDone) return static_cast<Exit>(fail(code, why));
    return code;
  }

  // --- the way to the machine ---

  void connect() {
    answered = false;
    answer.clear();
    stream.reset();
    Result<sys::UniqueFd> fd = source.connect();
    if (!fd) return failed(fd.error());
    stream = std::make_unique<net::Stream>(loop, std::move(*fd));
    stream->on_ready([this](net::Ready ready) {
      if (ready.read) read_machine();
      settle();
    });
    settle();
  }

  /// It is not there, or not any more.
  void failed(const Error& error) {
    if (stream) loop.retire(std::shared_ptr<net::Stream>(std::move(stream)));
    to_machine = Outbox{};
    if (!options.hold || !may_come(error.code) || finishing) {
      const bool usage = error.code == Errc::BadValue;
      return finish(usage ? kUsage : exit_code(error.code), error.detail);
    }
    if (!away_since) {
      away_since = sys::now();
      wait = kFirstRetry;
      say(error.detail + "; it is tried again");
    }
    retry.arm(wait);
    wait = std::min<Duration>(wait * 2, kLastRetry);
    settle();
  }

  void take_answer() {
    const std::size_t end = answer.find('\n');
    const std::string rest = answer.substr(end + 1);
    answer.resize(end);
    const Result<control::Reply> reply = control::parse_reply(answer);
    if (!reply) return failed(reply.error());
    if (!reply->ok) return failed({reply->cause.value_or(Errc::Refused), reply->error});
    const Result<control::ViewerInfo> info = control::viewer_from_json(reply->data);
    if (!info) return failed(info.error());
    answered = true;
    summary.target = info->target;
    summary.device = info->device;
    summary.tls = info->tls;
    if (away_since) {
      ++summary.reconnects;
      say(info->target + " is back after " + minutes(sys::now() - *away_since));
      away_since.reset();
    }
    if (typing && !terminal) {
      terminal = std::make_unique<RawTerminal>(STDIN_FILENO);
      if (options.escape) say(info->target + ": " + sol::escape_name(*options.escape) + " ? for help");
    }
    if (showing && terminal && options.title) terminal->set_title(info->target + " serial console");
    if (!rest.empty()) show(as_bytes(rest));
    read_input();
  }

  void read_machine() {
    std::array<std::uint8_t, 16384> buffer;
    while (stream && to_screen.view().size() < kMost) {
      const net::IoResult got = stream->read(buffer);
      if (got.status == net::Io::Again) return;
      if (got.status == net::Io::Ok) {
        take(Bytes(buffer).first(got.bytes));
        continue;
      }
      if (!answered) return failed({Errc::Closed, source.machine() + ": the daemon hung up; try as root"});
      const std::optional<Error> end = source.serial_end();
      return failed(end ? *end
                        : Error{Errc::Closed, summary.target +
                                                  ": the session was ended: the machine restarts or has gone, or the "
                                                  "gateway ended it (`amtgate status` may tell)"});
    }
  }

  void take(Bytes in) {
    if (answered) return show(in);
    answer.append(as_text(in));
    if (answer.find('\n') != std::string::npos) return take_answer();
    if (answer.size() > kMaxAnswer) failed({Errc::TooLarge, "the daemon's answer has no end"});
  }

  // --- what the machine says ---

  void show(Bytes in) {
    summary.rx_bytes += in.size();
    write_log(in);
    if (idle.armed()) idle.arm(options.idle);
    if (!showing || !options.utf8) return append(to_screen.buffer(), in);
    decoder.decode(in, to_screen.buffer());
    character_at = decoder.waits() ? std::optional(sys::now() + kCharacter) : std::nullopt;
  }

  bool open_log() {
    if (options.log.empty()) return true;
    log.reset(::open(options.log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    if (log) return true;
    code = static_cast<Exit>(fail(kUsage, "cannot write " + options.log + ": " + std::strerror(errno)));
    return false;
  }

  void write_log(Bytes in) {
    if (!log) return;
    Buffer text;
    if (options.timestamps) {
      stamps.write(in, sys::to_iso8601(sys::wall_now()), text);
      in = text;
    }
    if (::write(log.get(), in.data(), in.size()) == static_cast<ssize_t>(in.size())) return;
    say("cannot write " + options.log + ": " + std::strerror(errno) + "; it ends here");
    log.reset();
  }

  /// Our own words, which hold nothing of the machine's but with its control characters taken away.
  void say(const std::string& text) {
    std::string line;
    for (const char c : text) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    std::fprintf(stderr, terminal ? "\r\n[amtgate: %s]\r\n" : "amtgate: %s\n", line.c_str());
  }

  /// False: standard output is gone.
  bool write_screen() {
    while (!to_screen.view().empty()) {
      const Bytes out = to_screen.view();
      if (stdout_watch) {
        pollfd state{STDOUT_FILENO, POLLOUT, 0};
        if (::poll(&state, 1, 0) <= 0 || (state.revents & (POLLOUT | POLLERR)) == 0) return true;
      }
      const ssize_t n = ::write(STDOUT_FILENO, out.data(), std::min(out.size(), kPart));
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
      if (n < 0) return false;
      to_screen.sent(static_cast<std::size_t>(n));
    }
    return true;
  }

  // --- what is typed ---

  void read_input() {
    std::array<std::uint8_t, 4096> buffer;
    while (!over && !finishing && answered && to_machine.view().size() < kMost) {
      if (stdin_watch) {
        pollfd state{STDIN_FILENO, POLLIN, 0};
        if (::poll(&state, 1, 0) <= 0) break;
      }
      const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (n <= 0) {
        if (typing) return finish(kDone, "the terminal has gone");
        finishing = true;  // settle() waits for the rest
        break;
      }
      type(Bytes(buffer).first(static_cast<std::size_t>(n)));
    }
    if (!in_settle) settle();
  }

  void type(Bytes typed) {
    if (!typing) return to_device(typed);
    while (!typed.empty()) {
      Buffer raw;
      const std::optional<char> command = escapes.take(typed, raw);
      Buffer encoded;
      if (options.utf8) {
        encoder.encode(raw, encoded);
      } else {
        encoded = std::move(raw);
      }
      Buffer out;
      keys.receive(encoded, sys::now(), out);
      to_device(out);
      if (command) obey(*command);
      if (over) return;
    }
  }

  void to_device(Bytes bytes) {
    summary.tx_bytes += bytes.size();
    append(to_machine.buffer(), bytes);
  }

  void obey(char command) {
    const std::string escape = options.escape ? sol::escape_name(*options.escape) : std::string();
    switch (command) {
      case '.':
      case 'q': return finish(kDone, "quit");
      case '?':
      case 'h':
        std::fprintf(
            stderr,
            "\r\n[amtgate: %s .  ends    %s s  status    %s k  keys (now %s)    %s c  characters (now %s)\r\n"
            "          %s b  break   %s z  suspends  %s %s  sends %s]\r\n",
            escape.c_str(), escape.c_str(), escape.c_str(), std::string(sol::name(keys.style())).c_str(),
            escape.c_str(), std::string(sol::name(options.charset)).c_str(), escape.c_str(), escape.c_str(),
            escape.c_str(), escape.c_str(), escape.c_str());
        return;
      case 's':
        return say(summary.target + " at " + summary.device + (summary.tls.empty() ? ", plain" : ", " + summary.tls) +
                   "; " + std::to_string(summary.rx_bytes) + " bytes read, " + std::to_string(summary.tx_bytes) +
                   " typed; " + minutes(sys::now() - began) + "; keys " + std::string(sol::name(keys.style())) +
                   ", characters " + std::string(sol::name(options.charset)) + (away_since ? "; away" : ""));
      case 'b': return say("a break cannot be sent: serial over LAN has no message for it");
      case 'k':
        keys.set_style(static_cast<sol::KeyStyle>((static_cast<unsigned>(keys.style()) + 1) % 5));
        return say("keys: " + std::string(sol::name(keys.style())));
      case 'c':
        options.charset = static_cast<sol::Charset>((static_cast<unsigned>(options.charset) + 1) % 3);
        decoder = sol::CharsetDecoder(options.charset);
        encoder = sol::CharsetEncoder(options.charset);
        return say("characters: " + std::string(sol::name(options.charset)));
      case 'z':
        if (terminal) terminal->suspend();
        return;
      default: return say(escape + " ? for help");
    }
  }

  // --- the loop ---

  void settle() {
    if (over || in_settle) return;
    in_settle = true;
    while (stream && answered && !to_machine.view().empty()) {
      const net::IoResult put = stream->write(to_machine.view());
      if (put.status != net::Io::Ok) break;  // a failure shows when it is read from
      to_machine.sent(put.bytes);
      if (!stdin_watch && !finishing) read_input();
    }
    if (finishing && !idle.armed() && to_machine.view().empty()) idle.arm(options.idle);
    if (!write_screen()) {
      in_settle = false;
      return finish(kDone, "standard output is closed");
    }
    if (stdout_watch) stdout_watch->want(false, !to_screen.view().empty());
    if (stdin_watch) {
      // Without a machine keys still are for the program.
      const bool reads = typing ? terminal != nullptr : answered && stream != nullptr && !finishing;
      stdin_watch->want(reads && to_machine.view().size() < kMost, false);
    }
    if (stream) stream->want(to_screen.view().size() < kMost, !to_machine.view().empty() || !answered);
    const std::optional<TimePoint> key_at = keys.deadline();
    if (key_at && (!character_at || *key_at < *character_at)) {
      timer.arm_at(*key_at);
    } else if (character_at) {
      timer.arm_at(*character_at);
    }
    in_settle = false;
  }

  void on_timer() {
    const TimePoint now = sys::now();
    Buffer out;
    keys.tick(now, out);
    to_device(out);
    if (character_at && now >= *character_at) {
      character_at.reset();
      decoder.finish(to_screen.buffer());
    }
    settle();
  }

  void finish(Exit with, const std::string& reason) {
    if (std::exchange(over, true)) return;
    code = with;
    why = reason;
    // What has come is shown, as far as the terminal takes it.
    const TimePoint until = sys::now() + seconds(1);
    while (!to_screen.view().empty() && sys::now() < until && write_screen()) {
      pollfd state{STDOUT_FILENO, POLLOUT, 0};
      if (!to_screen.view().empty() && ::poll(&state, 1, 100) < 0 && errno != EINTR) break;
    }
    if (terminal) std::fputs("\r\n", stderr);
    loop.stop();
  }

  ScreenSource& source;
  SolOptions options;
  net::Loop& loop;
  const bool typing;   // a person's terminal is on standard input
  const bool showing;  // on standard output
  sol::EscapeKeys escapes;
  sol::KeyTranslator keys;
  sol::CharsetDecoder decoder;
  sol::CharsetEncoder encoder;
  session::LineStamps stamps;
  net::Timer timer, retry, idle;
  std::unique_ptr<RawTerminal> terminal;
  std::unique_ptr<net::Watch> stdin_watch, stdout_watch;
  std::unique_ptr<net::Stream> stream;
  sys::UniqueFd log;
  Outbox to_machine, to_screen;
  std::string answer;
  std::optional<TimePoint> away_since, character_at;
  Duration wait = kFirstRetry;
  TimePoint began{};
  bool answered = false, finishing = false, over = false, in_settle = false, drained = false;
  Exit code = kSaidNo;
  std::string why;
  SolSummary summary;
};

SolTerminal::SolTerminal(ScreenSource& source, SolOptions options)
    : impl_(std::make_unique<Impl>(source, std::move(options))) {}
SolTerminal::~SolTerminal() = default;

Exit SolTerminal::run() {
  return impl_->run();
}

const SolSummary& SolTerminal::summary() const {
  return impl_->summary;
}

}  // namespace amtgate::cli
