#include "amtgate/setupbin/variables.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "amtgate/base/hex.h"
#include "amtgate/base/inet.h"
#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"

namespace amtgate::setupbin {
namespace {

constexpr Word kOffOn[] = {{"off", 0}, {"on", 1}};
constexpr Word kManageabilityWords[] = {{"none", 0}, {"amt", 1}};
constexpr Word kUpdate[] = {{"off", 0}, {"on", 1}, {"password", 2}};
constexpr Word kQualifier[] = {{"always", 0}, {"never", 1}, {"restricted", 2}};
constexpr Word kUserCertificates[] = {{"off", 0}, {"on", 1}, {"delete", 2}};
constexpr Word kSolIder[] = {{"none", 0}, {"sol", 1}, {"ider", 2}, {"login", 4}};
constexpr Word kDhcp[] = {{"off", 1}, {"on", 2}};
constexpr Word kFqdn[] = {{"dedicated", 0}, {"shared", 1}};
constexpr Word kConsent[] = {{"none", 0}, {"kvm", 1}, {"all", 255}};
constexpr Word kStartStop[] = {{"stop", 0}, {"start", 1}};
constexpr Word kSetup[] = {{"automatic", 0}, {"manual", 1}};
constexpr Word kService[] = {{"reactive", 1}, {"proactive", 2}, {"one-time", 4}};

// No writer has a 2/9. Of 15, 19, 20 and 21 nobody says how their bytes are laid out.
constexpr std::array kVariables = {
    Variable{{1, 1}, "current-mebx-password", Kind::Text, {}, 0, 32, true, "admin in a PC as it left the factory"},
    Variable{{1, 2}, "new-mebx-password", Kind::Text, {}, 0, 32, true, "AMT's own, too: 8 to 32 characters"},
    Variable{{1, 3}, "manageability", Kind::Number8, kManageabilityWords, 0, 255, false, "AMT on or off"},
    Variable{{1, 4}, "local-firmware-update", Kind::Number8, kUpdate, 0, 255, false, "by programs on the PC"},
    Variable{{1, 5}, "firmware-update-qualifier", Kind::Number8, kQualifier, 0, 255, false, "when that is allowed"},
    Variable{{1, 6}, "power-package", Kind::Guid, {}, 0, 16, false, "when AMT answers; AMT 2.1, 3 and 4"},
    Variable{{2, 1}, "psk-id", Kind::Text, {}, 8, 8, false, "PID of a pre-shared key"},
    Variable{{2, 2}, "psk", Kind::Text, {}, 32, 32, true, "PPS: the pre-shared key"},
    Variable{{2, 3}, "pki-dns-suffix", Kind::Text, {}, 0, 255, false, "the configuration server's domain"},
    Variable{{2, 4}, "configuration-server", Kind::Text, {}, 0, 255, false, "its name"},
    Variable{{2, 5}, "remote-configuration", Kind::Number8, kOffOn, 0, 255, false, "set up by a server"},
    Variable{{2, 6}, "built-in-certificates", Kind::Number8, kOffOn, 0, 255, false, "public authorities count"},
    Variable{{2, 7}, "user-certificates", Kind::Number8, kUserCertificates, 0, 255, false, "own ones count"},
    Variable{{2, 8}, "certificate-hash", Kind::Hash, {}, 0, 82, false, "of an own authority: sha256:HEX:NAME"},
    Variable{{2, 10}, "redirection", Kind::Bits8, kSolIder, 0, 255, false, "sol+ider; login: password method"},
    Variable{{2, 11}, "host-name", Kind::Text, {}, 0, 63, false, "of the PC"},
    Variable{{2, 12}, "domain", Kind::Text, {}, 0, 255, false, "of the PC"},
    Variable{{2, 13}, "dhcp", Kind::Number8, kDhcp, 0, 255, false, "its address"},
    Variable{{2, 14}, "secure-firmware-update", Kind::Number8, kOffOn, 0, 255, false, "over the network"},
    Variable{{2, 15}, "idle-time-out", Kind::Binary, {}, 0, 488, false, "ITO; bytes"},
    // The table of words has 0 enterprise and 1 small business; the comment beside it 1 and 2. So: a number.
    Variable{{2, 16}, "provisioning-mode", Kind::Number8, {}, 0, 255, false, "a number: sources differ on them"},
    Variable{{2, 17}, "server-address", Kind::Ipv4, {}, 0, 4, false, "the configuration server's"},
    Variable{{2, 18}, "server-port", Kind::Number16, {}, 0, 65535, false, "its port, usually 9971"},
    Variable{{2, 19}, "static-ipv4", Kind::Binary, {}, 0, 488, false, "bytes"},
    Variable{{2, 20}, "vlan", Kind::Binary, {}, 0, 488, false, "bytes"},
    Variable{{2, 21}, "password-policy", Kind::Binary, {}, 0, 488, false, "bytes"},
    Variable{{2, 22}, "ipv6", Kind::Binary, {}, 0, 204, false, "204 bytes, newer 84; from version 3 on"},
    Variable{{2, 23}, "fqdn", Kind::Number8, kFqdn, 0, 255, false, "AMT's name is the system's; with host-name"},
    Variable{{2, 24}, "dynamic-dns", Kind::Number8, kOffOn, 0, 255, false, "AMT tells DNS its address"},
    Variable{{2, 25}, "kvm", Kind::Number8, kOffOn, 0, 255, false, "the screen"},
    Variable{{2, 26}, "consent", Kind::Number8, kConsent, 0, 255, false, "a user has to consent"},
    Variable{{2, 27}, "remote-consent", Kind::Number8, kOffOn, 0, 255, false, "that may be changed remotely"},
    Variable{{2, 28}, "provisioning", Kind::Number8, kStartStop, 0, 255, false, "setting up by a server"},
    Variable{{2, 29}, "setup-type", Kind::Number8, kSetup, 0, 255, false, "manual: set up by this file alone"},
    Variable{{2, 30}, "support-channel", Kind::Number32, {}, 1, 65535, false, "a number"},
    Variable{{2, 31}, "support-channel-name", Kind::Text, {}, 0, 60, false, "of who stands behind it"},
    Variable{{2, 32}, "account-number", Kind::Text, {}, 0, 32, false, "with a service provider"},
    Variable{{2, 33}, "enrolment-passcode", Kind::Text, {}, 0, 32, true, "with a service provider"},
    Variable{{2, 34}, "service-type", Kind::Number32, kService, 0, 0xffffffff, false, "of a service provider"},
    Variable{{2, 35}, "service-provider", Kind::Guid, {}, 0, 16, false, "its identifier"},
};

struct Algorithm {
  std::string_view name;
  std::uint8_t number;
  std::size_t bytes;
};
constexpr Algorithm kAlgorithms[] = {{"sha1", 1, 20}, {"sha256", 2, 32}, {"sha384", 3, 48}};
constexpr std::size_t kMaxHashName = 32;
constexpr std::string_view kHex = "hex:";

Error wrong(const Variable& v, std::string_view text, const std::string& why) {
  const std::string shown = v.secret ? std::string() : " '" + std::string(text) + "'";
  return Error{Errc::BadValue, std::string(v.name) + shown + ": " + why};
}

template <class T>
std::optional<T> number(std::string_view text) {
  T n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

bool printable(Bytes bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t b) { return b >= 0x20 && b < 0x7f; });
}

std::size_t width(Kind kind) {
  return kind == Kind::Number32 ? 4 : kind == Kind::Number16 ? 2 : 1;
}

std::string words_of(const Variable& v) {
  std::string out;
  for (const Word& w : v.words) out += (out.empty() ? "" : ", ") + std::string(w.text);
  return out;
}

Result<Buffer> encode_number(const Variable& v, std::string_view text) {
  std::optional<std::uint32_t> n;
  for (const Word& w : v.words) {
    if (w.text == text) n = w.value;
  }
  if (!n) n = number<std::uint32_t>(text);
  if (!n || *n < v.least || *n > v.most) {
    return wrong(v, text,
                 v.words.empty() ? "a number from " + std::to_string(v.least) + " to " + std::to_string(v.most)
                                 : "one of " + words_of(v) + ", or a number");
  }
  Buffer out;
  for (std::size_t i = 0; i < width(v.kind); ++i) out.push_back(static_cast<std::uint8_t>(*n >> 8 * i & 0xff));
  return out;
}

Result<Buffer> encode_bits(const Variable& v, std::string_view text) {
  if (const auto n = number<std::uint8_t>(text)) return Buffer{*n};
  std::uint32_t bits = 0;
  for (std::string_view rest = text;;) {
    const std::size_t plus = rest.find('+');
    const auto word = std::ranges::find(v.words, rest.substr(0, plus), &Word::text);
    if (word == v.words.end())
      return wrong(v, text, "one of " + words_of(v) + " or several with + between, or a number");
    bits |= word->value;
    if (plus == std::string_view::npos) break;
    rest.remove_prefix(plus + 1);
  }
  return Buffer{static_cast<std::uint8_t>(bits)};
}

/// Where each byte of the text's order stands among those of the file: its own inverse.
constexpr std::array<std::size_t, 16> kGuidOrder = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

Result<Buffer> encode_guid(const Variable& v, std::string_view text) {
  std::string digits(text);
  std::erase(digits, '-');
  const Result<Buffer> bytes = from_hex(digits);
  if (!bytes || bytes->size() != 16) return wrong(v, text, "a GUID has 32 hexadecimal digits");
  Buffer out;
  for (const std::size_t at : kGuidOrder) out.push_back((*bytes)[at]);
  return out;
}

std::string guid_text(Bytes value) {
  Buffer bytes;
  for (const std::size_t at : kGuidOrder) bytes.push_back(value[at]);
  std::string out = to_hex(bytes);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) out.insert(at, 1, '-');
  return out;
}

