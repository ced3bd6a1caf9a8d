#include "amtgate/simhost/host.h"

#include <unistd.h>

#include <algorithm>

#include "amtgate/sim/json_line.h"
#include "amtgate/simhost/link.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/file.h"
#include "amtgate/tls/certificate.h"

namespace amtgate::simhost {
namespace {

constexpr std::size_t kMaxPem = 1024 * 1024;
constexpr std::size_t kMaxReports = 1000;  // an endless exercise must not fill the memory with its results

tls::Version version(sim::TlsVersion v) {
  return static_cast<tls::Version>(v);
}
static_assert(static_cast<int>(sim::TlsVersion::V1_0) == static_cast<int>(tls::Version::V1_0));
static_assert(static_cast<int>(sim::TlsVersion::V1_3) == static_cast<int>(tls::Version::V1_3));

Settings with_clock(Settings s) {
  s.machine.epoch = std::chrono::duration_cast<std::chrono::seconds>(sys::wall_now().time_since_epoch()).count();
  return s;
}

}  // namespace

Host::Host(net::Loop& loop, Settings settings, EventLog log)
    : loop_(loop),
      settings_(with_clock(std::move(settings))),
      machine_(settings_.machine, random_, sys::now()),
      log_(std::move(log)),
      boot_timer_(loop, [this] { open_doors(); }) {}

Host::~Host() = default;

Result<tls::KeyPair> Host::make_certificate(const sim::Profile& profile) {
  // AMT from 19 on has a P-384 key and this name; older ones RSA 2048.
  const bool ec = profile.key == sim::KeyType::Ec;
  return tls::make_self_signed({.key = ec ? tls::KeyType::EcP384 : tls::KeyType::Rsa2048, .common_name = "AMT RCFG"});
}

Result<std::unique_ptr<Host>> Host::open(net::Loop& loop, Settings settings,
                                         const std::optional<tls::KeyPair>& certificate) {
  Result<EventLog> log = EventLog::open(settings.log_file, sys::now());
  if (!log) return log.error();
  std::unique_ptr<Host> host(new Host(loop, std::move(settings), std::move(*log)));
  const Result<void> tls = host->prepare_tls(certificate);
  if (!tls) return tls.error();
  const Settings& s = host->settings_;
  const sim::Profile& p = s.machine.profile;
  if (p.plain_open) host->doors_.push_back({sim::Door::Plain, s.plain, nullptr});
  host->doors_.push_back({sim::Door::Tls, s.tls, nullptr});
  if (p.port5900 != sim::Port5900::Closed) host->doors_.push_back({sim::Door::Rfb, s.rfb, nullptr});
  if (p.plain_open) host->doors_.push_back({sim::Door::Web, s.web, nullptr});
  host->doors_.push_back({sim::Door::WebTls, s.web_tls, nullptr});
  if (p.plain_open) host->doors_.push_back({sim::Door::Asf, s.asf, nullptr});
  host->doors_.push_back({sim::Door::AsfTls, s.asf_tls, nullptr});
  // Ports below 1024 are root's; whoever is not goes without them.
  const bool may_bind_low = ::geteuid() == 0;
  std::erase_if(host->doors_,
                [&](const DoorState& d) { return d.port.value != 0 && d.port.value < 1024 && !may_bind_low; });
  for (DoorState& door : host->doors_) {
    if (!host->is_open(door.door)) continue;
    const Result<void> r = host->listen(door);
    if (!r) return r.error();
  }
  if (s.rmcp && s.asf.value != 0 && (s.asf.value >= 1024 || may_bind_low)) {
    if (const Result<void> r = host->listen_for_pings(); !r) return r.error();
  }
  host->log(0, sim::JsonLine("listening")
                   .add("time", sys::to_iso8601(sys::wall_now()))
                   .add("profile", p.name)
                   .add("firmware", p.firmware)
                   .add("address", s.listen.to_string())
                   .add("ports", host->ports())
                   .fields());
  return host;
}

Result<void> Host::prepare_tls(const std::optional<tls::KeyPair>& certificate) {
  const sim::Profile& p = settings_.machine.profile;
  policy_.min = version(p.tls_min);
  policy_.max = version(p.tls_max);
  using Want = tls::ServerPolicy::ClientCertificate;
  if (!p.tls_open) return {};  // until it is set up
  if (p.ask_client_certificate) policy_.client_certificate = Want::Ask;
  if (!settings_.client_ca_file.empty()) {
    const Result<std::string> ca = sys::read_file(settings_.client_ca_file, kMaxPem);
    if (!ca) return ca.error();
    policy_.client_ca_pem = *ca;
    policy_.client_certificate = Want::Require;
  }
  if (!settings_.cert_file.empty()) {
    const Result<std::string> cert = sys::read_file(settings_.cert_file, kMaxPem);
    if (!cert) return cert.error();
    const Result<std::string> key = sys::read_file(settings_.key_file, kMaxPem);
    if (!key) return key.error();
    policy_.cert_pem = *cert;
    policy_.key_pem = *key;
  } else {
    Result<tls::KeyPair> made = certificate ? Result<tls::KeyPair>(*certificate) : make_certificate(p);
    if (!made) return made.error();
    policy_.cert_pem = std::move(made->cert_pem);
    policy_.key_pem = std::move(made->key_pem);
  }
  Result<tls::Context> context = tls::Context::server(policy_);
  if (!context) return context.error();
  context_ = std::move(*context);
  machine_.management().start_tls(policy_.cert_pem, policy_.key_pem, policy_.client_ca_pem);
  served_ = machine_.management().tls();
  return {};
}

void Host::take_over_tls() {
  const sim::TlsService& now = machine_.management().tls();
  if (now == served_) return;
  served_ = now;
  if (!now.tls) return;
  using Want = tls::ServerPolicy::ClientCertificate;
  policy_.cert_pem = now.cert_pem;
  policy_.key_pem = now.key_pem;
  policy_.client_ca_pem = now.client_ca_pem;
  policy_.client_certificate = now.mutual                                         ? Want::Require
                               : settings_.machine.profile.ask_client_certificate ? Want::Ask
                                                                                  : Want::Ignore;
  Result<tls::Context> context = tls::Context::server(policy_);
  if (!context) return log(0, sim::JsonLine("tls").add("ok", false).add("error", context.error().detail).fields());
  context_ = std::move(*context);
}

bool Host::is_open(sim::Door door) {
  const bool redirection = door == sim::Door::Plain || door == sim::Door::Tls;
  if (redirection && !machine_.management().listener_on()) return false;
  if (has_tls(door)) return machine_.management().tls().tls;
  return door == sim::Door::Rfb || machine_.management().tls().plain;
}

Result<tls::Context> Host::next_context() {
  if (!settings_.wrong_cert) return *context_;
  const Result<tls::KeyPair> made = make_certificate(settings_.machine.profile);
  if (!made) return made.error();
  tls::ServerPolicy policy = policy_;
  policy.cert_pem = made->cert_pem;
  policy.key_pem = made->key_pem;
  return tls::Context::server(policy);
}

Result<void> Host::listen(DoorState& door) {
  net::ListenOptions options;
  options.at = {settings_.listen, door.port};
  Result<sys::UniqueFd> fd = net::open_listener(options);
  if (!fd) return fd.error();
  door.listener = std::make_unique<net::Listener>(
      loop_, std::move(*fd), net::Destination::Socket,
      [this, which = door.door](net::Accepted accepted) { accept(which, std::move(accepted)); });
  door.port = door.listener->local().port;  // what the kernel chose stays, also after a reboot
  return {};
}

Result<void> Host::listen_for_pings() {
  Result<std::unique_ptr<RmcpDoor>> door = RmcpDoor::open(
      loop_, {settings_.listen, settings_.asf}, [this](const Endpoint& client) -> std::optional<packet::Pong> {
        if (machine_.booting(loop_.now())) return std::nullopt;
        log(0, sim::JsonLine("ping").add("client", client.to_string()).fields());
        return pong_of(settings_.machine.profile);
      });
  if (!door) return door.error();
  rmcp_ = std::move(*door);
  return {};
}

std::string Host::ports() const {
  std::string out;
  for (const DoorState& d : doors_) {
    if (!d.listener) continue;
    if (!out.empty()) out += ' ';
    out += std::string(name(d.door)) + "=" + std::to_string(d.port.value);
  }
  return out;
}

void Host::log(std::uint64_t connection, const std::string& fields) {
  // Of many machines in one file each says which it is.
  log_.write(connection,
             settings_.machines == 1 ? fields : fields + ",\"machine\":\"" + settings_.listen.to_string() + "\"",
             sys::now());
  if (fields.starts_with("\"event\":\"ider.result\"")) {
    if (!settings_.quiet && settings_.log_file != "-") std::printf("{%s}\n", fields.c_str());
    std::fflush(stdout);
    if (reports_.size() < kMaxReports) reports_.push_back("{" + fields + "}");
  }
}

void Host::accept(sim::Door door, net::Accepted accepted) {
  const std::uint64_t id = ++last_id_;
  log(id, sim::JsonLine("connect").add("door", name(door)).add("client", accepted.client.to_string()).fields());
  auto link = std::make_shared<Link>(*this, id, door, std::move(accepted));
  links_.emplace(id, link);
  link->start();
}

void Host::gone(std::uint64_t id) {
  const auto at = links_.find(id);
  if (at == links_.end()) return;
  loop_.retire(std::move(at->second));
  links_.erase(at);
}

void Host::write_frame() {
  if (settings_.frame_file.empty()) return;
  const std::optional<sim::MachineState::Shown> shown = machine_.take_shown();
  if (shown) write_ppm(shown->frame, shown->format);
}

void Host::dump_frame() {
  if (settings_.frame_file.empty()) return;
  machine_.screen().tick(loop_.now());
  write_ppm(machine_.screen().frame(), rfb::kRgb565);
}

void Host::give_consent() {
  machine_.give_consent();
  log(0, sim::JsonLine("consent").add("given", true).fields());
  wake_all();
}

void Host::write_ppm(std::uint32_t frame, const rfb::PixelFormat& format) {
  const Buffer ppm = sim::KvmPicture(machine_.screen().size(), frame, machine_.screen().cover()).ppm(format);
  const Result<void> written = sys::write_file(settings_.frame_file, as_text(ppm), 0644);
  if (!written) log(0, sim::JsonLine("frame").add("error", written.error().detail).fields());
}

void Host::rebooted() {
  const std::optional<TimePoint> back = machine_.back_at();
  loop_.defer([this, back] {
    for (DoorState& d : doors_) d.listener.reset();
    wake_all();
    boot_timer_.arm_at(back.value_or(loop_.now()));
  });
}

void Host::mode_changed() {
  loop_.defer([this] { wake_all(); });
}

void Host::doors_changed() {
  loop_.defer([this] {
    if (machine_.booting(loop_.now())) return;  // they open as they should when it is back
    for (DoorState& d : doors_) {
      if (!is_open(d.door)) d.listener.reset();
    }
    wake_all();
    listen_all();
  });
}

void Host::wake_all() {
  std::vector<std::shared_ptr<Link>> all;  // a link that ends takes itself out of the map
  for (const auto& [id, link] : links_) all.push_back(link);
  for (const auto& link : all) link->wake();
}

bool Host::listen_all() {
  for (DoorState& d : doors_) {
    if (d.listener || !is_open(d.door)) continue;
    const Result<void> r = listen(d);
    if (r) continue;
    // Somebody took the port meanwhile; the machine stays down until it is free again.
    log(0, sim::JsonLine("listen").add("error", r.error().detail).fields());
    boot_timer_.arm(seconds(1));
    return false;
  }
  return true;
}

void Host::open_doors() {
  take_over_tls();
  if (listen_all()) log(0, sim::JsonLine("booted").fields());
}

void Host::shutdown() {
  boot_timer_.cancel();
  for (DoorState& d : doors_) d.listener.reset();
  std::vector<std::shared_ptr<Link>> all;
  for (const auto& [id, link] : links_) all.push_back(link);
  for (const auto& link : all) link->shutdown();
  const sim::MachineState::Counters& c = machine_.counters();
  log(0, sim::JsonLine("end")
             .add("connections", c.connections)
             .add("logins", c.logins)
             .add("failed_logins", c.failed_logins)
             .add("busy", c.busy)
             .add("opened", c.opened)
             .fields());
}

}  // namespace amtgate::simhost
