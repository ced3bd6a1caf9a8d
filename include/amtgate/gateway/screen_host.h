// ScreenHost: the edge around a session::SharedScreen: the link to the device, the timer, and the flows that look on.
// One for a machine whose screen is being looked at; all of its viewers are on the shard that it lives on.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "amtgate/auth/random.h"
#include "amtgate/config/config.h"
#include "amtgate/device/link.h"
#include "amtgate/gateway/directory.h"
#include "amtgate/gateway/screen_recorder.h"
#include "amtgate/net/loop.h"
#include "amtgate/session/shared_screen.h"

namespace amtgate::gateway {

class Shard;

class ScreenHost {
 public:
  /// A viewer's flow. Called from pump() and from the loop, never from inside the other calls.
  class Client {
   public:
    virtual ~Client() = default;
    /// Its output has to go out, then TLS with the gateway as server, then tls_started().
    virtual void screen_start_tls() = 0;
    virtual void screen_known(const session::SharedScreen::ViewerKnown& who) = 0;
    virtual void screen_joined() = 0;
    /// It is over; what is left of output() may be flushed. Calls detach().
    virtual void screen_ended(const Error& error) = 0;
    /// There may be output, or takes() is true again.
    virtual void screen_output() = 0;
  };

  /// `destination`: what the first viewer aimed at, for machines whose AMT is at the address itself.
  ScreenHost(Shard& shard, std::string key, std::shared_ptr<const config::Target> target, IpAddress destination);
  ~ScreenHost();
  ScreenHost(const ScreenHost&) = delete;
  ScreenHost& operator=(const ScreenHost&) = delete;

  void attach(Client& client, session::ViewerId id, const session::ViewerOptions& options, const std::string& who);
  void detach(session::ViewerId id);
  /// False: it must not be read from now; screen_output() comes when that has changed.
  bool takes(session::ViewerId id);
  void receive(session::ViewerId id, Bytes in);
  Bytes output(session::ViewerId id) const { return screen_.viewer_output(id); }
  void sent(session::ViewerId id, std::size_t n);
  void tls_started(session::ViewerId id);
  void end(session::ViewerId id, const Error& why);
  Result<void> give(session::ViewerId id);
  /// Gives how many viewers it has.
  std::size_t park(const std::string& what, Duration lease);
  void unpark();
  /// Carries out what has become due: events, the device's bytes, the timer. After every receive(), sent(), end().
  void pump();

  const std::string& key() const { return key_; }
  bool types(session::ViewerId id) const { return screen_.typist() == id; }
  Endpoint device() const { return link_.tried(); }
  const std::string& tls() const { return link_.tls(); }
  const std::string& trust() const { return link_.trust(); }
  /// How far the last attempt to reach the device came.
  const std::string& stage() const { return link_.stage(); }

 private:
  void handle(const session::SharedScreen::NeedDevice& need);
  void handle(const session::SharedScreen::DropDevice& drop);
  void handle(const session::SharedScreen::ViewerStartTls& start);
  void handle(const session::SharedScreen::ViewerKnown& known);
  void handle(const session::SharedScreen::ViewerJoined& joined);
  void handle(const session::SharedScreen::ViewerEnded& ended);
  void handle(const session::SharedScreen::DeviceLost& lost);
  void handle(const session::SharedScreen::DeviceBack& back);
  void handle_events();
  void record(session::ViewerId id);
  Client* find(session::ViewerId id);

  Shard& shard_;
  const std::string key_;
  std::shared_ptr<const config::Target> target_;
  const IpAddress destination_;
  session::SharedScreen screen_;
  device::Link<session::SharedScreen, ScreenHost> link_;
  std::map<session::ViewerId, Client*> clients_;
  std::map<session::ViewerId, Onlooker> people_;  // the clients that are no scripts
  std::unique_ptr<ScreenRecorder> recorder_;      // while somebody looks on and `record` has vnc
  std::set<session::ViewerId> held_;              // were told that they are not taken from
  net::Timer timer_;
  bool pumping_ = false;
  bool again_ = false;
};

}  // namespace amtgate::gateway
