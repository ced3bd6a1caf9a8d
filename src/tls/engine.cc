#include "amtgate/tls/engine.h"

#include <openssl/err.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "openssl.h"
#include "outbox.h"

namespace amtgate::tls {
namespace {

/// The largest plaintext of one record; what a write() cuts its bytes into.
constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;
static_assert(kRecord == kLargestRecord);
/// What one read(2) may bring when we decrypt ourselves: four records. Freed when empty, so an idle session has none.
constexpr std::size_t kReadAhead = 4 * (kRecord + 512);

/// OpenSSL's words for what operators meet most, and what they can do about it.
const char* advice(unsigned long e) {
  if (ERR_GET_LIB(e) != ERR_LIB_SSL) return "";
  switch (ERR_GET_REASON(e)) {
    case SSL_R_WRONG_VERSION_NUMBER: return " (the other side does not seem to speak TLS on this port)";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_VERSION_TOO_LOW: return " (no TLS version in common: old machines need a lower tls_min)";
    case SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
      return " (the machine lacks secure renegotiation, RFC 5746: it needs tls_min = 1.0)";
    case SSL_R_EE_KEY_TOO_SMALL:
    case SSL_R_DH_KEY_TOO_SMALL: return " (an old machine: it needs tls_min = 1.0)";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE: return " (it wants a client certificate: tls_cert, tls_key)";
    default: return "";
  }
}

}  // namespace

struct Engine::State {
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    // A connection that ends without our close_notify (a reset) would make OpenSSL forbid its session's resumption, a
    // rule that TLS 1.1 dropped. After a TLS error the session stays forbidden.
    if (ssl && handshake_done && (!failed || error.code == Errc::Closed))
      SSL_set_shutdown(ssl.get(), SSL_SENT_SHUTDOWN);
  }

  std::unique_ptr<Outbox> box;  // on a descriptor whose records the kernel does not do; outlives ssl
  SslPtr ssl;
  BIO* rbio = nullptr;  // of ssl
  BIO* wbio = nullptr;
  int fd = -1;
  bool failed = false;
  bool handshake_done = false;
  bool shutdown_sent = false;
  Error error{Errc::System, ""};
  int system_error = 0;
  SessionPtr session;
  bool held_to_1_2 = false;  // offers no TLS 1.3, since the session to resume is older
  std::size_t owed = 0;      // taken by OpenSSL from the last write(), not yet reported as taken

  /// Server or client, as the context is.
  void take_side(const Context& context);
  Status fail(Errc code, std::string detail) {
    failed = true;
    error = Error{code, std::move(detail)};
    return Status::Failed;
  }
  Status judge(int ret, int saved_errno);
  /// Sends what the box holds: Done, WantWrite or Failed.
  Status send(bool more = false);
};

namespace {

int state_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int on_new_session(SSL* ssl, SSL_SESSION* session) noexcept {
  auto* slot = static_cast<SessionPtr*>(SSL_get_ex_data(ssl, state_index()));
  if (slot == nullptr) return 0;
  *slot = SessionPtr(session, &SSL_SESSION_free);
  return 1;  // the reference is ours now
}

}  // namespace

/// What a call that did not succeed means.
Status Engine::State::judge(int ret, int saved_errno) {
  const unsigned long top = ERR_peek_last_error();
  switch (SSL_get_error(ssl.get(), ret)) {
    case SSL_ERROR_WANT_READ: return Status::WantRead;
    case SSL_ERROR_WANT_WRITE: return Status::WantWrite;
    case SSL_ERROR_ZERO_RETURN: return Status::Closed;
    case SSL_ERROR_SYSCALL:
      ERR_clear_error();
      if (saved_errno == 0) return fail(Errc::Closed, "the connection ended inside TLS");
      system_error = saved_errno;
      return fail(saved_errno == ETIMEDOUT ? Errc::Timeout : Errc::Closed, std::strerror(saved_errno));
    default: break;
  }
  if (ERR_GET_LIB(top) == ERR_LIB_SSL && ERR_GET_REASON(top) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    return fail(Errc::Closed, handshake_done ? "the connection ended without a close_notify"
                                             : "the connection was closed during the TLS handshake");
  }
  const std::string hint = advice(top);
  // Whoever waits for a handshake says that it was TLS; later on the reader could not know.
  return fail(Errc::Refused, (handshake_done ? "TLS: " : "") + take_reason("unknown error") + hint);
}

