// Engine: one TLS connection over OpenSSL, on a socket's own descriptor or on memory.
//
// On a descriptor, OpenSSL reads the (non-blocking) socket itself; where the kernel can take the records over (kTLS)
// it writes it too, otherwise the engine gathers records and sends several at once. The engine does not own the
// descriptor, and SIGPIPE must be ignored (net::Loop does it).
// On memory, feed() and take_output() stand for the wire: that is how tests join two engines.
//
// read() and write() can each ask for either direction of the socket (WantRead, WantWrite); call the same function
// again then. After WantWrite from write() the same bytes must be offered again, at any address.
// After Failed or Closed nothing but the questions may be called.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/tls/certificate.h"
#include "amtgate/tls/context.h"

struct ssl_st;
struct ssl_session_st;

namespace amtgate::tls {

/// Bytes that a record carries at most.
inline constexpr std::size_t kLargestRecord = 16384;

enum class Status : std::uint8_t {
  Done,
  WantRead,   // again when the socket is readable
  WantWrite,  // again when the socket is writable
  Closed,     // the other side said close_notify; from read() only
  Failed,     // error() says why
};

struct IoResult {
  Status status = Status::Done;
  std::size_t bytes = 0;  // with Done
};

/// What is kept to resume: a session id or ticket with its keys. A secret. Null = none.
using SessionPtr = std::shared_ptr<ssl_session_st>;

class Engine {
 public:
  /// `fd`: a connected non-blocking socket that outlives the engine. Errors: System (out of memory).
  static Result<Engine> on_fd(const Context& context, int fd);
  static Result<Engine> in_memory(const Context& context);

  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  /// Client: offer to resume this session; before the handshake. TLS 1.3 is not offered with a session of an older
  /// version: who is not resumed() then should forget it, so that the next connection offers everything.
  void resume(const SessionPtr& session);
  /// Client: the newest session that the server gave us to resume. TLS 1.3 gives it with the first data read. Null
  /// after a resume() that the server declined and that kept TLS 1.3 from being offered.
  SessionPtr session() const;
  bool resumed() const;

  /// Done, WantRead, WantWrite or Failed. The last flight may wait for what write() says first: flush() when nothing
  /// is said at once.
  Status handshake();
  bool handshake_done() const;

  /// As many records as are there and fit. Closed at close_notify; a bare end of the TCP connection is Failed with
  /// Errc::Closed.
  IoResult read(MutableBytes to);
  /// Takes as many records as the socket does, so maybe less than offered. Never call with nothing. After WantWrite
  /// or a short count the next call must begin with the bytes that were not taken, and hold no fewer of them.
  IoResult write(Bytes from, std::size_t record = kLargestRecord);
  /// Sends what is made and waits for the socket, if anything: after a handshake, and when the socket is writable
  /// while has_unsent(). Done, WantWrite or Failed.
  Status flush();
  bool has_unsent() const;
  /// Something lies in memory that the socket will not become readable for, maybe only a part of a record: read()
  /// until it says WantRead.
  bool has_pending() const;
  /// Sends our close_notify; reading goes on. Done or WantWrite or Failed.
  Status shutdown();

  /// The kernel does the records of this direction: the socket may be spliced.
  bool ktls_send() const;
  bool ktls_recv() const;

  /// Why it failed: a sentence from OpenSSL's error queue, alerts by their names.
  const Error& error() const;
  /// The errno behind it, e.g. ECONNRESET; 0 when it was not the socket.
  int system_error() const;
  /// The other side's certificate, then its chain as sent; empty when it sent none.
  std::vector<Certificate> peer_chain() const;
  /// "TLSv1.3", "TLSv1.2" ...; empty before the handshake.
  std::string version() const;
  std::string cipher() const;

  /// In memory only: bytes from the wire, and the bytes for it.
  void feed(Bytes in);
  Buffer take_output();

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace amtgate::tls
