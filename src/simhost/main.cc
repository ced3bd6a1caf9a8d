#include "amtgate/simhost/main.h"

#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <variant>

#include "amtgate/net/loop.h"
#include "amtgate/setupbin/file.h"
#include "amtgate/sim/setup_bin.h"
#include "amtgate/simhost/host.h"
#include "amtgate/simhost/settings.h"
#include "amtgate/sys/file.h"
#include "amtgate/sys/limits.h"

namespace amtgate::simhost {
namespace {

constexpr std::uint64_t kOpenFiles = 65536;

int fail(const Error& error, int code) {
  std::fprintf(stderr, "amtgate-sim: %s\n", error.detail.c_str());
  return code;
}

/// As each PC's firmware does with the stick, one after the other. Errors: a sentence that begins with the file.
Result<void> set_up(std::vector<Settings>& machines, const std::string& path) {
  const Result<std::string> bytes = sys::read_file(path, setupbin::kMaxFile);
  if (!bytes) return bytes.error();
  Result<setupbin::File> file = setupbin::parse(as_bytes(*bytes));
  if (!file) return Error{file.error().code, path + ": " + file.error().detail};
  for (Settings& one : machines) {
    const Result<std::uint32_t> taken = sim::set_up_by(*file, one.machine);
    if (!taken) return Error{taken.error().code, path + ": " + taken.error().detail};
  }
  const Result<Buffer> after = setupbin::format(*file);
  if (!after) return after.error();
  if (as_text(*after) == *bytes) return {};
  return sys::write_file(path, as_text(*after), 0600);
}

int serve(Settings settings) {
  std::signal(SIGPIPE, SIG_IGN);
  sys::raise_open_files(kOpenFiles);
  const Result<std::unique_ptr<net::Loop>> loop = net::Loop::create();
  if (!loop) return fail(loop.error(), 1);
  // A key takes its time: many machines share one certificate.
  std::optional<tls::KeyPair> certificate;
  if (settings.machines > 1 && settings.cert_file.empty()) {
    Result<tls::KeyPair> made = Host::make_certificate(settings.machine.profile);
    if (!made) return fail(made.error(), 1);
    certificate = std::move(*made);
  }
  std::vector<std::unique_ptr<Host>> hosts;
  std::vector<Settings> machines = each_machine(settings);
  if (!settings.setup_bin.empty()) {
    if (const Result<void> done = set_up(machines, settings.setup_bin); !done) return fail(done.error(), 1);
  }
  for (Settings& one : machines) {
    Result<std::unique_ptr<Host>> opened = Host::open(**loop, std::move(one), certificate);
    if (!opened) return fail(opened.error(), 1);
    hosts.push_back(std::move(*opened));
  }
  const Host& host = *hosts.front();
  const Settings& s = host.settings();
  if (!s.quiet) {
    std::printf("AMT %s, profile %s: user %s, password %s", s.machine.profile.firmware.c_str(),
                s.machine.profile.name.c_str(), s.machine.user.c_str(),
                s.setup_bin.empty() ? s.machine.password.c_str() : "of the file");
    if (s.machine.profile.port5900 == sim::Port5900::Password) {
      std::printf(", VNC password %s", s.machine.rfb_password.c_str());
    }
    std::printf("\n");
  }
  std::printf("ready %s %s\n", s.listen.to_string().c_str(), host.ports().c_str());
  if (hosts.size() > 1 && !s.quiet) {
    std::printf("and so on, %zu machines up to %s\n", hosts.size(),
                hosts.back()->settings().listen.to_string().c_str());
  }
  std::fflush(stdout);

  const auto stop = [&] {
    for (const auto& h : hosts) h->shutdown();
    (*loop)->stop();
  };
  const net::Signal term(**loop, SIGTERM, stop);
  const net::Signal interrupt(**loop, SIGINT, stop);
  const net::Signal frame(**loop, SIGUSR1, [&] { hosts.front()->dump_frame(); });
  const net::Signal consent(**loop, SIGUSR2, [&] {
    for (const auto& h : hosts) h->give_consent();
  });
  (*loop)->run();
  if (!s.quiet) {
    for (const auto& h : hosts) {
      for (const std::string& report : h->reports()) std::printf("%s\n", report.c_str());
    }
  }
  return 0;
}

}  // namespace

int run(int argc, char** argv) try {
  const std::span<const char* const> arguments(argv + 1, argc > 0 ? static_cast<std::size_t>(argc - 1) : 0);
  Result<std::variant<Settings, Print>> parsed = parse_arguments(arguments);
  if (!parsed) return fail(parsed.error(), 2);
  if (const Print* print = std::get_if<Print>(&*parsed)) {
    std::fputs(print->text.c_str(), stdout);
    return 0;
  }
  return serve(std::get<Settings>(std::move(*parsed)));
} catch (const std::exception& e) {
  std::fprintf(stderr, "amtgate-sim: %s\n", e.what());
  return 1;
}

}  // namespace amtgate::simhost
