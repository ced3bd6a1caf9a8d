// Profile: what one generation of AMT firmware does on its redirection and KVM ports. The table behind
// `amtgate-sim --profile`. Facts are from public reports and clients' sources; what nobody has confirmed on hardware
// is listed by assumptions(), and every field can be set otherwise by an option of the program.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/base/time.h"

namespace amtgate::sim {

enum class TlsVersion : std::uint8_t { V1_0, V1_1, V1_2, V1_3 };
enum class KeyType : std::uint8_t { Rsa, Ec };
enum class Port5900 : std::uint8_t {
  Password,    // RFB with a VNC password, as long as one is set
  Dead,        // accepts, and never says a word
  NoPassword,  // refuses inside RFB: "No password configured for VNC Auth"
  Closed,      // no listener
};

/// The version line the RFB server greets with.
enum class RfbGreeting : std::uint8_t { V3_8, V4_0 };

struct Size {
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  bool operator==(const Size&) const = default;
};

struct Profile {
  std::string name;
  std::string firmware;  // version as AMT would tell it, for the log and the console's banner

  bool plain_open = true;  // 16994
  bool tls_open = true;    // 16995
  TlsVersion tls_min = TlsVersion::V1_2;
  TlsVersion tls_max = TlsVersion::V1_2;
  KeyType key = KeyType::Rsa;
  bool ask_client_certificate = false;

  std::vector<std::uint8_t> methods = {4};  // what a query is answered with: 1 password, 3 and 4 digest
  std::string qop = "auth";                 // offered by the challenge of method 4
  std::string http_qop = "auth";            // offered over HTTP
  bool strict_nonce_count = false;          // refuse a nonce count that is not 8 digits

  bool legacy_soap = false;  // the SOAP interface from before WS-Management; removed in 9.0

  bool kvm = true;  // false: the class is absent, a start of KVMR is answered "unsupported"
  RfbGreeting greeting = RfbGreeting::V3_8;
  Port5900 port5900 = Port5900::Password;
  Size screen{1024, 768};                        // what the picture is unless asked otherwise
  Size max_size16{1920, 1200};                   // largest screen at 16 bits a pixel
  std::uint64_t frame_buffer_limit = 9'216'000;  // bytes; above it the session is closed
  bool gray_formats = false;                     // 8-bit grey accepted, KvmExtCmd answered
  Duration idle = std::chrono::minutes(0);       // KVM session without keyboard or mouse; 0 = for ever
  Duration boot_time = std::chrono::seconds(4);  // unreachable for so long after a reboot
};

/// The profile of that name: "8", "9", "11", "12", "15", "16.1", "19", "21" or "ism".
/// Errors: BadValue, with the names there are.
Result<Profile> find_profile(std::string_view name);

/// Every name, in the order of the generations.
std::span<const std::string_view> profile_names();

/// What of a profile is an assumption, one sentence each; for the man page and `--list`.
std::span<const std::string_view> assumptions();

std::string_view name(TlsVersion v);   // "1.0" … "1.3"
std::string_view name(Port5900 v);     // "password", "dead", "no-password", "closed"
std::string_view name(KeyType v);      // "rsa", "ec"
std::string_view name(RfbGreeting v);  // "3.8", "4.0"
/// Errors: BadValue with the text and what is known.
Result<TlsVersion> parse_tls_version(std::string_view text);
Result<Port5900> parse_port5900(std::string_view text);
Result<KeyType> parse_key_type(std::string_view text);
Result<RfbGreeting> parse_greeting(std::string_view text);
/// "1024x768"; each side 1 to 8192. Errors: BadValue.
Result<Size> parse_size(std::string_view text);
/// "4", "1,4": ids 1, 2, 3 or 4, each once. Errors: BadValue.
Result<std::vector<std::uint8_t>> parse_methods(std::string_view text);

}  // namespace amtgate::sim
