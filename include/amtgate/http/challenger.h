// Challenger: digest authentication towards the gateway's own clients, for all their connections: it makes the
// nonces, judges the answers, and slows down who guesses.
//
// A nonce proves itself (a time and a keyed hash of it), so that challenges cost no memory. Only nonces that a user
// has answered rightly are remembered, with the counts that were used: an answer that was overheard works no second
// time. Clients come back over several connections with one nonce, and a little out of order.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>

#include "amtgate/auth/credentials.h"
#include "amtgate/auth/random.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/http/message.h"

namespace amtgate::http {

class Challenger {
 public:
  /// Then a client is told that its nonce is stale, and answers the next one without asking its user.
  static constexpr Duration kLifetime = seconds(300);
  static constexpr std::size_t kMostAnswered = 8192;  // nonces that are remembered; more make the oldest stale
  /// Wrong answers in a row from one address; then it waits.
  static constexpr unsigned kFreeGuesses = 10;
  static constexpr Duration kGuessWait = seconds(30);
  static constexpr std::size_t kMostGuessers = 8192;

  /// `random` is used here only.
  Challenger(auth::RandomSource& random, TimePoint now);

  std::string nonce(auth::RandomSource& random, TimePoint now);

  struct Passed {
    std::string user;
  };
  struct Ask {  // a challenge is due
    bool stale = false;
    bool wrong = false;  // there was an answer, and it was wrong
  };
  struct Wait {  // too many wrong ones; nothing was looked at
    Duration left;
  };
  using Verdict = std::variant<Passed, Ask, Wait>;
  /// `from`: whose guesses are counted. Looks at the Authorization field of the request. From any thread.
  Verdict judge(const Request& request, const auth::CredentialStore& users, std::string_view realm,
                const std::string& from, TimePoint now);

 private:
  enum class Use { Fresh, Stale };
  struct Answered {
    std::uint64_t highest = 0;
    std::uint64_t before = 0;  // bit n: highest - 1 - n was used
  };
  struct Guesser {
    unsigned wrong = 0;
    TimePoint last{};
  };

  std::string seal(std::string_view head) const;
  Use use(const std::string& nonce, std::string_view count, TimePoint now);
  void missed(const std::string& from, TimePoint now);

  const TimePoint began_;
  std::string key_;
  std::mutex mutex_;
  std::map<std::string, Answered> answered_;  // nonces begin with their time: the first is the oldest
  std::string oldest_;                        // none before it is good any more
  std::map<std::string, Guesser> guessers_;
};

}  // namespace amtgate::http
