#include "amtgate/rules/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cstdio>
#include <string>
#include <vector>

#include "amtgate/config/load.h"
#include "amtgate/rules/host.h"
#include "amtgate/sys/fd.h"
#include "amtgate/sys/privileges.h"

namespace amtgate::rules {
namespace {

constexpr const char* kUsage =
    "usage: amtgate-rules up|down|show [-c FILE]\n"
    "  up    put the packet-filter and routing rules in place\n"
    "  down  take exactly those away again\n"
    "  show  print what up would do now\n"
    "  -c, --config FILE  the configuration (" AMTGATE_SYSCONFDIR "/amtgate/amtgate.conf)\n";

// Two at once would each see the other's half. A lock that cannot be had (a read-only /run) is no reason to refuse.
constexpr const char* kLock = "/run/amtgate-rules.lock";

struct Arguments {
  std::string command;
  std::string file = AMTGATE_SYSCONFDIR "/amtgate/amtgate.conf";
};

int fail(const std::string& what) {
  std::fprintf(stderr, "amtgate-rules: %s\n", what.c_str());
  return 1;
}

sys::UniqueFd lock() {
  sys::UniqueFd fd(::open(kLock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd) ::flock(fd.get(), LOCK_EX);
  return fd;
}

int report(const char* verb, const Result<Outcome>& outcome) {
  if (!outcome) return fail(std::string(verb) + ": " + outcome.error().detail);
  for (const std::string& note : outcome->notes) std::fprintf(stderr, "amtgate-rules: %s\n", note.c_str());
  return 0;
}

int with_config(const Arguments& arguments) {
  const config::Parsed parsed = config::load(arguments.file);
  for (const config::Mistake& m : parsed.mistakes) std::fprintf(stderr, "%s\n", m.to_string().c_str());
  if (!parsed) return fail("the configuration has mistakes; nothing was changed");
  const config::Intercept& intercept = parsed.config->intercept;
  if (arguments.command == "up") return report("up", up(system_runner(), intercept, families()));
  const Result<std::vector<Step>> steps = preview(system_runner(), intercept, families());
  if (!steps) return fail("show: " + steps.error().detail);
  std::fputs(steps->empty() ? "# nothing: the rules are in place\n" : to_shell(*steps).c_str(), stdout);
  return 0;
}

}  // namespace

int run(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& w = words[i];
    if (w == "-h" || w == "--help") {
      std::fputs(kUsage, stdout);
      return 0;
    }
    if (w == "--version") {
      std::puts("amtgate-rules " AMTGATE_VERSION);
      return 0;
    }
    if ((w == "-c" || w == "--config") && i + 1 == words.size()) {
      std::fprintf(stderr, "amtgate-rules: %s needs a file\n%s", w.c_str(), kUsage);
      return 2;
    }
    if (w == "-c" || w == "--config") {
      arguments.file = words[++i];
    } else if (arguments.command.empty() && (w == "up" || w == "down" || w == "show")) {
      arguments.command = w;
    } else {
      std::fprintf(stderr, "amtgate-rules: '%s' is not understood\n%s", w.c_str(), kUsage);
      return 2;
    }
  }
  if (arguments.command.empty()) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  // Even reading the rules needs it.
  if (!sys::has_effective(sys::Capability::NetAdmin)) {
    return fail(arguments.command + " needs root's rights over the network (CAP_NET_ADMIN): run it with sudo");
  }
  const sys::UniqueFd held = lock();
  if (arguments.command == "down") return report("down", down(system_runner()));
  return with_config(arguments);
}

}  // namespace amtgate::rules
