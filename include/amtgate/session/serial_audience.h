// SerialAudience: who is at a serial console, what each of them has been shown of its output, and which one types.
//
// The output is in a ring. A user has had it up to some place; before what follows come the notes for that user
// alone. The first one types, and behind it the one that has been there longest. AMT is waited for (keeps_up()) while
// the one who types would lose something: without end where it is alone, else for kStall; then it loses like the
// others, and a note says how much is missing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/session/output_ring.h"
#include "amtgate/session/serial_user.h"

namespace amtgate::session {

struct UserId {
  std::uint64_t value = 0;
  auto operator<=>(const UserId&) const = default;
};

class SerialAudience {
 public:
  /// Flush its output and close it, then remove().
  struct UserEnded {
    UserId id;
    Error error;
    bool by_user = false;
  };
  /// This one types from now on.
  struct WriterChanged {
    UserId id;
  };
  using Event = std::variant<UserEnded, WriterChanged>;
  using OnEvent = std::function<void(Event)>;

  /// AMT waits so long for the one who types, where there are others.
  static constexpr Duration kStall = seconds(10);
  /// At most so much is put into the ring at once.
  static constexpr std::size_t kMostPut = 64 * 1024;

  SerialAudience(std::size_t ring, OnEvent on_event) : ring_(ring), on_event_(std::move(on_event)) {}

  /// Our own line in a console's output. Sentences may quote what a machine or a name server said.
  static std::string line(std::string_view sentence);

  OutputRing& ring() { return ring_; }
  const OutputRing& ring() const { return ring_; }

  bool empty() const { return users_.empty(); }
  std::size_t size() const { return users_.size(); }
  std::optional<UserId> writer() const { return writer_; }
  /// There is such a user, and it has not ended.
  bool there(UserId id) const;

  /// It is shown the last `shown` bytes; by feed().
  void add(UserId id, std::unique_ptr<SerialUser> machine, const std::string& who, std::uint64_t shown);
  /// False: there was none.
  bool remove(UserId id, TimePoint now);
  /// A line for this user, before what follows.
  void note(UserId id, std::string_view sentence);
  /// Errors: BadValue (no such user).
  Result<void> give(UserId id, TimePoint now);
  /// In its protocol's words; UserEnded follows.
  void end(UserId id, const Error& error, bool said, TimePoint now);
  void end_all(const Error& error, bool said, TimePoint now);

  /// What the one who types has typed; of others it is dropped.
  Buffer receive(UserId id, Bytes in, TimePoint now);
  Bytes output(UserId id) const;
  void sent(UserId id, std::size_t n, TimePoint now);
  /// What the machine says of itself.
  void host(std::uint8_t control, std::uint8_t status, TimePoint now);

  /// Shows what there is. True: all have had all of it.
  bool feed(TimePoint now);
  void feed(UserId id, TimePoint now);
  /// The one who types would lose nothing, or is waited for no longer.
  bool keeps_up() const;
  /// Behind all that may change keeps_up(). `live`: something may come; `logs`: somebody else wants it too.
  void watch(bool live, bool logs, TimePoint now);
  std::optional<TimePoint> deadline() const;
  void tick(TimePoint now);

  std::uint64_t lost_bytes() const { return lost_bytes_; }  // of slow users, all together

 private:
  struct User {
    std::unique_ptr<SerialUser> machine;
    std::string who;
    std::uint64_t at = 0;      // in the ring: the next byte that it gets
    std::string note{};        // before that
    bool told_reader = false;  // that what it types is dropped
    bool told_break = false;
    bool over = false;
  };
  User* find(UserId id);
  const User* find(UserId id) const;
  void feed(User& user, TimePoint now);
  void finish(UserId id, User& user, const Error& error, TimePoint now, bool by_user = false);
  void types(UserId id, User& user, TimePoint now);
  void pass_on(TimePoint now);
  std::size_t lag_limit() const { return ring_.capacity() - kMostPut - 1024; }

  OutputRing ring_;
  const OnEvent on_event_;
  std::map<UserId, User> users_;  // ids grow: the oldest is first
  std::optional<UserId> writer_;
  std::optional<TimePoint> stalled_at_;  // the one who types is waited for no longer
  bool given_up_ = false;                // on the one who types, until it takes something
  std::uint64_t lost_bytes_ = 0;
};

}  // namespace amtgate::session
