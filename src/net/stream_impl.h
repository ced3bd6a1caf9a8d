// What the relay needs to know of a stream. Not a public header.
#pragma once

#include <optional>

#include "amtgate/net/stream.h"

namespace amtgate::net {

/// Sets what `options` want on a TCP socket. Set on a listening one, the connections that it accepts have it.
void apply(int fd, const StreamOptions& options);

struct Stream::Impl {
  Impl(Loop& l, sys::UniqueFd f) : loop(l), fd(std::move(f)) {}

  Loop& loop;
  sys::UniqueFd fd;
  std::optional<Watch> watch;
  std::function<void(Ready)> on_ready;
  std::optional<tls::Engine> engine;
  Error error{Errc::Closed, "the stream is closed"};
  std::uint64_t rx = 0;
  std::uint64_t tx = 0;
  bool want_read = false;
  bool want_write = false;
  bool read_on_write = false;  // TLS: read() waits for the socket to become writable
  bool write_on_read = false;  // TLS: write() waits for the socket to become readable
  bool buffered = false;       // TLS: bytes may lie decrypted; until read() says Again
  bool deferred = false;       // a callback for `buffered` is on its way
  bool closing = false;        // close_notify is waiting for the socket
  bool write_closed = false;
  bool failed = false;
  bool reset_seen = false;

  struct Handshake {
    Handshake(Loop& l, std::function<void()> on_time, TlsDone d) : timer(l, std::move(on_time)), done(std::move(d)) {}
    Timer timer;
    TlsDone done;
  };
  std::unique_ptr<Handshake> handshake;  // while it lasts

  void update(const std::weak_ptr<Impl>& self);
  void on_socket(Ready socket, const std::weak_ptr<Impl>& self);
  void step_handshake();
  void finish_handshake(Result<void> result);
  void try_close();
  IoResult fail(Error e, int number);
  IoResult fail_tls();
};

}  // namespace amtgate::net
