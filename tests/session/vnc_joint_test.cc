#include "amtgate/session/vnc_joint.h"

#include <gtest/gtest.h>

#include "amtgate/rfb/client_handshake.h"

namespace amtgate::session {
namespace {

const TimePoint kNow{seconds(100)};

class ZeroRandom final : public auth::RandomSource {
 public:
  void fill(MutableBytes out) override { std::fill(out.begin(), out.end(), std::uint8_t{7}); }
};

/// A viewer, a joint and AMT's side of RFB, in memory.
struct Vnc {
  explicit Vnc(const std::optional<std::string>& password = {}, rfb::ClientHandshake::Options viewer_options = {},
               rfb::Greeting greeting = rfb::Greeting::V4_0)
      : joint(password, random, kNow), viewer(std::move(viewer_options), kNow), amt(amt_options(greeting), kNow) {}

  static rfb::ServerHandshake::Options amt_options(rfb::Greeting greeting) {
    rfb::ServerHandshake::Options o;
    o.greeting = greeting;
    o.extra_types = {128};
    return o;
  }

  void run() {
    for (bool moved = true; moved;) {
      moved = false;
      while (!viewer.output().empty()) {
        const Buffer out(viewer.output().begin(), viewer.output().end());
        viewer.sent(out.size());
        joint.receive_client(out, kNow);
        moved = true;
      }
      while (!joint.client_output().empty()) {
        const Buffer out(joint.client_output().begin(), joint.client_output().end());
        joint.client_sent(out.size());
        const Result<void> taken = viewer.receive(out, kNow);
        if (!taken) viewer_error = taken.error();
        moved = true;
      }
      while (auto event = joint.next_event()) {
        moved = true;
        if (std::holds_alternative<NeedDevice>(*event)) {
          ++asked;
          if (answer_device) device_there();
        } else if (auto* who = std::get_if<ClientKnown>(&*event)) {
          known = *who;
        } else if (auto* h = std::get_if<HandOff>(&*event)) {
          hand_off = std::move(*h);
        } else {
          end = std::get<End>(*event);
        }
      }
      while (!joint.device_output().empty()) {
        const Buffer out(joint.device_output().begin(), joint.device_output().end());
        joint.device_sent(out.size());
        EXPECT_TRUE(amt.receive(out, kNow));
        moved = true;
      }
      while (auto event = amt.next_event()) {
        if (std::holds_alternative<rfb::ServerHandshake::ViewerReady>(*event)) {
          EXPECT_TRUE(amt.accept(kNow));
        }
        if (std::holds_alternative<rfb::ServerHandshake::Done>(*event) && screen) {
          Buffer init;
          rfb::write_server_init(init, {{1024, 768}, rfb::kRgb565, "Intel(r) AMT KVM"});
          joint.receive_device(init, kNow);
        }
        moved = true;
      }
      while (device_is_there && !amt.output().empty()) {
        const Buffer out(amt.output().begin(), amt.output().end());
        amt.sent(out.size());
        joint.receive_device(out, kNow);
        moved = true;
      }
      while (auto event = viewer.next_event()) {
        if (auto* ready = std::get_if<rfb::ClientHandshake::Ready>(&*event)) seen = ready->init;
        moved = true;
      }
    }
  }

  void device_there() {
    device_is_there = true;
    // AMT's greeting comes glued to its 0x41.
    const Buffer greeting(amt.output().begin(), amt.output().end());
    amt.sent(greeting.size());
    joint.device_opened(greeting, kNow);
  }

