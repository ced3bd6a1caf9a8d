// PictureClient: RFB towards a server that shows a shared screen, from ServerInit on: the client of a script. Keeps
// the picture as 8-bit RGB, knows when all of it has come, and sends keys.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "amtgate/base/machine.h"
#include "amtgate/rfb/client_messages.h"
#include "amtgate/rfb/server_init.h"
#include "amtgate/rfb/server_messages.h"

namespace amtgate::rfb {

class PictureClient {
 public:
  /// ServerInit has come: keys may be sent, pictures asked for.
  struct Begun {};
  /// An update has come as a whole. `complete`: every pixel of the screen, as it is sized now, is known.
  struct Updated {
    bool complete;
  };
  using Event = std::variant<Begun, Updated>;

  PictureClient();

  /// Errors: TooLarge (a screen over Screen::kMaxSide or kMaxBytes, a name, what ServerMessageReader limits),
  /// BadValue (a rectangle outside of the screen), Unsupported (messages or encodings that were not asked for).
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  Bytes output() const { return out_.view(); }
  void sent(std::size_t n) { out_.sent(n); }
  std::optional<TimePoint> deadline() const { return std::nullopt; }
  Result<void> tick(TimePoint) { return {}; }

  /// All of the screen once, then what changes, an update after the other, for as long as this lives.
  void watch();
  void key(const KeyEvent& event);
  /// After Begun: an Updated follows once the server has acted on all that was sent before.
  void ask_back();

  bool complete() const { return begun_ && watching_ && missing_ == 0; }
  Size size() const { return size_; }
  /// Red, green and blue of each pixel, row by row; black where nothing has come yet.
  const Buffer& rgb() const { return rgb_; }
  const std::string& name() const { return name_; }

 private:
  Result<void> begin(ServerInit init);
  Result<void> resize(Size size);
  Result<void> put(const Rectangle& r);
  void request(bool incremental);

  bool begun_ = false;
  bool watching_ = false;
  Buffer opening_;  // what of ServerInit has come
  std::string name_;
  Size size_;
  Buffer rgb_;
  std::vector<bool> known_;  // by pixel
  std::size_t missing_ = 0;
  ServerMessageReader reader_;
  Outbox out_;
  std::deque<Event> events_;
};

static_assert(Machine<PictureClient>);

}  // namespace amtgate::rfb
