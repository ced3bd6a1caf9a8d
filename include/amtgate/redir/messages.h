// The redirection session's own messages, the same for SOL, IDE-R and KVM: start, authentication, end. Integers are
// little-endian. Reserved bytes are written as zero and never looked at: amtider leaves garbage in them.
//
// take_x() takes one message off the front of `in`: empty when `in` is only a prefix of one, and then `in` is
// unchanged. Views in what they return point into `in`. Source unless a message says otherwise: amtterm
// RedirectionConstants.h, MeshCommander amt-redir-ws-0.1.0.js, ui-toolkit AMTRedirector.ts, which agree; no public
// specification exists.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/base/service.h"

namespace amtgate::redir {

enum class MessageType : std::uint8_t {
  Start = 0x10,
  StartReply = 0x11,
  End = 0x12,
  Authenticate = 0x13,
  AuthenticateReply = 0x14,
};

/// Byte 1 of 0x11. Others occur: keep the number.
enum class StartStatus : std::uint8_t {
  Success = 0,
  UnknownType = 1,
  Busy = 2,             // the one session of that kind is taken
  Unsupported = 3,      // the feature is off or missing
  ConsentRequired = 5,  // MeshCommander only
  Error = 0xff,
};

/// Byte 1 of 0x14.
enum class AuthStatus : std::uint8_t { Success = 0, Failure = 1, Unsupported = 2 };

/// Byte 4 of 0x13 and 0x14.
enum class AuthMethod : std::uint8_t {
  Query = 0,
  Password = 1,   // user and password in clear
  Kerberos = 2,   // a ticket; empty from clients that an HTTP login has authenticated already
  DigestOld = 3,  // RFC 2069 style
  Digest = 4,     // RFC 2617, qop=auth
};

/// "query", "password", "kerberos", "digest-old", "digest", or "method N".
std::string method_name(AuthMethod method);
/// What a person should read: "busy: another session of this kind is open", ...
std::string describe(StartStatus status);

/// Authentication data longer than this ends the connection. Digest data is at most 8 * 256 bytes; Kerberos tickets
/// may be longer, which only a relay needs (see framing.h).
inline constexpr std::size_t kMaxAuthData = 4096;
/// Method ids in a query's answer; there are five methods.
inline constexpr std::size_t kMaxMethods = 32;

inline constexpr std::size_t kStartLength = 8;
inline constexpr std::size_t kStartReplyLength = 13;  // without OEM data
inline constexpr std::size_t kStartReplyMinimum = 4;  // what clients need of a refusal
inline constexpr std::size_t kEndLength = 4;
inline constexpr std::size_t kAuthHeader = 9;
inline constexpr std::size_t kKvmOpenLength = 8;

/// StartRedirectionSession, client to device, 8 bytes:
///   0 type 0x10 | 1 0, or 1 with KVMR (meaning unknown) | 2..3 0 | 4..7 "SOL ", "IDER" or "KVMR"
struct StartSession {
  std::array<char, 4> tag{};
  std::uint8_t flags = 0;

  /// Vnc for KVMR; nothing for an unknown tag.
  std::optional<Service> service() const;
  static StartSession of(Service service);
};
/// Errors: Unsupported when the first byte is another ("expected StartRedirectionSession 0x10, got 0x47 'G'
/// (HTTP?)").
Result<std::optional<StartSession>> take_start(Bytes& in);
void encode(Buffer& out, const StartSession& m);

/// StartRedirectionSessionReply, device to client, 13 + n bytes:
///   0 type 0x11 | 1 status | 2..11 unparsed by every client | 12 n | 13 n bytes of OEM data
/// A refusal may be cut short after 4 bytes. Servers send n = 0: amtterm leaves OEM bytes in its buffer and then
/// aborts.
struct StartReply {
  StartStatus status = StartStatus::Success;
  Bytes oem;
};
/// A refusal (status other than 0) is taken as soon as 4 bytes of it are there; the rest of it, as far as it has
/// arrived, is taken with it. Errors: Unsupported for another first byte.
Result<std::optional<StartReply>> take_start_reply(Bytes& in);
void encode(Buffer& out, const StartReply& m);

/// EndRedirectionSession, client to device, 4 bytes: 0x12 0 0 0. No reply.
void encode_end(Buffer& out);

/// AuthenticateSession, client to device, 9 + L bytes:
///   0 type 0x13 | 1..3 0 | 4 method | 5..8 L, LE32 | 9 data
struct Authenticate {
  AuthMethod method = AuthMethod::Query;
  Bytes data;
};
/// Errors: Unsupported for another first byte; TooLarge for L over `max_data`.
Result<std::optional<Authenticate>> take_authenticate(Bytes& in, std::size_t max_data = kMaxAuthData);
void encode(Buffer& out, const Authenticate& m);

/// AuthenticateSessionReply, device to client: as 0x13 with type 0x14 and the status in byte 1. Its data is the list
/// of methods (query, one byte each) or the challenge (status 1, digest). A success must be exactly 9 bytes for
/// hamtsolo.
struct AuthenticateReply {
  AuthStatus status = AuthStatus::Success;
  AuthMethod method = AuthMethod::Query;
  Bytes data;
};
/// Errors: as take_authenticate().
Result<std::optional<AuthenticateReply>> take_authenticate_reply(Bytes& in, std::size_t max_data = kMaxAuthData);
void encode(Buffer& out, const AuthenticateReply& m);

/// Method 1 data: len8 user, len8 password.
struct PasswordData {
  std::string_view user;
  std::string_view password;
};
/// Errors: BadValue (fields run past the end, or bytes behind them).
Result<PasswordData> parse_password(Bytes data);
/// Errors: TooLarge when a field is over 255 bytes.
Result<Buffer> encode_password(const PasswordData& d);

/// Digest data of method 3 (without qop) and 4, each field with a length byte before it, in this order. In the first
/// message only user and uri are set (ui-toolkit: neither); the second answers the challenge.
struct DigestData {
  std::string_view user, realm, nonce, uri, cnonce, nc, response, qop;
};
/// Errors: BadValue (as above, or a method without digest data).
Result<DigestData> parse_digest(AuthMethod method, Bytes data);
/// Errors: TooLarge when a field is over 255 bytes.
Result<Buffer> encode_digest(AuthMethod method, const DigestData& d);

/// Challenge data of 0x14 status 1: len8 realm, len8 nonce, and for method 4 len8 qop (a list is possible).
struct Challenge {
  std::string_view realm, nonce, qop;
};
/// Errors: BadValue.
Result<Challenge> parse_challenge(AuthMethod method, Bytes data);
/// Errors: TooLarge when a field is over 255 bytes.
Result<Buffer> encode_challenge(AuthMethod method, const Challenge& c);

/// "0x47 'G' (HTTP?)": a byte where another was expected, with a guess at what speaks there.
std::string describe_byte(std::uint8_t byte);

}  // namespace amtgate::redir
