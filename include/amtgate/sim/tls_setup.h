// TlsSetup: the machine's certificates, keys and TLS settings. What is written is staged; CommitChanges makes it what
// the TLS ports show and demand.
//
// Source: Intel's class reference and the order of calls of wsmancli's users, MeshCentral and Intel's own console. A
// guess: how many certificates and keys there is room for, which key sizes old firmware takes beside 2048 bits, which
// status a context gets whose certificate has no key.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/sim/profile.h"
#include "amtgate/wsman/request.h"

namespace amtgate::sim {

/// What the ports do now.
struct TlsService {
  bool tls = false;    // 16993, 664, 16995 are open
  bool plain = false;  // 16992, 623, 16994 are open
  std::string cert_pem{};
  std::string key_pem{};  // a secret
  bool mutual = false;    // clients must show a certificate from client_ca_pem that is a console's
  std::string client_ca_pem{};
  bool set_up_from_afar = false;             // by WS-Management, not by how the simulator was started
  std::vector<std::string> trusted_names{};  // ends of the common names that get in; empty: any

  bool operator==(const TlsService&) const = default;
};

/// Whether a client with that certificate gets in where client certificates are demanded; that it comes from one of
/// the authorities is TLS' own matter.
bool lets_in(const TlsService& service, Bytes client_certificate);

class TlsSetup {
 public:
  using Classes = std::map<std::string, std::vector<wsman::Instance>, std::less<>>;

  static constexpr std::size_t kMaxCertificate = 4100;  // bytes of DER, as the class says
  static constexpr std::size_t kMaxKey = 1210;          // RSA 2048 fits; newer firmware takes 3072 bits
  static constexpr std::size_t kMaxCertificates = 15;
  static constexpr std::size_t kMaxRoots = 8;
  static constexpr std::size_t kMaxKeys = 8;

  /// Adds its classes' instances.
  TlsSetup(const Profile& profile, Classes& classes);
  /// What the TLS ports show from the start, as if it had been set up so; where the firmware never goes without TLS
  /// it is the firmware's own certificate, which cannot be deleted.
  void start_with(Classes& classes, std::string cert_pem, std::string key_pem, const std::string& client_ca_pem);

  const TlsService& service() const { return service_; }

  /// A refusal: PT_STATUS, or a fault's code where there is one.
  struct Refusal {
    std::uint64_t status = 0;
    std::string fault{};
  };
  // Methods give their ReturnValue.
  std::uint64_t add_certificate(Classes& classes, const wsman::Request& request, wsman::Instance& output, bool root);
  std::uint64_t add_key(Classes& classes, const wsman::Request& request, wsman::Instance& output);
  /// Old firmware says first that it is at it.
  std::uint64_t make_key(Classes& classes, const wsman::Request& request, wsman::Instance& output);
  std::uint64_t sign_request(Classes& classes, const wsman::Request& request, wsman::Instance& output);
  /// `changed`: the ports are others now, and the network restarts.
  std::uint64_t commit(Classes& classes, bool& changed);

  // Operations on the classes' instances.
  std::optional<Refusal> refuse_put(const Classes& classes, const wsman::Instance& before,
                                    const wsman::Instance& wanted) const;
  /// Behind a Put that was not refused. TrustedCN counts at once.
  void after_put(wsman::Instance& now, const wsman::Instance& wanted);
  /// Of a credential context alone. Gives its reference.
  Result<wsman::Reference> create(Classes& classes, const wsman::Instance& wanted, Refusal& refusal);
  std::optional<Refusal> refuse_remove(const Classes& classes, const wsman::Instance& instance) const;
  void after_remove(const wsman::Instance& instance);

 private:
  std::optional<TlsService> staged(const Classes& classes) const;

  unsigned generation_;
  bool plain_possible_;
  bool busy_at_first_;  // with its first key pair
  TlsService service_;
  std::string first_id_, first_key_pem_;                          // of start_with()
  std::map<std::string, std::string, std::less<>> private_keys_;  // by InstanceID; PEM
  unsigned last_certificate_ = 0, last_key_ = 0;
};

}  // namespace amtgate::sim
