#include "amtgate/device/login_guard.h"

#include <algorithm>

namespace amtgate::device {
namespace {

constexpr Duration kAskAgain = milliseconds(20);

}  // namespace

LoginGuard::Answer LoginGuard::ask(const std::string& account, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (accounts_.size() >= kMostAccounts && !accounts_.contains(account)) make_room();
  Account& a = accounts_[account];
  if (a.refusals > 0 && now < a.next) return {Go::No, a.next - now, a.refusals};
  if (a.proven) return {Go::Now, {}, 0};
  if (a.in_flight) return {Go::Queue, kAskAgain, a.refusals};
  a.in_flight = true;
  return {Go::Now, {}, a.refusals};
}

void LoginGuard::accepted(const std::string& account) {
  const std::lock_guard lock(mutex_);
  accounts_[account] = Account{.proven = true};
}

Duration LoginGuard::refused(const std::string& account, TimePoint now) {
  const std::lock_guard lock(mutex_);
  Account& a = accounts_[account];
  a.proven = false;
  a.in_flight = false;
  const Duration wait = std::min<Duration>(kFirstWait * (1U << std::min(a.refusals, 10U)), kLongestWait);
  ++a.refusals;
  a.next = now + wait;
  return wait;
}

void LoginGuard::undecided(const std::string& account) {
  const std::lock_guard lock(mutex_);
  accounts_[account].in_flight = false;
}

std::vector<LoginGuard::Refused> LoginGuard::refused_accounts(TimePoint now) {
  const std::lock_guard lock(mutex_);
  std::vector<Refused> out;
  for (const auto& [account, a] : accounts_) {
    if (a.refusals > 0) out.push_back({account, a.refusals, std::max(a.next - now, Duration::zero())});
  }
  return out;
}

void LoginGuard::forget_all() {
  const std::lock_guard lock(mutex_);
  for (auto it = accounts_.begin(); it != accounts_.end();) {
    // An attempt under way still owes its answer; only its history is wiped.
    if (it->second.in_flight) {
      it->second = Account{.in_flight = true};
      ++it;
    } else {
      it = accounts_.erase(it);
    }
  }
}

void LoginGuard::make_room() {
  std::erase_if(accounts_, [](const auto& entry) { return entry.second.refusals == 0 && !entry.second.in_flight; });
  if (accounts_.size() < kMostAccounts) return;
  // Nothing but refusals: drop those whose wait ends first.
  auto oldest = std::min_element(accounts_.begin(), accounts_.end(),
                                 [](const auto& a, const auto& b) { return a.second.next < b.second.next; });
  accounts_.erase(oldest);
}

}  // namespace amtgate::device