Result<Buffer> encode_hash(const Variable& v, std::string_view text) {
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos) return wrong(v, text, "ALGORITHM:HEX:NAME, as in sha256:0123...:My CA");
  const auto algorithm = std::ranges::find(kAlgorithms, text.substr(0, first), &Algorithm::name);
  if (algorithm == std::end(kAlgorithms)) return wrong(v, text, "the algorithm is sha1, sha256 or sha384");
  const Result<Buffer> hash = from_hex(text.substr(first + 1, second - first - 1));
  if (!hash || hash->size() != algorithm->bytes) {
    return wrong(v, text, "a hash of that kind has " + std::to_string(algorithm->bytes * 2) + " hexadecimal digits");
  }
  const std::string_view name = text.substr(second + 1);
  if (name.size() > kMaxHashName) return wrong(v, text, "the name has at most 32 characters");
  if (!printable(as_bytes(name))) return wrong(v, text, "the name is of ASCII");
  Buffer out;
  Writer(out).u8(algorithm->number).bytes(*hash).len8(name);
  return out;
}

std::optional<std::string> hash_text(Bytes value) {
  Reader in(value);
  const auto algorithm = std::ranges::find(kAlgorithms, in.u8(), &Algorithm::number);
  if (algorithm == std::end(kAlgorithms)) return std::nullopt;
  const Bytes hash = in.take(algorithm->bytes);
  const Bytes name = in.take_len8();
  if (!in.done()) return std::nullopt;
  return std::string(algorithm->name) + ":" + to_hex(hash) + ":" + std::string(as_text(name));
}

