// The configuration as one plain immutable struct. Every default is visible here as a member initialiser;
// conf/amtgate.conf and amtgate.conf(5) say the same, and tests compare the three.
//
// config/parse.h turns text into it; config/load.h reads the files. A reload builds a new one for new sessions.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/base/service.h"

namespace amtgate::config {

/// A secret: compares and copies like text, but has no way into a stream or a format string by accident.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};

/// Where something is: an address or a network, or a name that is resolved while running.
using Host = std::variant<Network, std::string>;

enum class LogLevel { Error, Warn, Info, Debug };
enum class InterceptMode { Tproxy, Redirect };
enum class Classify { Queue, All };
enum class FailMode { Open, Closed };
enum class TlsMode { Auto, Yes, No };
enum class TlsVersion { V1_0, V1_1, V1_2, V1_3 };
enum class Denied { Refuse, Pass };
enum class TlsPorts { Terminate, Pass };
enum class ClientAuth { None, Users, Passthrough };
enum class WsmanOnly { No, Read };
enum class VncMode { Translate, Splice };
enum class VncSecurity { None, Password, Tls };
enum class VncShare { No, Yes, View };

/// Where a machine's serial console is served to programs that know nothing of AMT.
struct SerialDoor {
  enum class Kind { Tcp, Telnet, Pty };
  Kind kind = Kind::Tcp;
  Endpoint at{};       // Tcp, Telnet
  std::string path{};  // Pty: a symbolic link to it stands here
  bool operator==(const SerialDoor&) const = default;
};
/// As it is written: "tcp:127.0.0.1:7001", "telnet:[::1]:7002", "pty:/run/amtgate/tty/pc1".
std::string to_string(const SerialDoor& door);

struct Gateway {
  std::string user = "amtgate";
  unsigned workers = 0;  // event loops; 0 = one per CPU
  std::string control = "/run/amtgate/control.sock";
  bool control_users = false;  // accounts of this host that are users have their roles there
  std::string state = "/var/lib/amtgate";
  std::string users = "/etc/amtgate/users";
  std::string cert;  // PEM files; both empty: STATE/gateway-cert.pem and -key.pem, made at first start
  std::string key;
  Secret cert_text;  // what those files hold, read by load.h; empty while nothing is configured
  Secret key_text;
  Secret users_text;  // empty when there is no such file and no target needs it
  std::optional<Endpoint> metrics = *Endpoint::parse("127.0.0.1:9623");  // nullopt = off
  LogLevel log_level = LogLevel::Info;
  std::uint64_t record_limit = 10ULL << 30;             // bytes of all recordings
  unsigned record_days = 0;                             // older ones go; 0 = none
  std::uint64_t image_cache = std::uint64_t{8} << 30U;  // bytes of images from web servers kept in the state folder
  std::string image_ca;                                 // PEM; empty = the system's
  std::string image_ca_text;                            // what that file holds, read by load.h
};

struct Intercept {
  InterceptMode mode = InterceptMode::Tproxy;
  std::vector<Port> ports = {Port{5900}, Port{16994}, Port{16995}, Port{623}, Port{664}, Port{16992}, Port{16993}};
  std::vector<std::string> interfaces;  // where clients come in; empty = any
  bool local = true;                    // this host's own outgoing connections too
  Classify classify = Classify::Queue;
  std::uint16_t queue = 5900;
  FailMode fail = FailMode::Open;
  std::uint32_t mark = 0x5900;
  std::uint32_t table = 5900;
  Port port{5899};
};

/// tls_name: the address that is dialled, or the name it was found by.
inline constexpr std::string_view kTlsNameAddress = "address";

struct Target {
  std::string name;
  std::string file;  // where it was written, for messages
  unsigned line = 0;

  std::vector<Host> address;  // what clients aim at
  std::optional<Host> amt;    // where the AMT is, if elsewhere (a single address or a name)
  std::string interface;      // leave through this interface; empty = as routed
  std::optional<IpAddress> source;
  std::string username = "admin";
  Secret password;  // from `password` or the file's first line
  std::string password_file;
  TlsMode tls = TlsMode::Auto;
  std::string tls_ca;
  std::string tls_pin;   // 64 lower-case hex digits; empty = none
  std::string tls_name;  // whom a certificate of tls_ca must be for: kTlsNameAddress or a host name; empty = anybody
  TlsVersion tls_min = TlsVersion::V1_2;
  std::string tls_cert;  // client certificate for mutual TLS
  std::string tls_key;
  std::string tls_ca_text;  // what those files hold (PEM), read by load.h
  Secret tls_cert_text;
  Secret tls_key_text;
  std::vector<Network> allow;  // empty = this host alone
  Denied denied = Denied::Refuse;
  TlsPorts tls_ports = TlsPorts::Terminate;
  ClientAuth client_auth = ClientAuth::None;
  bool plaintext_auth = false;
  std::vector<Service> services = {Service::Vnc, Service::Sol, Service::Ider, Service::Wsman, Service::Rmcp};
  WsmanOnly wsman_only = WsmanOnly::No;
  VncMode vnc_mode = VncMode::Translate;
  VncSecurity vnc_security = VncSecurity::None;
  std::string vnc_password_file;
  Secret vnc_password;
  VncShare vnc_share = VncShare::Yes;
  std::string keyboard;
  bool reconnect = true;
  std::optional<std::uint64_t> frame_buffer_limit;  // bytes; nullopt = auto
  std::string image;
  std::string image_floppy;
  std::vector<SerialDoor> sol_listen;
  std::string sol_log;
  std::uint64_t sol_buffer = 256 * 1024;
  bool record_vnc = false;
  bool record_sol = false;
  bool record_input = false;  // what is typed at a serial console too
  std::vector<std::string> tags;

  bool serves(Service s) const;
  /// Its serial console is one for all who use it, and not each client's own.
  bool shares_serial() const { return !sol_listen.empty() || !sol_log.empty(); }
  /// The gateway has the session all the time, so that nothing the machine says is missed.
  bool holds_serial() const { return !sol_log.empty() || (!sol_listen.empty() && sol_buffer > 0); }
};

struct Config {
  Gateway gateway;
  Intercept intercept;
  std::vector<Target> targets;

  /// The target of that name, or null. Lives as long as this.
  const Target* find(std::string_view name) const;
};

}  // namespace amtgate::config
