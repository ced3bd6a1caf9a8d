// A hostile device and two hostile viewers against one SharedScreen. Byte 0 picks the options; then records: the two
// upper bits of a byte say whose bytes follow (0 the device's, 1 and 2 a viewer's) and the lower six how many; 3:
// something else happens (the lower bits: what). Bytes are taken from a viewer only now and then.
#include <algorithm>
#include <cstdlib>

#include "amtgate/session/shared_screen.h"
#include "tests/support/counting_random.h"

using namespace amtgate;
using namespace amtgate::session;

namespace {

/// An update of the largest size and what a few keys bring.
constexpr std::size_t kMaxViewerOutput = 4U << 20U;

std::shared_ptr<const rfb::KeyboardLayout> german() {
  static const auto layout = rfb::KeyboardLayout::load("de");
  return layout ? *layout : nullptr;
}

ScreenOptions options_of(unsigned choice) {
  ScreenOptions o;
  o.name = "pc1";
  o.share = static_cast<Share>(choice % 3);
  o.reconnect = (choice & 4) == 0;
  if (choice & 8) o.frame_buffer_limit = 10'000;
  if (choice & 16) o.keyboard = german();
  return o;
}

class Room {
 public:
  explicit Room(unsigned choice) : screen_(options_of(choice), random_) {
    if (choice & 32) viewer_.password = "secret12";
    enter(0);
    enter(1);
  }

  void run(Bytes in) {
    while (!in.empty()) {
      const unsigned control = in[0];
      const Bytes part = in.subspan(1, control >> 6 == 3 ? 0 : std::min<std::size_t>(control & 63, in.size() - 1));
      in = in.subspan(1 + part.size());
      now_ += milliseconds(5);
      switch (control >> 6) {
        case 0:
          if (device_) screen_.receive_device(part, now_);
          break;
        case 1:
        case 2: screen_.receive_viewer(ids_[(control >> 6) - 1], part, now_); break;
        default: other(control & 63); break;
      }
      owner();
      if (const auto due = screen_.deadline(); due && now_ >= *due) {
        screen_.tick(now_);
        owner();
      }
    }
  }

 private:
  void enter(unsigned who) {
    ids_[who] = ViewerId{++last_};
    screen_.add_viewer(ids_[who], viewer_, "192.0.2.9", now_);
  }

  void other(unsigned what) {
    const unsigned who = what & 1;
    switch (what >> 1) {
      case 0: take(who, SIZE_MAX); break;
      case 1: take(who, 100); break;
      case 2:
        screen_.remove_viewer(ids_[who], now_);
        enter(who);
        break;
      case 3: static_cast<void>(screen_.give(ids_[who], now_)); break;
      case 4: screen_.end_viewer(ids_[who], {Errc::Refused, "not you"}, now_); break;
      case 5:
        if (device_) closed({who ? Errc::Closed : Errc::Timeout, "pc1 closed the connection"});
        break;
      case 6:
        if (asked_) {
          asked_ = false;
          // 5: the consent of its user is missing.
          screen_.device_failed({{Errc::Unreachable, "pc1 does not answer"}, static_cast<std::uint8_t>(who ? 5 : 0)},
                                now_);
        }
        break;
      case 7: open(as_bytes(who ? std::string_view("RFB 004.000\n\2\1\200") : std::string_view())); break;
      case 8: open(kOpening); break;
      case 9: screen_.device_sent(screen_.device_output().size(), now_); break;
      case 10: now_ += seconds(who ? 70 : 2); break;
      default:
        if (const auto due = screen_.deadline()) now_ = std::max(now_, *due);
        break;
    }
  }

  void open(Bytes rest) {
    if (!asked_) return;
    asked_ = false;
    device_ = true;
    screen_.device_opened(rest, now_);
  }
  void closed(const Error& why) {
    device_ = false;
    screen_.device_closed(why, now_);
  }

  void take(unsigned who, std::size_t most) {
    // What is sent makes room for more, which a viewer that asks ahead may get at once.
    for (int i = 0; i < 100 && !screen_.viewer_output(ids_[who]).empty(); ++i) {
      screen_.viewer_sent(ids_[who], std::min(most, screen_.viewer_output(ids_[who]).size()), now_);
    }
  }

  void owner() {
    std::size_t events = 0;
    while (const auto e = screen_.next_event()) {
      if (++events > 10'000) std::abort();
      if (std::holds_alternative<SharedScreen::NeedDevice>(*e)) {
        if (device_ || asked_) std::abort();  // AMT has one session
        asked_ = true;
      } else if (std::holds_alternative<SharedScreen::DropDevice>(*e)) {
        device_ = asked_ = false;
      }
    }
    for (const ViewerId id : ids_) {
      if (screen_.viewer_output(id).size() > kMaxViewerOutput) std::abort();
    }
    if (screen_.device_output().size() > 2 * rfb::ClientRole::kMaxOutput) std::abort();
    if (!device_ && !screen_.device_output().empty()) std::abort();
  }

  /// None, accepted, and a screen of 64x48 named "AMT".
  static constexpr std::uint8_t kOpening[] = {
      'R', 'F', 'B', ' ', '0', '0', '3', '.', '0', '0', '8', '\n', 1, 1, 0, 0, 0, 0, 0, 64,  0,   48, 16,
      16,  0,   1,   0,   31,  0,   63,  0,   31,  11,  5,   0,    0, 0, 0, 0, 0, 0, 3, 'A', 'M', 'T'};

  TimePoint now_{seconds(1)};
  test::CountingRandom random_;
  ViewerOptions viewer_;
  SharedScreen screen_;
  ViewerId ids_[2];
  std::uint64_t last_ = 0;
  bool device_ = false, asked_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Room(data[0]).run(Bytes(data + 1, size - 1));
  return 0;
}