std::optional<std::string> words(const Variable& v, Bytes value) {
  switch (v.kind) {
    case Kind::Text: return printable(value) ? std::optional(std::string(as_text(value))) : std::nullopt;
    case Kind::Number8:
    case Kind::Number16:
    case Kind::Number32: {
      if (value.size() != width(v.kind)) return std::nullopt;
      std::uint32_t n = 0;
      for (std::size_t i = value.size(); i-- > 0;) n = n << 8 | value[i];
      const auto word = std::ranges::find(v.words, n, &Word::value);
      return word == v.words.end() ? std::to_string(n) : std::string(word->text);
    }
    case Kind::Bits8: {
      if (value.size() != 1) return std::nullopt;
      std::string out;
      for (const Word& w : v.words) {
        if (w.value != 0 && (value[0] & w.value) != 0) out += (out.empty() ? "" : "+") + std::string(w.text);
      }
      if (value[0] == 0) return "none";
      return value[0] > 7 ? std::to_string(value[0]) : out;
    }
    case Kind::Guid: return value.size() == 16 ? std::optional(guid_text(value)) : std::nullopt;
    case Kind::Ipv4:
      if (value.size() != 4) return std::nullopt;
      return IpAddress::v4({value[3], value[2], value[1], value[0]}).to_string();
    case Kind::Hash: return hash_text(value);
    case Kind::Binary: return std::nullopt;
  }
  return std::nullopt;
}

