#include "amtgate/redir/framing.h"

#include <algorithm>

#include "amtgate/base/reader.h"
#include "amtgate/redir/messages.h"

namespace amtgate::redir {
namespace {

/// A message's length is `fixed`, plus the integer of `size` bytes (little-endian) at `at`, when `size` is not 0.
struct Shape {
  std::uint8_t type;
  std::uint8_t fixed;
  std::uint8_t at = 0;
  std::uint8_t size = 0;
};

constexpr Shape kSolClient[] = {{0x12, 4}, {0x20, 24}, {0x22, 8},        {0x24, 8},
                                {0x25, 8}, {0x27, 14}, {0x28, 10, 8, 2}, {0x2b, 8}};
constexpr Shape kSolDevice[] = {{0x21, 23}, {0x23, 8}, {0x24, 8}, {0x25, 8}, {0x29, 10}, {0x2a, 10, 8, 2}, {0x2b, 8}};
constexpr Shape kIderClient[] = {{0x12, 4}, {0x40, 18}, {0x42, 8},  {0x44, 8},  {0x45, 8},       {0x47, 8},
                                 {0x48, 0}, {0x4b, 8},  {0x51, 31}, {0x52, 31}, {0x54, 34, 9, 2}};
constexpr Shape kIderDevice[] = {{0x41, 30, 29, 1}, {0x43, 8},  {0x44, 8}, {0x45, 8},  {0x46, 9},
                                 {0x49, 13},        {0x4a, 11}, {0x4b, 8}, {0x50, 28}, {0x53, 14, 9, 2}};

std::span<const Shape> shapes(Service service, Direction direction) {
  const bool client = direction == Direction::FromClient;
  if (service == Service::Sol) return client ? std::span<const Shape>(kSolClient) : kSolDevice;
  if (service == Service::Ider) return client ? std::span<const Shape>(kIderClient) : kIderDevice;
  return {};
}

using Length = std::optional<std::size_t>;

}  // namespace

Result<Length> next_message(Bytes in, Direction direction) {
  if (in.empty()) return Length{};
  const bool client = direction == Direction::FromClient;
  const auto type = static_cast<MessageType>(in[0]);
  if (client && type == MessageType::Start) return Length{kStartLength};
  if (client && type == MessageType::End) return Length{kEndLength};
  if (!client && type == MessageType::StartReply) {
    if (in.size() < kStartReplyLength) return Length{};
    return Length{kStartReplyLength + in[kStartReplyLength - 1]};
  }
  if (type == (client ? MessageType::Authenticate : MessageType::AuthenticateReply)) {
    if (in.size() < kAuthHeader) return Length{};
    const std::size_t length = Reader(in.subspan(5)).le32();
    if (length > kMaxRelayedAuth) {
      return Error{Errc::TooLarge, "authentication data of " + std::to_string(length) + " bytes; at most " +
                                       std::to_string(kMaxRelayedAuth) + " are relayed"};
    }
    return Length{kAuthHeader + length};
  }
  return Error{Errc::Unsupported, "no redirection message of the " + std::string(client ? "client" : "device") +
                                      " begins with " + describe_byte(in[0])};
}

bool is_login_success(Bytes message) {
  return message.size() >= kAuthHeader && message[0] == static_cast<std::uint8_t>(MessageType::AuthenticateReply) &&
         message[1] == static_cast<std::uint8_t>(AuthStatus::Success) &&
         message[4] != static_cast<std::uint8_t>(AuthMethod::Query);
}

Result<Length> next_service_message(Bytes in, Service service, Direction direction) {
  if (in.empty()) return Length{};
  const std::span<const Shape> table = shapes(service, direction);
  const auto shape = std::ranges::find(table, in[0], &Shape::type);
  if (shape == table.end()) {
    return Error{Errc::Unsupported, "unknown " + std::string(name(service)) + " message " + describe_byte(in[0])};
  }
  if (shape->fixed == 0) {  // 0x48: the value is absent when the type at 8 only asks
    if (in.size() < 9) return Length{};
    return Length{in[8] == 1 || in[8] == 2 ? 9U : 13U};
  }
  if (shape->size == 0) return Length{shape->fixed};
  if (in.size() < std::size_t{shape->at} + shape->size) return Length{};
  std::size_t length = shape->fixed + std::size_t{in[shape->at]};
  if (shape->size == 2) length += std::size_t{in[shape->at + 1U]} << 8;
  return Length{length};
}

bool discards_rest(std::uint8_t type) {
  switch (type) {
    case 0x14:
    case 0x21:
    case 0x23:
    case 0x29:
    case 0x41:
    case 0x46:
    case 0x49:
    case 0x50: return true;
    default: return false;
  }
}

void MessageCutter::feed(Bytes in) {
  in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(at_));
  at_ = 0;
  append(in_, in);
}

Result<std::optional<Bytes>> MessageCutter::next() {
  const Bytes left = Bytes(in_).subspan(at_);
  const Result<Length> length = next_service_message(left, service_, direction_);
  if (!length) return length.error();
  if (!*length || **length > left.size()) return std::optional<Bytes>{};
  at_ += **length;
  return std::optional<Bytes>{left.first(**length)};
}

Buffer MessageCutter::take_rest() {
  Buffer out(in_.begin() + static_cast<std::ptrdiff_t>(at_), in_.end());
  in_.clear();
  at_ = 0;
  return out;
}

}  // namespace amtgate::redir
