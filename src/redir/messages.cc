#include "amtgate/redir/messages.h"

#include <algorithm>
#include <cassert>

#include "amtgate/base/hex.h"
#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"

namespace amtgate::redir {
namespace {

constexpr std::array<char, 4> kSolTag = {'S', 'O', 'L', ' '};
constexpr std::array<char, 4> kIderTag = {'I', 'D', 'E', 'R'};
constexpr std::array<char, 4> kKvmTag = {'K', 'V', 'M', 'R'};

Error unexpected(std::string_view expected, std::uint8_t got) {
  return Error{Errc::Unsupported, "expected " + std::string(expected) + ", got " + describe_byte(got)};
}

/// A whole 0x13 or 0x14 at the front, type included; taken off.
Result<std::optional<Bytes>> take_auth_frame(Bytes& in, MessageType type, std::string_view what,
                                             std::size_t max_data) {
  if (in.empty()) return std::optional<Bytes>{};
  if (in[0] != static_cast<std::uint8_t>(type)) return unexpected(what, in[0]);
  if (in.size() < kAuthHeader) return std::optional<Bytes>{};
  Reader r(in.subspan(5));
  const std::size_t length = r.le32();
  if (length > max_data) {
    return Error{Errc::TooLarge, std::string(what) + " announces " + std::to_string(length) +
                                     " bytes of data; at most " + std::to_string(max_data) + " are taken"};
  }
  if (length > in.size() - kAuthHeader) return std::optional<Bytes>{};
  const Bytes frame = in.first(kAuthHeader + length);
  in = in.subspan(frame.size());
  return std::optional<Bytes>{frame};
}

Result<void> fits(std::initializer_list<std::string_view> fields) {
  for (const std::string_view f : fields) {
    if (f.size() > 255)
      return Error{Errc::TooLarge, "an authentication field has " + std::to_string(f.size()) + " bytes; 255 fit"};
  }
  return {};
}

bool has_digest_data(AuthMethod m) {
  return m == AuthMethod::Digest || m == AuthMethod::DigestOld;
}

}  // namespace

std::string method_name(AuthMethod method) {
  switch (method) {
    case AuthMethod::Query: return "query";
    case AuthMethod::Password: return "password";
    case AuthMethod::Kerberos: return "kerberos";
    case AuthMethod::DigestOld: return "digest-old";
    case AuthMethod::Digest: return "digest";
  }
  return "method " + std::to_string(static_cast<unsigned>(method));
}

std::string describe(StartStatus status) {
  switch (status) {
    case StartStatus::Success: return "success";
    case StartStatus::UnknownType: return "unknown type of session";
    case StartStatus::Busy: return "busy: another session of this kind is open";
    case StartStatus::Unsupported: return "unsupported: the feature is off or missing";
    case StartStatus::ConsentRequired: return "the user at the machine must consent first";
    case StartStatus::Error: return "internal error";
  }
  return "status " + std::to_string(static_cast<unsigned>(status));
}

std::string describe_byte(std::uint8_t byte) {
  std::string out = "0x" + to_hex(Bytes(&byte, 1));
  if (byte > 0x20 && byte < 0x7f) out += std::string(" '") + static_cast<char>(byte) + "'";
  switch (byte) {
    case 'G':
    case 'P':
    case 'H': out += " (HTTP?)"; break;
    case 'R': out += " (RFB?)"; break;
    case 'S': out += " (SSH?)"; break;
    case 0x16: out += " (TLS?)"; break;
    case 0x15: out += " (TLS alert?)"; break;
    default: break;
  }
  return out;
}

std::optional<Service> StartSession::service() const {
  if (tag == kSolTag) return Service::Sol;
  if (tag == kIderTag) return Service::Ider;
  if (tag == kKvmTag) return Service::Vnc;
  return std::nullopt;
}

StartSession StartSession::of(Service service) {
  if (service == Service::Vnc) return {kKvmTag, 1};
  return {service == Service::Ider ? kIderTag : kSolTag, 0};
}

Result<std::optional<StartSession>> take_start(Bytes& in) {
  if (in.empty()) return std::optional<StartSession>{};
  if (in[0] != static_cast<std::uint8_t>(MessageType::Start))
    return unexpected("StartRedirectionSession 0x10", in[0]);
  if (in.size() < kStartLength) return std::optional<StartSession>{};
  StartSession m;
  m.flags = in[1];
  std::ranges::copy(as_text(in.subspan(4, 4)), m.tag.begin());
  in = in.subspan(kStartLength);
  return std::optional<StartSession>{m};
}

void encode(Buffer& out, const StartSession& m) {
  Writer(out)
      .u8(static_cast<unsigned>(MessageType::Start))
      .u8(m.flags)
      .zeros(2)
      .text(std::string_view(m.tag.data(), m.tag.size()));
}

Result<std::optional<StartReply>> take_start_reply(Bytes& in) {
  if (in.empty()) return std::optional<StartReply>{};
  if (in[0] != static_cast<std::uint8_t>(MessageType::StartReply)) {
    return unexpected("StartRedirectionSessionReply 0x11", in[0]);
  }
  if (in.size() < kStartReplyMinimum) return std::optional<StartReply>{};
  StartReply m{static_cast<StartStatus>(in[1]), {}};
  if (m.status != StartStatus::Success) {
    std::size_t length = std::min(in.size(), kStartReplyLength);
    if (in.size() >= kStartReplyLength) length = std::min(in.size(), length + in[kStartReplyLength - 1]);
    in = in.subspan(length);
    return std::optional<StartReply>{m};
  }
  if (in.size() < kStartReplyLength) return std::optional<StartReply>{};
  const std::size_t oem = in[kStartReplyLength - 1];
  if (oem > in.size() - kStartReplyLength) return std::optional<StartReply>{};
  m.oem = in.subspan(kStartReplyLength, oem);
  in = in.subspan(kStartReplyLength + oem);
  return std::optional<StartReply>{m};
}

void encode(Buffer& out, const StartReply& m) {
  Writer(out)
      .u8(static_cast<unsigned>(MessageType::StartReply))
      .u8(static_cast<unsigned>(m.status))
      .zeros(10)
      .len8(as_text(m.oem));
}

void encode_end(Buffer& out) {
  Writer(out).u8(static_cast<unsigned>(MessageType::End)).zeros(3);
}

Result<std::optional<Authenticate>> take_authenticate(Bytes& in, std::size_t max_data) {
  const auto frame = take_auth_frame(in, MessageType::Authenticate, "AuthenticateSession 0x13", max_data);
  if (!frame) return frame.error();
  if (!*frame) return std::optional<Authenticate>{};
  const Bytes f = **frame;
  return std::optional<Authenticate>{{static_cast<AuthMethod>(f[4]), f.subspan(kAuthHeader)}};
}

void encode(Buffer& out, const Authenticate& m) {
  Writer(out)
      .u8(static_cast<unsigned>(MessageType::Authenticate))
      .zeros(3)
      .u8(static_cast<unsigned>(m.method))
      .le32(static_cast<std::uint32_t>(m.data.size()))
      .bytes(m.data);
}

Result<std::optional<AuthenticateReply>> take_authenticate_reply(Bytes& in, std::size_t max_data) {
  const auto frame = take_auth_frame(in, MessageType::AuthenticateReply, "AuthenticateSessionReply 0x14", max_data);
  if (!frame) return frame.error();
  if (!*frame) return std::optional<AuthenticateReply>{};
  const Bytes f = **frame;
  return std::optional<AuthenticateReply>{
      {static_cast<AuthStatus>(f[1]), static_cast<AuthMethod>(f[4]), f.subspan(kAuthHeader)}};
}

void encode(Buffer& out, const AuthenticateReply& m) {
  Writer(out)
      .u8(static_cast<unsigned>(MessageType::AuthenticateReply))
      .u8(static_cast<unsigned>(m.status))
      .zeros(2)
      .u8(static_cast<unsigned>(m.method))
      .le32(static_cast<std::uint32_t>(m.data.size()))
      .bytes(m.data);
}

Result<PasswordData> parse_password(Bytes data) {
  Reader r(data);
  const PasswordData d{as_text(r.take_len8()), as_text(r.take_len8())};
  if (!r.done())
    return Error{Errc::BadValue, "user/password data of " + std::to_string(data.size()) + " bytes is malformed"};
  return d;
}

Result<Buffer> encode_password(const PasswordData& d) {
  if (const auto ok = fits({d.user, d.password}); !ok) return ok.error();
  Buffer out;
  Writer(out).len8(d.user).len8(d.password);
  return out;
}

Result<DigestData> parse_digest(AuthMethod method, Bytes data) {
  if (!has_digest_data(method)) return Error{Errc::BadValue, method_name(method) + " has no digest data"};
  Reader r(data);
  const auto field = [&r] { return as_text(r.take_len8()); };
  DigestData d;
  d.user = field();
  d.realm = field();
  d.nonce = field();
  d.uri = field();
  d.cnonce = field();
  d.nc = field();
  d.response = field();
  if (method == AuthMethod::Digest) d.qop = field();
  if (!r.done())
    return Error{Errc::BadValue, "digest data of " + std::to_string(data.size()) + " bytes is malformed"};
  return d;
}

Result<Buffer> encode_digest(AuthMethod method, const DigestData& d) {
  assert(has_digest_data(method));
  if (const auto ok = fits({d.user, d.realm, d.nonce, d.uri, d.cnonce, d.nc, d.response, d.qop}); !ok)
    return ok.error();
  Buffer out;
  Writer w(out);
  w.len8(d.user).len8(d.realm).len8(d.nonce).len8(d.uri).len8(d.cnonce).len8(d.nc).len8(d.response);
  if (method == AuthMethod::Digest) w.len8(d.qop);
  return out;
}

Result<Challenge> parse_challenge(AuthMethod method, Bytes data) {
  if (!has_digest_data(method)) return Error{Errc::BadValue, method_name(method) + " has no challenge"};
  Reader r(data);
  Challenge c;
  c.realm = as_text(r.take_len8());
  c.nonce = as_text(r.take_len8());
  if (method == AuthMethod::Digest) c.qop = as_text(r.take_len8());
  // Bytes behind the fields are let through: firmware may add fields, and a relay of our own need not care.
  if (r.failed()) return Error{Errc::BadValue, "challenge of " + std::to_string(data.size()) + " bytes is malformed"};
  return c;
}

Result<Buffer> encode_challenge(AuthMethod method, const Challenge& c) {
  assert(has_digest_data(method));
  if (const auto ok = fits({c.realm, c.nonce, c.qop}); !ok) return ok.error();
  Buffer out;
  Writer w(out);
  w.len8(c.realm).len8(c.nonce);
  if (method == AuthMethod::Digest) w.len8(c.qop);
  return out;
}

}  // namespace amtgate::redir
