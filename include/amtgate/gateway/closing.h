// Closing: the end of a connection that still has to be told something. The words go out, our direction ends, and the
// client gets a moment to read them: a close with unread bytes of the client would turn into a reset that takes the
// words with it.
#pragma once

#include <deque>
#include <functional>

#include "amtgate/base/bytes.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/stream.h"

namespace amtgate::gateway {

/// In order; each is one write where the socket takes it whole.
using LastWords = std::deque<Buffer>;

class Closing {
 public:
  static constexpr Duration kDeadline = seconds(3);

  /// `client` outlives this; its on_ready() is the owner's, and leads to pump(). `done` comes once, from pump() or
  /// from the loop.
  Closing(net::Loop& loop, net::Stream& client, LastWords words, std::function<void()> done);

  void pump();

 private:
  void over();

  net::Stream& client_;
  LastWords words_;
  std::size_t at_ = 0;          // in the first of them
  std::function<void()> done_;  // null: it is over
  net::Timer timer_;
};

}  // namespace amtgate::gateway