Result<Buffer> encode_known(const Variable& v, std::string_view text) {
  switch (v.kind) {
    case Kind::Text: {
      if (!printable(as_bytes(text))) return wrong(v, text, "characters of ASCII only");
      if (text.size() < v.least || text.size() > v.most) {
        const std::string most = std::to_string(v.most);
        return wrong(v, text,
                     v.least == v.most ? "it has " + most + " characters" : "at most " + most + " characters");
      }
      return Buffer(text.begin(), text.end());
    }
    case Kind::Number8:
    case Kind::Number16:
    case Kind::Number32: return encode_number(v, text);
    case Kind::Bits8: return encode_bits(v, text);
    case Kind::Guid: return encode_guid(v, text);
    case Kind::Ipv4: {
      const Result<IpAddress> address = IpAddress::parse(text);
      if (!address || !address->is_v4()) return wrong(v, text, "an IPv4 address");
      const auto b = address->bytes();
      return Buffer{b[3], b[2], b[1], b[0]};
    }
    case Kind::Hash: return encode_hash(v, text);
    case Kind::Binary: break;
  }
  return wrong(v, text, "only its bytes are known: hex: and digits");
}

/// Letters that two words have in the same places, from their beginning.
std::size_t common(std::string_view a, std::string_view b) {
  std::size_t n = 0;
  while (n < a.size() && n < b.size() && a[n] == b[n]) ++n;
  return n;
}

}  // namespace

std::span<const Variable> variables() {
  return kVariables;
}

const Variable* find(VariableId id) {
  const auto found = std::ranges::find(kVariables, id, &Variable::id);
  return found == kVariables.end() ? nullptr : &*found;
}

Result<VariableId> parse_id(std::string_view text) {
  const auto named = std::ranges::find(kVariables, text, &Variable::name);
  if (named != kVariables.end()) return named->id;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto module = number<std::uint16_t>(text.substr(0, slash));
    const auto id = number<std::uint16_t>(text.substr(slash + 1));
    if (module && id && *module != 0 && *id != 0) return VariableId{*module, *id};
  }
  std::string near;
  for (const Variable& v : kVariables) {
    const bool inside = text.size() > 2 && v.name.find(text) != std::string_view::npos;
    if (inside || common(v.name, text) > 2) near += (near.empty() ? "; perhaps " : ", ") + std::string(v.name);
  }
  return Error{Errc::BadValue, "no variable '" + std::string(text) + "' (a name, or MODULE/NUMBER)" + near};
}

std::string name_of(VariableId id) {
  const Variable* v = find(id);
  return v ? std::string(v->name) : std::to_string(id.module) + "/" + std::to_string(id.id);
}

std::string to_text(VariableId id, Bytes value) {
  if (const Variable* v = find(id)) {
    if (const auto text = words(*v, value)) {
      const Result<Buffer> again = encode(id, *text);
      if (again && std::ranges::equal(*again, value)) return *text;
    }
  }
  return std::string(kHex) + to_hex(value);
}

Result<Buffer> encode(VariableId id, std::string_view text) {
  const Variable* v = find(id);
  if (text.starts_with(kHex)) {
    Result<Buffer> bytes = from_hex(text.substr(kHex.size()));
    if (!bytes) return Error{Errc::BadValue, name_of(id) + ": " + bytes.error().detail};
    if (bytes->size() > 0xffff) return Error{Errc::TooLarge, name_of(id) + ": more than 65535 bytes"};
    return bytes;
  }
  if (v == nullptr) return Error{Errc::BadValue, name_of(id) + ": only bytes are known of it: hex: and digits"};
  return encode_known(*v, text);
}

}  // namespace amtgate::setupbin
