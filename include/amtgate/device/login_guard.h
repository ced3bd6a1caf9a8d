// LoginGuard: keeps wrong credentials from locking an AMT account. Firmware locks an account after a handful of
// failed logins in a row, and says nothing about it; a fleet of viewers that retry would do that in a second.
//
// Until credentials were accepted once, one login at a time is let through; after a refusal the next one waits, twice
// as long each time. Keyed by whatever text names an account on a machine. Shared by all workers: locked inside.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "amtgate/base/time.h"

namespace amtgate::device {

class LoginGuard {
 public:
  static constexpr Duration kFirstWait = seconds(5);
  static constexpr Duration kLongestWait = seconds(300);
  /// Accounts remembered; beyond it the ones that were accepted are forgotten first. Bounds what a stranger with
  /// client credentials of his own (client_auth = passthrough) can make us keep.
  static constexpr std::size_t kMostAccounts = 16384;

  enum class Go { Now, Queue, No };
  struct Answer {
    Go go;
    Duration wait{};        // No: how long until the next login may be tried. Queue: ask again after this.
    unsigned refusals = 0;  // No: how many in a row
  };

  /// Asks to log in now. After Now the caller owes exactly one of accepted(), refused(), undecided().
  Answer ask(const std::string& account, TimePoint now);
  void accepted(const std::string& account);
  /// Returns how long the next login has to wait.
  Duration refused(const std::string& account, TimePoint now);
  /// The attempt ended before the machine judged the credentials.
  void undecided(const std::string& account);
  /// Accounts whose last login was refused; `wait` is zero when the next one may be tried.
  struct Refused {
    std::string account;
    unsigned refusals = 0;  // in a row
    Duration wait{};
  };
  std::vector<Refused> refused_accounts(TimePoint now);
  /// New configuration: the credentials may have been mended.
  void forget_all();

 private:
  struct Account {
    bool proven = false;
    bool in_flight = false;
    unsigned refusals = 0;
    TimePoint next{};
  };
  void make_room();

  std::mutex mutex_;
  std::unordered_map<std::string, Account> accounts_;
};

}  // namespace amtgate::device
