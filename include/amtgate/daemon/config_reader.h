// Reads the configuration again after privileges are gone.
//
// The files and the secrets they name may be root's alone. So when the daemon is started by root it leaves a small
// process behind that may read any file (CAP_DAC_READ_SEARCH, as the daemon's account) and can do one thing: on a
// byte from the daemon it loads that one configuration and sends what it read (config/bundle.h). It ends with the
// daemon. Started as the daemon's account already, the daemon reads for itself.
#pragma once

#include <memory>
#include <string>

#include "amtgate/base/result.h"
#include "amtgate/config/load.h"
#include "amtgate/sys/fd.h"
#include "amtgate/sys/privileges.h"

namespace amtgate::daemon {

class ConfigReader {
 public:
  /// Before the first thread. `file` is an absolute path. Errors: System.
  static Result<std::unique_ptr<ConfigReader>> start(const std::string& file, const sys::Account& account);
  /// Ends the process and waits for it.
  ~ConfigReader();

  /// What load() gives now. A reader that does not answer within kDeadline is a mistake without a line.
  config::Parsed load();

 private:
  ConfigReader(std::string file, sys::UniqueFd socket, pid_t pid)
      : file_(std::move(file)), socket_(std::move(socket)), pid_(pid) {}

  std::string file_;
  sys::UniqueFd socket_;  // not valid without a process
  pid_t pid_ = -1;
};

}  // namespace amtgate::daemon