Status Engine::State::send(bool more) {
  if (!box || box->empty()) return Status::Done;
  const int number = box->send(more);
  if (number == 0) return Status::Done;
  if (number == EAGAIN) return Status::WantWrite;
  box->clear();
  if (failed) return Status::Failed;  // the first reason is the better one
  system_error = number;
  return fail(number == ETIMEDOUT ? Errc::Timeout : Errc::Closed, std::strerror(number));
}

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

void Engine::State::take_side(const Context& context) {
  if (context.is_server()) {
    SSL_set_accept_state(ssl.get());
  } else {
    SSL_set_connect_state(ssl.get());
    SSL_set_ex_data(ssl.get(), state_index(), &session);
  }
}

Result<Engine> Engine::on_fd(const Context& context, int fd) {
  auto state = std::make_unique<State>();
  state->ssl.reset(SSL_new(context.native()));
  bool made = state->ssl && SSL_set_fd(state->ssl.get(), fd) == 1;
  if (made && (SSL_get_options(state->ssl.get()) & SSL_OP_ENABLE_KTLS) == 0) {
    state->box = std::make_unique<Outbox>(fd);
    BioPtr out = state->box->bio();
    made = out != nullptr;
    SSL_set0_wbio(state->ssl.get(), out.release());
    SSL_set_read_ahead(state->ssl.get(), 1);
  }
  if (!made) return Error{Errc::System, "no TLS connection: " + take_reason("out of memory")};
  state->fd = fd;
  state->rbio = SSL_get_rbio(state->ssl.get());
  state->wbio = SSL_get_wbio(state->ssl.get());
  state->take_side(context);
  return Engine(std::move(state));
}

Result<Engine> Engine::in_memory(const Context& context) {
  auto state = std::make_unique<State>();
  state->ssl.reset(SSL_new(context.native()));
  BioPtr in(BIO_new(BIO_s_mem()));
  BioPtr out(BIO_new(BIO_s_mem()));
  if (!state->ssl || !in || !out) return Error{Errc::System, "no TLS connection: " + take_reason("out of memory")};
  BIO_set_mem_eof_return(in.get(), -1);  // empty is "wait", not "end"
  state->rbio = in.release();
  state->wbio = out.release();
  SSL_set_bio(state->ssl.get(), state->rbio, state->wbio);
  state->take_side(context);
  return Engine(std::move(state));
}

void Engine::resume(const SessionPtr& session) {
  if (!session) return;
  SSL* ssl = state_->ssl.get();
  SSL_set_session(ssl, session.get());
  // To offer TLS 1.3 takes a key share, half the work of a resumed handshake, which a server that resumes an older
  // session throws away.
  const auto max = SSL_get_max_proto_version(ssl);
  if (SSL_SESSION_get_protocol_version(session.get()) <= TLS1_2_VERSION && (max == 0 || max > TLS1_2_VERSION)) {
    state_->held_to_1_2 = SSL_set_max_proto_version(ssl, TLS1_2_VERSION) == 1;
  }
}

SessionPtr Engine::session() const {
  if (state_->held_to_1_2 && !resumed()) return nullptr;
  return state_->session;
}

bool Engine::resumed() const {
  return SSL_session_reused(state_->ssl.get()) == 1;
}

Status Engine::handshake() {
  State& s = *state_;
  if (s.failed) return Status::Failed;
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const int r = SSL_do_handshake(s.ssl.get());
    if (r == 1) break;
    Status status = s.judge(r, errno);
    if (status == Status::Closed) status = s.fail(Errc::Closed, "closed during the TLS handshake");
    const Status sent = s.send();  // a flight, or the alert that says why not
    if (status == Status::Failed || sent != Status::Done) return sent == Status::Done ? status : sent;
    if (status != Status::WantWrite || !s.box) return status;
  }
  if (!s.handshake_done) {
    s.handshake_done = true;
    if (s.fd >= 0 && !ktls_recv()) {
      SSL_set_read_ahead(s.ssl.get(), 1);
      SSL_set_default_read_buffer_len(s.ssl.get(), kReadAhead);
    }
  }
  return Status::Done;
}

bool Engine::handshake_done() const {
  return state_->handshake_done;
}

IoResult Engine::read(MutableBytes to) {
  State& s = *state_;
  if (s.failed) return {Status::Failed, 0};
  std::size_t total = 0;
  while (total < to.size()) {
    std::size_t n = 0;
    ERR_clear_error();
    errno = 0;
    const int r = SSL_read_ex(s.ssl.get(), to.data() + total, to.size() - total, &n);
    if (r != 1) {
      // With something in hand the end or the error comes again with the next call.
      const Status status = s.judge(r, errno);
      if (total == 0) {
        if (s.owed == 0) (void)s.send();  // an alert, or the answer to a key update
        return {status, 0};
      }
      break;
    }
    total += n;
    if (SSL_has_pending(s.ssl.get()) == 0) break;
  }
  if (s.owed == 0) (void)s.send();
  return {Status::Done, total};
}

