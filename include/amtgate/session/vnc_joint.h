// VncJoint: a VNC viewer on port 5900 joined to a device's KVM session as it is (vnc_mode = splice; translated
// screens are SharedScreen's), or refused. RFB's opening is done on both sides: the viewer gets the version that it
// speaks whatever AMT greets with, and waits at the last point where a refusal can be put into words until the
// device's screen is there.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "amtgate/auth/random.h"
#include "amtgate/base/machine.h"
#include "amtgate/rfb/client_handshake.h"
#include "amtgate/rfb/server_handshake.h"
#include "amtgate/session/joint.h"

namespace amtgate::session {

class VncJoint final : public Joint {
 public:
  /// `password`: asked of the viewer (vnc_security = password).
  VncJoint(const std::optional<std::string>& password, auth::RandomSource& random, TimePoint now);

  void receive_client(Bytes in, TimePoint now) override;
  void receive_device(Bytes in, TimePoint now) override;
  Bytes client_output() const override;
  void client_sent(std::size_t n) override;
  Bytes device_output() const override { return device_ ? device_->output() : Bytes{}; }
  void device_sent(std::size_t n) override { device_->sent(n); }
  std::optional<Event> next_event() override;
  void device_opened(Bytes rest, TimePoint now) override;
  void device_failed(const DeviceFailure& failure, TimePoint now) override;
  void fail(const Error& error, TimePoint now) override;
  std::optional<TimePoint> deadline() const override;
  void tick(TimePoint now) override;

 private:
  enum class State {
    Viewer,     // up to the viewer's security choice
    Device,     // waiting for device_opened()
    DeviceRfb,  // RFB's opening towards the device
    Accepted,   // SecurityResult, ClientInit and ServerInit towards the viewer
    Refusing,   // fail() is being put into words
    Over,
  };

  void drain_viewer();
  void drain_device(TimePoint now);
  void refuse(Error error, TimePoint now);
  void end(Error error);

  State state_ = State::Viewer;
  rfb::ServerHandshake viewer_;
  std::optional<rfb::ClientHandshake> device_;
  std::optional<Error> error_;  // Refusing: why
  Buffer server_init_;          // as it goes to the viewer
  Outbox to_client_;            // behind the handshake's output
  Buffer from_device_;
  std::deque<Event> events_;
};

}  // namespace amtgate::session
