#include "amtgate/gateway/carry.h"

#include "amtgate/redir/framing.h"

namespace amtgate::gateway {
namespace {

/// amtterm and amtider throw away what they read together with certain messages; they read as soon as something is
/// there, so a pause of this length keeps the next message out of that read.
constexpr Duration kPause = milliseconds(50);

/// A SOL or IDE-R device's messages, each one write.
class MessageTransform final : public net::Transform {
 public:
  MessageTransform(Service service, Duration pause)
      : service_(service), cutter_(service, redir::Direction::FromDevice), pause_(pause) {}

  Result<void> feed(Bytes in, TimePoint) override {
    if (blind_) {
      append(rest_, in);
    } else {
      cutter_.feed(in);
    }
    return {};
  }

  /// SOL's 0x23 and IDE-R's 0x43, end of the session: amtterm and amtider say so and leave; other clients just
  /// disconnect.
  Buffer farewell() override {
    if (blind_) return {};
    return {static_cast<std::uint8_t>(service_ == Service::Sol ? 0x23 : 0x43), 0, 0, 0, 0, 0, 0, 0};
  }

  std::optional<net::Transform::Piece> next() override {
    if (!blind_) {
      auto message = cutter_.next();
      if (message && *message) {
        const Bytes bytes = **message;
        return Piece{bytes, redir::discards_rest(bytes[0]) ? pause_ : Duration::zero()};
      }
      if (message) return std::nullopt;
      // A message that nobody has written down: its end is unknowable, so the rest goes as it is.
      blind_ = true;
      rest_ = cutter_.take_rest();
    }
    if (rest_.empty()) return std::nullopt;
    given_.swap(rest_);
    rest_.clear();
    return Piece{given_, Duration::zero()};
  }

  void finish() override {
    if (blind_) return;
    blind_ = true;
    rest_ = cutter_.take_rest();
  }

 private:
  Service service_;
  redir::MessageCutter cutter_;
  Duration pause_;
  bool blind_ = false;
  Buffer rest_;
  Buffer given_;
};

}  // namespace

std::unique_ptr<net::Transform> make_transform(session::Carry carry, bool client_has_records) {
  const Duration pause = client_has_records ? Duration::zero() : kPause;
  switch (carry) {
    case session::Carry::Splice: return nullptr;
    case session::Carry::SolMessages: return std::make_unique<MessageTransform>(Service::Sol, pause);
    case session::Carry::IderMessages: return std::make_unique<MessageTransform>(Service::Ider, pause);
  }
  return nullptr;
}

}  // namespace amtgate::gateway
