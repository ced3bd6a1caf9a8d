// Medium: an image that the gateway serves: a file here, or one on a web server. Lives on one loop, as all of its
// calls.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "amtgate/base/time.h"
#include "amtgate/ider/block_source.h"
#include "amtgate/net/loop.h"

namespace amtgate::image {

/// A host's command has about 30 s. A read that cannot be answered by then is better answered with an error in time.
inline constexpr Duration kReadPatience = seconds(20);

class Medium : public ider::BlockSource {
 public:
  enum class State {
    Opening,  // not known yet what it is; block_size() alone may be called
    Ready,
    Failed,  // problem() says why. It may become ready later: see on_news()
  };
  virtual State state() const = 0;
  /// A sentence; empty when all is well. While Ready: what is wrong with parts of it ("the server is away").
  virtual std::string problem() const = 0;
  virtual std::uint64_t size() const = 0;
  /// From a web server: how many of its bytes are here.
  virtual bool web() const { return false; }
  virtual std::uint64_t cached() const { return size(); }
  /// It is not any more what was opened: opening it anew gives another medium.
  virtual bool changed() const { return false; }

  /// Called from the loop, never from inside another call: the state is another, or a read that was told Later is
  /// worth another try.
  void on_news(std::function<void()> callback) { news_ = std::move(callback); }

 protected:
  std::function<void()> news_;
};

/// Since when a read waits, and the end of that. An owner's read() asks late() before it says Later again.
class Waiting {
 public:
  Waiting(net::Loop& loop, std::function<void()> on_late) : loop_(loop), timer_(loop, std::move(on_late)) {}

  /// The read at `from` has to wait. True: it has waited long enough.
  bool late(std::uint64_t from) {
    if (!on_ || from_ != from) {
      on_ = true;
      from_ = from;
      until_ = loop_.now() + kReadPatience;
      timer_.arm(kReadPatience + milliseconds(10));
      return false;
    }
    if (loop_.now() < until_) return false;
    done();
    return true;
  }
  void done() {
    if (!on_) return;
    on_ = false;
    timer_.cancel();
  }
  bool on() const { return on_; }

 private:
  net::Loop& loop_;
  net::Timer timer_;
  bool on_ = false;
  std::uint64_t from_ = 0;
  TimePoint until_;
};

}  // namespace amtgate::image
