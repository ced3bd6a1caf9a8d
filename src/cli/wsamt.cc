#include "amtgate/cli/wsamt.h"

#include <getopt.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "amtgate/cli/exit.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/cli/wsamt_commands.h"
#include "amtgate/config/load.h"
#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

constexpr std::uint16_t kPlainPort = 623, kTlsPort = 664;

struct Options {
  bool verbose = false;
  std::string host = "localhost", user, password, authority;
  std::uint16_t port = 0;
};

void help(std::FILE* to) {
  std::fputs(
      "usage: wsamt [-v] [-h HOST] [-P PORT] [-u USER] [-p PASSWORD] [-c CA-FILE] COMMAND [VALUE...]\n"
      "  -v  say what is asked and answered        -h  the machine; else $WSMAN_HOST, else localhost\n"
      "  -P  else $WSMAN_PORT, else 623, or 664 with -c\n"
      "  -u  else $WSMAN_USER                      -p  else $WSMAN_PASS, else it is asked for\n"
      "  -c  use TLS, and trust this authority (PEM)\n"
      "Without its value a setting says what it is. Commands:\n",
      to);
  for (const WsamtCommand& c : wsamt_commands()) {
    const std::string usage = c.name + (c.arguments.empty() ? "" : " ") + c.arguments;
    std::fprintf(to, "  %-32s%s%s\n", usage.c_str(), usage.size() > 31 ? "  " : "", c.help.c_str());
  }
}

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// What the command line and the environment say; the password is gone from the command line then.
Result<Options> parse(int argc, char** argv) {
  Options o;
  if (const std::string host = from_environment("WSMAN_HOST"); !host.empty()) o.host = host;
  o.user = from_environment("WSMAN_USER");
  o.password = from_environment("WSMAN_PASS");
  std::string port = from_environment("WSMAN_PORT");
  ::opterr = 0;
  for (int c; (c = ::getopt(argc, argv, "+vh:P:u:p:c:")) != -1;) {
    switch (c) {
      case 'v': o.verbose = true; break;
      case 'h': o.host = ::optarg; break;
      case 'P': port = ::optarg; break;
      case 'u': o.user = ::optarg; break;
      case 'p':
        o.password = ::optarg;
        std::memset(::optarg, 'x', std::strlen(::optarg));
        break;
      case 'c': o.authority = ::optarg; break;
      default:
        return Error{Errc::BadValue,
                     std::string("-") + static_cast<char>(::optopt) + ": no such option, or no value"};
    }
  }
  o.port = o.authority.empty() ? kPlainPort : kTlsPort;
  if (!port.empty()) {
    const Result<Port> given = parse_port(port);
    if (!given) return given.error();
    o.port = given->value;
  }
  return o;
}

/// Tells on standard error what is asked and what comes back, never what is in it: that may be a password.
class Verbose : public wsman::Caller {
 public:
  explicit Verbose(wsman::Caller& machine) : machine_(machine) {}
  Result<wsman::Reply> call(const wsman::Request& request) override {
    Result<wsman::Reply> reply = machine_.call(request);
    const std::string said = !reply ? reply.error().detail : reply->fault ? reply->fault->sentence() : "done";
    std::fprintf(stderr, "%s: %s\n", request.what().c_str(), said.c_str());
    return reply;
  }

 private:
  wsman::Caller& machine_;
};

Result<FleetOptions> fleet_of(const Options& o) {
  FleetOptions fleet;
  fleet.host = o.host;
  fleet.user = o.user;
  fleet.port = o.port;
  config::Target& target = fleet.login.target;
  if (!o.password.empty()) target.password = config::Secret(o.password);
  target.tls = config::TlsMode::No;
  if (o.authority.empty()) return fleet;
  Result<std::string> pem = sys::read_file(o.authority, config::kMaxPemFile);
  if (!pem) return pem.error();
  target.tls = config::TlsMode::Yes;
  target.tls_ca = o.authority;
  target.tls_ca_text = std::move(*pem);
  target.tls_min = config::TlsVersion::V1_0;  // firmware of this utility's days has nothing newer
  return fleet;
}

}  // namespace

int wsamt(int argc, char** argv) {
  const Result<Options> options = parse(argc, argv);
  if (!options) return fail(kUsage, options.error().detail + "; wsamt alone shows how it is used");
  if (::optind >= argc) {
    help(stderr);
    return kUsage;
  }
  const std::string word = argv[::optind];
  std::vector<std::string> arguments(argv + ::optind + 1, argv + argc);
  if (word == "help") {
    help(stdout);
    return kDone;
  }
  const std::vector<WsamtCommand> commands = wsamt_commands();
  const auto command = std::ranges::find(commands, word, &WsamtCommand::name);
  if (command == commands.end())
    return fail(kUsage, "'" + word + "' is no command of wsamt; `wsamt help` lists them");
  if (arguments.size() < command->least || arguments.size() > command->most) {
    return fail(kUsage, "usage: wsamt " + command->name + " " + command->arguments);
  }
  // Passwords among them are no longer to be seen either.
  for (int i = ::optind + 1; i < argc; ++i) std::memset(argv[i], 'x', std::strlen(argv[i]));
  const Result<FleetOptions> fleet = fleet_of(*options);
  if (!fleet) return fail(kUsage, fleet.error().detail);
  const auto say = [](std::string line) {
    // It comes from the machine.
    std::ranges::replace_if(
        line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    std::puts(line.c_str());
  };
  const auto outcomes = ask_fleet({}, *fleet, [&](wsman::Caller& machine) -> Result<Row> {
    Verbose verbose(machine);
    const Result<void> done = command->run(options->verbose ? verbose : machine, arguments, say);
    if (!done) return done.error();
    return Row{};
  });
  if (!outcomes) return fail(kSaidNo, outcomes.error().detail);
  const Result<Row>& row = outcomes->front().row;
  if (row) return kDone;
  const Error& e = row.error();
  const std::string line = e.detail.starts_with(options->host) ? e.detail : options->host + ": " + e.detail;
  return fail(e.code == Errc::BadValue ? kUsage : exit_code(e.code), line);
}

}  // namespace amtgate::cli