Status Engine::flush() {
  return state_->failed ? Status::Failed : state_->send();
}

bool Engine::has_unsent() const {
  return state_->box && !state_->box->empty();
}

IoResult Engine::write(Bytes from, std::size_t record) {
  State& s = *state_;
  if (s.failed) return {Status::Failed, 0};
  if (s.owed > 0) {
    const Status sent = s.send();
    return {sent, sent == Status::Done ? std::exchange(s.owed, 0) : 0};
  }
  if (s.box && !s.box->has_room()) {
    if (const Status sent = s.send(); sent != Status::Done) return {sent, 0};
  }
  std::size_t total = 0;
  Status status = Status::Done;
  // A write(2) a record without the box. (MSG_MORE between them cost a third more time on the relay's CPU.)
  while (total < from.size() && (!s.box || s.box->has_room())) {
    const std::size_t n = std::min({kRecord, record, from.size() - total});
    std::size_t taken = 0;
    ERR_clear_error();
    errno = 0;
    const int r = SSL_write_ex(s.ssl.get(), from.data() + total, n, &taken);
    if (r != 1) {
      status = s.judge(r, errno);
      break;
    }
    total += taken;
  }
  // What is in the box is encrypted and cannot be taken back, but it is reported when the socket has it: so nothing
  // is lost by whoever closes after a write.
  const Status sent = s.send();
  if (total == 0) return {status, 0};
  if (sent == Status::Done) return {Status::Done, total};
  s.owed = total;
  return {sent, 0};
}

bool Engine::has_pending() const {
  return SSL_has_pending(state_->ssl.get()) == 1;
}

Status Engine::shutdown() {
  State& s = *state_;
  if (s.failed) return Status::Failed;
  if (const Status sent = s.send(); sent != Status::Done) return sent;
  // OpenSSL's own flag says that it was meant to be sent; and asked once more, SSL_shutdown() would read.
  if (!s.handshake_done || s.shutdown_sent) return Status::Done;
  ERR_clear_error();
  errno = 0;
  const int r = SSL_shutdown(s.ssl.get());
  if (r < 0) return s.judge(r, errno);
  s.shutdown_sent = true;
  return s.send(true);  // the end of the TCP direction follows
}

bool Engine::ktls_send() const {
  return BIO_get_ktls_send(state_->wbio);
}

bool Engine::ktls_recv() const {
  return BIO_get_ktls_recv(state_->rbio);
}

const Error& Engine::error() const {
  return state_->error;
}

int Engine::system_error() const {
  return state_->system_error;
}

std::vector<Certificate> Engine::peer_chain() const {
  std::vector<Certificate> out;
  const auto add = [&out](X509* cert) {
    const int n = i2d_X509(cert, nullptr);
    if (n <= 0) return;
    Buffer der(static_cast<std::size_t>(n));
    unsigned char* at = der.data();
    i2d_X509(cert, &at);
    out.emplace_back(std::move(der));
  };
  const SSL* ssl = state_->ssl.get();
  X509* leaf = SSL_get0_peer_certificate(ssl);
  if (leaf == nullptr) return out;
  add(leaf);
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  // On a client the chain begins with the leaf itself, on a server it does not.
  for (int i = SSL_is_server(ssl) == 1 ? 0 : 1; chain != nullptr && i < sk_X509_num(chain); ++i) {
    add(sk_X509_value(chain, i));
  }
  return out;
}

std::string Engine::version() const {
  return state_->handshake_done ? SSL_get_version(state_->ssl.get()) : "";
}

std::string Engine::cipher() const {
  const SSL_CIPHER* c = SSL_get_current_cipher(state_->ssl.get());
  return state_->handshake_done && c != nullptr ? SSL_CIPHER_get_name(c) : "";
}

void Engine::feed(Bytes in) {
  std::size_t n = 0;
  if (!in.empty()) BIO_write_ex(state_->rbio, in.data(), in.size(), &n);
}

Buffer Engine::take_output() {
  Buffer out(BIO_ctrl_pending(state_->wbio));
  std::size_t n = 0;
  if (!out.empty()) BIO_read_ex(state_->wbio, out.data(), out.size(), &n);
  out.resize(n);
  return out;
}

namespace detail {
void remember_sessions(SSL_CTX* ctx) {
  SSL_CTX_sess_set_new_cb(ctx, &on_new_session);
}
}  // namespace detail

}  // namespace amtgate::tls
