#include "amtgate/daemon/arguments.h"

#include <getopt.h>

namespace amtgate::daemon {

std::string usage() {
  return "usage: amtgated [-c FILE] [--check]\n"
         "  -c, --config FILE  the configuration (" AMTGATE_SYSCONFDIR
         "/amtgate/amtgate.conf)\n"
         "      --check        name every mistake in it as FILE:LINE: what is wrong, and exit 0 or 1\n"
         "      --version      print the version\n"
         "      --help         print this\n"
         "Runs in the foreground and logs to standard error. SIGHUP reads the configuration again, SIGTERM ends it.\n"
         "amtgated(8), amtgate.conf(5)\n";
}

Result<Arguments> parse_arguments(int argc, char** argv) {
  enum { kCheck = 256, kHelp, kVersion };
  const option options[] = {{"config", required_argument, nullptr, 'c'},
                            {"check", no_argument, nullptr, kCheck},
                            {"help", no_argument, nullptr, kHelp},
                            {"version", no_argument, nullptr, kVersion},
                            {nullptr, 0, nullptr, 0}};
  Arguments out;
  optind = 0;  // begins anew, also when called twice
  opterr = 0;
  while (true) {
    const int at = optind == 0 ? 1 : optind;
    const int found = ::getopt_long(argc, argv, ":c:", options, nullptr);
    if (found == -1) break;
    const std::string word = at < argc ? argv[at] : "";
    switch (found) {
      case 'c': out.config = optarg; break;
      case kCheck: out.what = Arguments::Do::Check; break;
      case kHelp: out.what = Arguments::Do::Help; return out;
      case kVersion: out.what = Arguments::Do::Version; return out;
      case ':': return Error{Errc::BadValue, word + " needs a value"};
      default: return Error{Errc::BadValue, "unknown option '" + word + "'"};
    }
  }
  if (optind < argc) return Error{Errc::BadValue, "unexpected argument '" + std::string(argv[optind]) + "'"};
  if (out.config.empty()) return Error{Errc::BadValue, "the name of the configuration is empty"};
  return out;
}

}  // namespace amtgate::daemon
