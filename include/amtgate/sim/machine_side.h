// MachineSide: the machine's side of one accepted connection, whatever is spoken on it. What the edge sees of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"

namespace amtgate::sim {

enum class Door : std::uint8_t {
  Plain,   // 16994
  Tls,     // 16995
  Rfb,     // 5900
  Web,     // 16992
  WebTls,  // 16993
  Asf,     // 623: as 16992
  AsfTls,  // 664: as 16993
};
/// "redirection", "redirection-tls", "rfb", "web", "web-tls", "asf", "asf-tls"
std::string_view name(Door door);
bool has_tls(Door door);
/// HTTP is spoken there.
bool is_web(Door door);

class MachineSide {
 public:
  /// One line for the log: the fields of a JSON object, without braces.
  struct Log {
    std::string fields;
  };
  /// The last event: flush output(), then close, or reset without a word more.
  struct Close {
    bool reset = false;
    std::string reason;
  };
  /// The machine restarts: every connection of it is to be ticked, and the doors are closed until back_at().
  struct Reboot {};
  /// The screen has another mode: every connection of the machine is to be ticked.
  struct ModeChanged {};
  /// Doors open or close: every connection of the machine is to be ticked.
  struct DoorsChanged {};
  using Event = std::variant<Log, Close, Reboot, ModeChanged, DoorsChanged>;

  virtual ~MachineSide() = default;

  // As Machine has them.
  virtual Result<void> receive(Bytes in, TimePoint now) = 0;
  virtual std::optional<Event> next_event() = 0;
  virtual Bytes output() const = 0;
  virtual void sent(std::size_t n) = 0;
  virtual std::optional<TimePoint> deadline() const = 0;
  virtual Result<void> tick(TimePoint now) = 0;

  /// After sent(): more to send may be made now. The edge calls it when it has written what there was.
  virtual void produce(TimePoint now) = 0;
  /// False: do not read (a stall, or nobody takes it).
  virtual bool wants_input() const = 0;
  /// A fault has struck: nothing more is read or written.
  virtual bool stalled() const = 0;
  /// The client has closed its direction.
  virtual void closed(TimePoint now) = 0;
  virtual std::string_view kind() const = 0;  // "sol", "ider", "kvm", "web", or "" before it is known
};

}  // namespace amtgate::sim
