// Host: the simulated machine on sockets: its listeners, its connections (links), its log.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "amtgate/auth/random.h"
#include "amtgate/net/listen.h"
#include "amtgate/net/loop.h"
#include "amtgate/sim/machine_side.h"
#include "amtgate/simhost/event_log.h"
#include "amtgate/simhost/rmcp_door.h"
#include "amtgate/simhost/settings.h"
#include "amtgate/tls/certificate.h"
#include "amtgate/tls/context.h"

namespace amtgate::simhost {

class Link;

class Host {
 public:
  /// Reads the files, makes the certificate unless it gets one, listens. Errors: what could not be done, naming file
  /// or endpoint.
  static Result<std::unique_ptr<Host>> open(net::Loop& loop, Settings settings,
                                            const std::optional<tls::KeyPair>& certificate = {});
  /// As a machine of that profile makes one.
  static Result<tls::KeyPair> make_certificate(const sim::Profile& profile);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  /// "redirection=16994 redirection-tls=16995 rfb=5900 web=16992 …", the doors that are open, with the ports they
  /// really have.
  std::string ports() const;
  const Settings& settings() const { return settings_; }
  /// Ends every connection in order; the doors close.
  void shutdown();
  /// Writes the frame file as the screen is now.
  void dump_frame();
  /// The user at the machine consents to KVM.
  void give_consent();
  /// What every IDE-R drive came to, one line each, for the end of the program.
  const std::vector<std::string>& reports() const { return reports_; }

  // For links.
  net::Loop& loop() { return loop_; }
  sim::MachineState& machine() { return machine_; }
  void log(std::uint64_t connection, const std::string& fields);
  /// The context of the next TLS connection: always the same one, or with --wrong-cert another each time.
  Result<tls::Context> next_context();
  /// Where client certificates are demanded: whether this one's bearer gets in.
  bool lets_in(Bytes client_certificate) { return sim::lets_in(machine_.management().tls(), client_certificate); }
  void rebooted();
  void mode_changed();
  void doors_changed();
  /// Writes the frame file, if there is one and a viewer has been sent a picture since.
  void write_frame();
  /// The link has closed its socket; it dies at the end of the loop's turn.
  void gone(std::uint64_t id);

 private:
  struct DoorState {
    sim::Door door;
    Port port;
    std::unique_ptr<net::Listener> listener;
  };

  Host(net::Loop& loop, Settings settings, EventLog log);
  Result<void> prepare_tls(const std::optional<tls::KeyPair>& certificate);
  /// What the management says of TLS now.
  void take_over_tls();
  bool is_open(sim::Door door);
  Result<void> listen(DoorState& door);
  Result<void> listen_for_pings();
  void wake_all();
  void write_ppm(std::uint32_t frame, const rfb::PixelFormat& format);
  /// False: one port is taken; it is tried again.
  bool listen_all();
  void open_doors();
  void accept(sim::Door door, net::Accepted accepted);

  net::Loop& loop_;
  Settings settings_;
  auth::SystemRandom random_;
  sim::MachineState machine_;
  EventLog log_;
  tls::ServerPolicy policy_;
  std::optional<tls::Context> context_;
  sim::TlsService served_;
  std::vector<DoorState> doors_;
  std::unique_ptr<RmcpDoor> rmcp_;  // null: silent
  net::Timer boot_timer_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Link>> links_;
  std::uint64_t last_id_ = 0;
  std::vector<std::string> reports_;
};

}  // namespace amtgate::simhost
