#include "amtgate/cli/screen_session.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "amtgate/cli/own_mark.h"
#include "amtgate/config/load.h"
#include "amtgate/config/machine.h"
#include "amtgate/net/listen.h"
#include "amtgate/net/name_lookup.h"
#include "amtgate/sys/act_as.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/file.h"
#include "amtgate/sys/log.h"

namespace amtgate::cli {
namespace {

constexpr std::size_t kMaxKnown = 64U << 20U;  // as device/known_store.h
constexpr std::size_t kMaxAnswer = 64U << 10U;
constexpr std::size_t kReadSize = 64U << 10U;
constexpr int kReadsPerTurn = 16;

std::string known_file(const std::string& folder) {
  return folder + "/known_certificates";
}

Result<IpAddress> address_of(const config::Host& host) {
  if (const auto* network = std::get_if<Network>(&host)) return network->address;
  const Result<std::vector<IpAddress>> found = net::resolve_now(std::get<std::string>(host));
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::Unreachable, std::get<std::string>(host) + ": no address"};
  return found->front();
}

}  // namespace

// --- certificates -----------------------------------------------------------------------------------------

KnownCopy::KnownCopy(std::string state) : state_(std::move(state)) {
  char pattern[] = "/tmp/amtgate-screen.XXXXXX";
  if (::mkdtemp(pattern) == nullptr) return;
  folder_ = pattern;
  if (const Result<std::string> known = sys::read_file(known_file(state_), kMaxKnown)) {
    before_ = *known;
    (void)sys::write_file(known_file(folder_), before_, 0600).has_value();
  }
}

KnownCopy::~KnownCopy() {
  if (folder_.empty()) return;
  const Result<std::string> now = sys::read_file(known_file(folder_), kMaxKnown);
  struct stat owner = {};
  if (now && *now != before_ && ::stat(state_.c_str(), &owner) == 0) {
    // A file of root's would be out of the daemon's reach.
    const sys::ActAs daemon(owner.st_uid, owner.st_gid);
    (void)sys::write_file(known_file(state_), *now, 0600).has_value();  // else it is seen first once more
  }
  ::unlink(known_file(folder_).c_str());
  ::rmdir(folder_.c_str());
}

// --- the way to the screen --------------------------------------------------------------------------------

Result<std::unique_ptr<ScreenSource>> ScreenSource::open(const Common& common, Options options) {
  Result<std::unique_ptr<net::Loop>> loop = net::Loop::create();
  if (!loop) return loop.error();
  return std::unique_ptr<ScreenSource>(new ScreenSource(common, std::move(options), std::move(*loop)));
}

Result<sys::UniqueFd> ScreenSource::connect() {
  screen_.reset();
  serial_.reset();
  if (options_.host) return connect_host();
  std::string no_daemon = "the daemon was not asked";
  if (!options_.direct) {
    const Result<config::Gateway> settings = gateway_settings(common_);
    if (!settings) return Error{settings.error().code, settings.error().detail};
    Result<sys::UniqueFd> fd = net::connect_unix(settings->control);
    if (fd) return connect_daemon(std::move(*fd));
    if (fd.error().code != Errc::Unreachable) {
      return Error{Errc::System,
                   options_.machine + ": cannot ask the daemon: " + fd.error().detail + "; try as root"};
    }
    no_daemon = "no daemon runs";
  }
  return connect_target(no_daemon);
}

Result<sys::UniqueFd> ScreenSource::connect_daemon(sys::UniqueFd fd) const {
  const std::string request = control::request_viewer({options_.machine, options_.types, options_.serial});
  if (request.size() > control::kMaxRequest) return Error{Errc::BadValue, "the target's name is too long"};
  // It fits the socket's buffer, which is empty.
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    return Error{Errc::System, options_.machine + ": the daemon refused the connection; try as root"};
  }
  return fd;
}

Result<sys::UniqueFd> ScreenSource::connect_target(const std::string& no_daemon) {
  if (!config_) {
    config::Parsed parsed = config::load(common_.config);
    if (!parsed) {
      return Error{Errc::System, options_.machine + ": " + no_daemon + ", and the configuration cannot be used (" +
                                     (parsed.mistakes.empty() ? common_.config : parsed.mistakes[0].to_string()) +
                                     "); mend it, or try as root"};
    }
    config_ = std::make_shared<const config::Config>(std::move(*parsed.config));
  }
  const Result<config::Machine> machine = config::find_machine(*config_, options_.machine);
  if (!machine) return machine.error();
  const std::shared_ptr<const config::Target> target(config_, machine->target);
  const Result<IpAddress> address = address_of(target->amt ? *target->amt : machine->aim);
  if (!address) return Error{address.error().code, target->name + ": " + address.error().detail};
  if (!dialer_) {
    known_.emplace(config_->gateway.state);
    dialer_.emplace(device::DialerOptions{.state = known_->folder(), .mark = own_mark(*config_)});
  }
  return begin(target, *address);
}

Result<sys::UniqueFd> ScreenSource::connect_host() {
  const Result<IpAddress> address = address_of(config::Host(plain_host(options_.machine)));
  if (!address) return address.error();
  auto target = std::make_shared<config::Target>(options_.login.target);
  target->name = options_.machine;
  if (!dialer_) {
    const std::string state = options_.login.state.empty() ? default_state() : options_.login.state;
    if (target->tls != config::TlsMode::No) {
      if (const Result<void> made = sys::make_directories(state, 0700); !made) return made.error();
    }
    dialer_.emplace(device::DialerOptions{.state = state, .mark = own_mark(common_)});
  }
  return begin(std::move(target), *address);
}

