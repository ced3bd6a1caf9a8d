#include "amtgate/http/challenger.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <charconv>
#include <cstdio>

#include "amtgate/auth/digest.h"
#include "amtgate/base/hex.h"
#include "amtgate/http/digest_header.h"

namespace amtgate::http {
namespace {

// A nonce: 8 digits of seconds since the beginning, 8 random ones, 16 of the hash. AMT's have 32 characters, and
// there is a client that takes no longer one.
constexpr std::size_t kTimeDigits = 8;
constexpr std::size_t kHead = 16;
constexpr std::size_t kNonce = 32;
constexpr unsigned kWindow = 64;

}  // namespace

Challenger::Challenger(auth::RandomSource& random, TimePoint now) : began_(now) {
  std::array<std::uint8_t, 32> key{};
  random.fill(key);
  key_.assign(key.begin(), key.end());
}

std::string Challenger::seal(std::string_view head) const {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> mac{};
  unsigned n = 0;
  ::HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), as_bytes(head).data(), head.size(), mac.data(),
         &n);
  return to_hex(Bytes(mac).first((kNonce - kHead) / 2));
}

std::string Challenger::nonce(auth::RandomSource& random, TimePoint now) {
  char time[kTimeDigits + 1];
  std::snprintf(time, sizeof time, "%08x",
                static_cast<unsigned>(std::chrono::duration_cast<seconds>(now - began_).count()));
  std::array<std::uint8_t, (kHead - kTimeDigits) / 2> salt{};
  random.fill(salt);
  const std::string head = time + to_hex(salt);
  return head + seal(head);
}

Challenger::Use Challenger::use(const std::string& nonce, std::string_view count, TimePoint now) {
  if (nonce.size() != kNonce || nonce < oldest_) return Use::Stale;
  const std::string_view text(nonce);
  if (!auth::equal_secret(seal(text.substr(0, kHead)), text.substr(kHead))) return Use::Stale;
  unsigned made = 0;
  std::from_chars(text.data(), text.data() + kTimeDigits, made, 16);
  if (now - (began_ + seconds(made)) > kLifetime) return Use::Stale;
  std::uint64_t n = 0;
  const auto [end, ec] = std::from_chars(count.data(), count.data() + count.size(), n, 16);
  if (ec != std::errc{} || end != count.data() + count.size() || n == 0) return Use::Stale;
  // What is over anyway goes first; then who asks for more nonces than there is room for makes the oldest stale.
  while (answered_.size() >= kMostAnswered && !answered_.contains(nonce)) {
    oldest_ = std::next(answered_.begin()) == answered_.end() ? nonce : std::next(answered_.begin())->first;
    answered_.erase(answered_.begin());
  }
  if (nonce < oldest_) return Use::Stale;
  Answered& a = answered_[nonce];
  if (n > a.highest) {
    const std::uint64_t by = n - a.highest;
    a.before = by > kWindow ? 0 : (by == kWindow ? 0 : a.before << by) | (a.highest != 0 ? 1ULL << (by - 1) : 0);
    a.highest = n;
    return Use::Fresh;
  }
  const std::uint64_t behind = a.highest - n;
  if (behind == 0 || behind > kWindow || (a.before >> (behind - 1) & 1U) != 0) return Use::Stale;
  a.before |= 1ULL << (behind - 1);
  return Use::Fresh;
}

void Challenger::missed(const std::string& from, TimePoint now) {
  if (guessers_.size() >= kMostGuessers && !guessers_.contains(from)) {
    std::erase_if(guessers_, [&](const auto& g) { return now - g.second.last > kGuessWait; });
    // As many addresses guess at once: nobody's count is worth more than another's.
    if (guessers_.size() >= kMostGuessers) guessers_.erase(guessers_.begin());
  }
  Guesser& g = guessers_[from];
  if (now - g.last > kGuessWait) g.wrong = 0;
  ++g.wrong;
  g.last = now;
}

Challenger::Verdict Challenger::judge(const Request& request, const auth::CredentialStore& users,
                                      std::string_view realm, const std::string& from, TimePoint now) {
  const std::string* header = request.fields.find("Authorization");
  if (header == nullptr || request.fields.count("Authorization") > 1) return Ask{};
  const Result<DigestAnswer> answer = parse_digest_answer(*header);
  // What another server asked for, or another kind of login: as if there were none.
  if (!answer || answer->realm != realm) return Ask{};
  const std::lock_guard lock(mutex_);
  if (const auto g = guessers_.find(from); g != guessers_.end() && g->second.wrong >= kFreeGuesses) {
    const Duration since = now - g->second.last;
    if (since < kGuessWait) return Wait{kGuessWait - since};
  }
  const bool for_this = answer->uri == request.target || answer->uri == request.path();
  // AMT's own clients all count; without a count an answer could be used twice.
  const bool counted = same_word(answer->qop, "auth") || same_word(answer->qop, "auth-int");
  const std::optional<std::string> ha1 = users.ha1(answer->username, realm);
  constexpr std::string_view kNobody = "00000000000000000000000000000000";
  const bool proved = proves(*answer, ha1 ? std::string_view(*ha1) : kNobody, request.method, request.body);
  if (!ha1 || !proved || !for_this || !counted) {
    missed(from, now);
    return Ask{.wrong = true};
  }
  guessers_.erase(from);
  if (use(answer->nonce, answer->nc, now) == Use::Stale) return Ask{.stale = true};
  return Passed{answer->username};
}

}  // namespace amtgate::http