  ZeroRandom random;
  VncJoint joint;
  rfb::ClientHandshake viewer;
  rfb::ServerHandshake amt;
  bool answer_device = true;
  bool device_is_there = false;
  bool screen = true;
  int asked = 0;
  std::optional<ClientKnown> known;
  std::optional<HandOff> hand_off;
  std::optional<End> end;
  std::optional<rfb::ServerInit> seen;
  std::optional<Error> viewer_error;
};

TEST(VncJoint, JoinsWhateverAmtGreetsWith) {
  for (const auto greeting : {rfb::Greeting::V4_0, rfb::Greeting::V3_8}) {
    Vnc v({}, {}, greeting);
    v.run();
    ASSERT_TRUE(v.hand_off);
    EXPECT_EQ(v.hand_off->from_device, Carry::Splice);
    ASSERT_TRUE(v.seen);
    EXPECT_EQ(v.seen->name, "Intel(r) AMT KVM");
    EXPECT_EQ(v.seen->size.width, 1024);
    EXPECT_EQ(v.seen->format, rfb::kRgb565);
    ASSERT_TRUE(v.known);
    EXPECT_EQ(v.known->method, "none");
  }
}

TEST(VncJoint, TheDeviceIsAskedForOnceTheViewerIsIn) {
  rfb::ClientHandshake::Options wrong;
  wrong.password = "secret13";
  Vnc refused("secret12", wrong);
  refused.run();
  EXPECT_EQ(refused.asked, 0);
  ASSERT_TRUE(refused.end);
  EXPECT_EQ(refused.end->error.code, Errc::AuthFailed);
  ASSERT_TRUE(refused.viewer_error);

  rfb::ClientHandshake::Options right;
  right.password = "secret12";
  Vnc let_in("secret12", right);
  let_in.run();
  EXPECT_EQ(let_in.asked, 1);
  EXPECT_TRUE(let_in.hand_off);
  EXPECT_EQ(let_in.known->method, "vnc-password");
}

TEST(VncJoint, SaysInTheViewerWhyTheDeviceCannotBeHad) {
  Vnc v;
  v.answer_device = false;
  v.run();
  ASSERT_EQ(v.asked, 1);
  v.joint.device_failed({{Errc::Busy, "pc1: somebody else has the screen"}, 2}, kNow);
  v.run();
  ASSERT_TRUE(v.viewer_error);
  EXPECT_NE(v.viewer_error->detail.find("somebody else has the screen"), std::string::npos);
  ASSERT_TRUE(v.end);
  EXPECT_EQ(v.end->error.code, Errc::Busy);
}

TEST(VncJoint, ADeviceThatClosesBeforeItsScreenIsExplained) {
  Vnc v;
  v.screen = false;
  v.run();
  EXPECT_FALSE(v.hand_off);
  v.joint.fail({Errc::Closed, "pc1 closed the connection"}, kNow);
  v.run();
  ASSERT_TRUE(v.viewer_error);
  EXPECT_NE(v.viewer_error->detail.find("display"), std::string::npos) << v.viewer_error->detail;
}

TEST(VncJoint, PolicyRefusesBeforeTheFirstByte) {
  ZeroRandom random;
  VncJoint joint(std::nullopt, random, kNow);
  joint.fail({Errc::Refused, "192.0.2.9 may not use pc1"}, kNow);
  rfb::ClientHandshake viewer({}, kNow);
  std::optional<Error> error;
  for (int i = 0; i < 4; ++i) {
    const Buffer down(joint.client_output().begin(), joint.client_output().end());
    joint.client_sent(down.size());
    if (const Result<void> taken = viewer.receive(down, kNow); !taken && !error) error = taken.error();
    const Buffer up(viewer.output().begin(), viewer.output().end());
    viewer.sent(up.size());
    joint.receive_client(up, kNow);
  }
  ASSERT_TRUE(error);
  EXPECT_NE(error->detail.find("may not use pc1"), std::string::npos);
  const auto end = joint.next_event();
  ASSERT_TRUE(end);
  EXPECT_TRUE(std::holds_alternative<End>(*end));
}

TEST(VncJoint, ASilentDeviceEndsAtItsDeadline) {
  Vnc v;
  v.screen = false;
  v.run();
  ASSERT_TRUE(v.joint.deadline());
  v.joint.tick(*v.joint.deadline());
  v.run();
  ASSERT_TRUE(v.viewer_error);
  ASSERT_TRUE(v.end);
  EXPECT_EQ(v.end->error.code, Errc::Timeout);
}

}  // namespace
}  // namespace amtgate::session