Result<sys::UniqueFd> ScreenSource::begin(std::shared_ptr<const config::Target> target, const IpAddress& address) {
  log::set_level(log::Level::Error);  // a refused login is said in our own words
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error{Errc::System, std::string("cannot make a pair of sockets: ") + std::strerror(errno)};
  }
  sys::UniqueFd ours(ends[0]);
  if (options_.serial) {
    serial_.emplace(*loop_, *dialer_, std::move(target), address, sys::UniqueFd(ends[1]));
  } else {
    screen_.emplace(*loop_, *dialer_, std::move(target), address, sys::UniqueFd(ends[1]));
  }
  return ours;
}

// --- the screen -------------------------------------------------------------------------------------------

Result<std::unique_ptr<ScreenSession>> ScreenSession::open(ScreenSource& source, TimePoint until) {
  Result<sys::UniqueFd> fd = source.connect();
  if (!fd) return fd.error();
  std::unique_ptr<ScreenSession> out(new ScreenSession(source));
  ScreenSession& s = *out;
  s.stream_ = std::make_unique<net::Stream>(source.loop(), std::move(*fd));
  s.stream_->on_ready([&s](net::Ready) { s.pump(); });
  s.pump();
  const auto begun = [&s] { return s.answered_ && s.begun_; };
  if (!s.run_until(begun, until)) {
    if (s.error_) return *s.error_;
    return Error{Errc::Timeout, source.machine() + ": its screen was not there in time"};
  }
  return out;
}

bool ScreenSession::run_until(const std::function<bool()>& done, TimePoint until) {
  while (!error_ && !done()) {
    const TimePoint now = sys::now();
    if (now >= until) return false;
    source_.loop().run_once(until - now);
  }
  return !error_;
}

void ScreenSession::pump() {
  if (error_) return stream_->want(false, false);
  read_some();
  while (!error_ && !client_.output().empty()) {
    const net::IoResult put = stream_->write(client_.output());
    if (put.status != net::Io::Ok) break;  // a failure shows when it is read from
    client_.sent(put.bytes);
  }
  stream_->want(!error_, !error_ && !client_.output().empty());
}

void ScreenSession::read_some() {
  std::array<std::uint8_t, kReadSize> buffer;
  for (int i = 0; i < kReadsPerTurn && !error_; ++i) {
    const net::IoResult got = stream_->read(buffer);
    if (got.status == net::Io::Again) return;
    if (got.status == net::Io::Ok) {
      take(Bytes(buffer).first(got.bytes));
    } else if (answered_) {
      error_ = Error{Errc::Closed, info_.target +
                                       ": its screen was lost: the machine restarts or has gone, or the "
                                       "session was ended (`amtgate status` may tell)"};
    } else {
      error_ = Error{Errc::Closed, source_.machine() + ": the daemon hung up; try as root, or see its log"};
    }
  }
}

void ScreenSession::take(Bytes in) {
  if (!answered_) {
    answer_.append(as_text(in));
    if (answer_.find('\n') != std::string::npos) return take_answer();
    if (answer_.size() > kMaxAnswer) error_ = Error{Errc::TooLarge, "the daemon's answer has no end"};
    return;
  }
  const Result<void> taken = client_.receive(in, source_.loop().now());
  while (const auto event = client_.next_event()) {
    if (std::holds_alternative<rfb::PictureClient::Begun>(*event)) {
      begun_ = true;
    } else {
      ++updates_;
    }
  }
  if (!taken) error_ = Error{taken.error().code, info_.target + ": its screen: " + taken.error().detail};
}

void ScreenSession::take_answer() {
  const std::size_t end = answer_.find('\n');
  const std::string rest = answer_.substr(end + 1);
  answer_.resize(end);
  const Result<control::Reply> reply = control::parse_reply(answer_);
  if (!reply) {
    error_ = reply.error();
  } else if (!reply->ok) {
    error_ = Error{reply->cause.value_or(Errc::Refused), reply->error};
  } else if (Result<control::ViewerInfo> info = control::viewer_from_json(reply->data); !info) {
    error_ = info.error();
  } else {
    info_ = std::move(*info);
    answered_ = true;
    if (!rest.empty()) take(as_bytes(rest));
  }
}

Result<void> ScreenSession::wait_complete(TimePoint until) {
  client_.watch();
  pump();
  if (run_until([this] { return client_.complete(); }, until)) return {};
  if (error_) return *error_;
  return Error{Errc::Timeout, info_.target + ": no whole picture came in time"};
}

Result<bool> ScreenSession::wait_update(TimePoint until) {
  const std::uint64_t before = updates_;
  const bool came = run_until([&] { return updates_ != before; }, until);
  if (error_) return *error_;
  return came;
}

void ScreenSession::key(const rfb::KeyEvent& event) {
  client_.key(event);
  pump();
}

Result<void> ScreenSession::wait_sent(TimePoint until) {
  client_.ask_back();
  const std::uint64_t before = updates_;
  pump();
  if (run_until([&] { return updates_ != before; }, until)) return {};
  if (error_) return *error_;
  return Error{Errc::Timeout, info_.target + ": it does not take the keys in time"};
}

Result<void> ScreenSession::pause(Duration time) {
  (void)run_until([] { return false; }, sys::now() + time);
  if (error_) return *error_;
  return {};
}

}  // namespace amtgate::cli
