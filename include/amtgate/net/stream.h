// Stream: a connected TCP (or Unix) socket that it owns, plain or TLS, non-blocking.
//
// Use: on_ready() once, want() what you wait for, read() and write() when told. With TLS a read may wait for the
// socket to become writable and the other way round, and bytes may lie decrypted while the socket is silent: the
// stream hides both. "Ready to read" means that read() will not say Again for want of asking, no more; callers cope
// with Again.
//
// The callback comes from the loop, never from inside want(), read() or write(). Destroying the stream inside its own
// callback is safe, destroying what the callback itself belongs to is not: loop.retire() that.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "amtgate/base/bytes.h"
#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/net/loop.h"
#include "amtgate/sys/fd.h"
#include "amtgate/tls/engine.h"

namespace amtgate::net {

enum class Io : std::uint8_t {
  Ok,      // `bytes` were moved, at least one
  Again,   // nothing now: want() it
  Closed,  // read: the other side has ended its direction in order
  Failed,  // error() says why; the stream is of no more use
};

struct IoResult {
  Io status = Io::Again;
  std::size_t bytes = 0;
};

struct StreamOptions {
  bool no_delay = true;
  /// Seconds of silence before the kernel probes, then between its probes (three unanswered end it); 0 = no
  /// keepalive.
  int keepalive_s = 60;
  int keepalive_interval_s = 15;
};

class Stream {
 public:
  /// `fd`: connected; made non-blocking here. TCP options that do not apply to the socket are skipped.
  Stream(Loop& loop, sys::UniqueFd fd, const StreamOptions& options = {});
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void on_ready(std::function<void(Ready)> callback);
  /// Level-triggered: the callback comes as long as a wanted direction is ready.
  void want(bool read, bool write);

  IoResult read(MutableBytes to);
  /// May take less than offered. After Again the next write() must begin with the same bytes, and hold no fewer of
  /// them.
  /// With TLS it is cut into records of `record` bytes, several of which may leave together.
  IoResult write(Bytes from, std::size_t record = tls::kLargestRecord);
  /// Ends our direction in order: close_notify (TLS 1.3 and 1.2), then shutdown(SHUT_WR). Reading goes on.
  void close_write();
  /// Ends both directions at once with a TCP reset, closing the socket; destroying the stream instead closes in
  /// order.
  void reset();
  const Error& error() const;
  /// Failed because the other side reset the connection, or took no more.
  bool was_reset() const;

  /// Begins TLS on the socket; until `done` comes neither read() nor write() may be called. Bytes already read from
  /// the socket cannot be given back, so begin before the first read(). `done` comes from the loop, once: Timeout
  /// after `deadline`, or the engine's error. `session`: offered for resumption (client).
  using TlsDone = std::function<void(Result<void>)>;
  void start_tls(const tls::Context& context, Duration deadline, TlsDone done,
                 const tls::SessionPtr& session = nullptr);
  bool is_tls() const;
  /// Null without TLS. For peer_chain(), session(), resumed(), cipher().
  const tls::Engine* tls() const;
  /// "TLSv1.3"; "" when plain.
  std::string tls_version() const;

  /// The kernel can move bytes from / to this socket without us seeing them: plain, or kernel TLS.
  bool spliceable_in() const;
  bool spliceable_out() const;
  int fd() const;

  Endpoint local() const;
  Endpoint remote() const;
  std::uint64_t rx_bytes() const;  // as read() and write() gave and took them, spliced bytes included
  std::uint64_t tx_bytes() const;

 private:
  friend class Relay;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// For a last message that must arrive: ends our direction in order, then reads and throws away what still comes
/// until the other side ends too, or `limit` is over. (Closing a socket with unread bytes resets it, and a reset
/// overtakes the message.) Everything written before must have been taken by write().
void finish(Loop& loop, std::unique_ptr<Stream> stream, Duration limit = seconds(2));

}  // namespace amtgate::net
