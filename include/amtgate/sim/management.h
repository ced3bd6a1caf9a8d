// Management: the machine as WS-Management sees it: its classes, their instances and methods, and its power.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "amtgate/auth/credentials.h"
#include "amtgate/base/time.h"
#include "amtgate/sim/accounts.h"
#include "amtgate/sim/logs.h"
#include "amtgate/sim/opt_in.h"
#include "amtgate/sim/profile.h"
#include "amtgate/sim/tls_setup.h"
#include "amtgate/wsman/reply.h"
#include "amtgate/wsman/request.h"

namespace amtgate::sim {

/// CIM_PowerManagementService's states, as far as a machine here is in one.
enum class Power : std::uint8_t { On = 2, Sleep = 4, Hibernate = 7, Off = 8 };

struct ManagementOptions {
  std::string host_name = "pc";
  std::string realm = "Digest:00000000000000000000000000000000";
  auth::Credentials admin{"admin", "P@ssw0rd1!"};
  std::array<bool, 3> off{};         // by Slot: SOL, IDE-R, KVM switched off
  bool consent = false;              // the user's consent is needed for everything
  bool kvm_consent = false;          // for KVM
  auth::RandomSource* random{};      // for codes; must outlive the machine
  std::int64_t epoch = 0;            // Unix seconds at `now` of the constructor: what its clock shows then
  Duration power_time = seconds(1);  // from a power command to the state it leads to
};

class Management {
 public:
  Management(const Profile& profile, ManagementOptions options, TimePoint now);

  /// What of the machine's other side a request needs to know, and what it does to it.
  struct Surroundings {
    bool sessions = false;  // SOL, IDE-R or KVM is in use: AMT refuses to switch off then
    bool refuse = false;    // what is asked for is not done, for no reason that shows
    bool reboot = false;    // set: the machine restarts now
    bool network = false;   // set: its network restarts, and its TLS may be another then
    bool listener = false;  // set: the redirection listener was switched
    std::string boot{};     // set: it starts, and from what ("pxe", "ider-cd sol"; "default")
    std::string user{};     // who asks; empty: the administrator
  };
  struct Answer {
    unsigned status = 200;  // of HTTP
    std::string xml;
    std::string what;   // "Get AMT_GeneralSettings", for the log
    std::string fault;  // its code, where it is one
  };
  /// One envelope, whatever it holds.
  Answer answer(std::string_view envelope, Surroundings& around, TimePoint now);

  const Accounts& accounts() const { return accounts_; }
  OptIn& opt_in() { return opt_in_; }
  const OptIn& opt_in() const { return opt_in_; }
  /// The user's consent is missing: for everything; for KVM.
  bool needs_consent() const;
  bool kvm_needs_consent() const;
  /// What goes into the logs from elsewhere: a login that failed; a session that began or ended, of `kind` "sol",
  /// "ider" or "kvm".
  void login_failed(std::string_view user, TimePoint now);
  void session(std::string_view kind, bool begins, std::string_view user, TimePoint now);
  Power power(TimePoint now);
  /// As RequestPowerStateChange does; its ReturnValue.
  std::uint64_t switch_power(std::uint64_t state, Surroundings& around, TimePoint now);
  /// For the next start: a source by its name in WS-Management ("" = the usual), or the BIOS set-up.
  void boot_once(std::string_view source, bool bios);
  /// A property of a class that has one instance; "" where it has no such text.
  std::string setting(std::string_view class_name, std::string_view property) const;
  /// Whether the set-up has the service on; KVM is there at all in the profile.
  bool sol_on() const;
  bool ider_on() const;
  bool kvm_on() const;
  /// 16994 and 16995 are open. Switching it off ends what goes on there (a guess: no source tells).
  bool listener_on() const;
  const TlsService& tls() const { return tls_.service(); }
  /// As TlsSetup has it.
  void start_tls(std::string cert_pem, std::string key_pem, const std::string& client_ca_pem) {
    tls_.start_with(classes_, std::move(cert_pem), std::move(key_pem), client_ca_pem);
  }

 private:
  struct Fault {
    std::string code, reason, detail;
  };
  using Outcome = std::variant<wsman::Reply, Fault>;
  struct Listing {
    std::vector<wsman::Item> items;
    wsman::EnumerationMode mode;
    std::string class_name;
  };
  struct Method {
    std::string_view class_name, name;
    std::uint64_t (Management::*run)(const wsman::Request&, wsman::Instance& output, Surroundings&, TimePoint);
  };

  Outcome run(const wsman::Request& request, Surroundings& around, TimePoint now);
  Outcome get(const wsman::Request& request);
  Outcome put(const wsman::Request& request);
  Outcome enumerate(const wsman::Request& request);
  Outcome pull(const wsman::Request& request);
  Outcome create(const wsman::Request& request);
  Outcome remove(const wsman::Request& request);
  Outcome invoke(const wsman::Request& request, Surroundings& around, TimePoint now);
  static Fault fault_of(const TlsSetup::Refusal& refusal);
  std::optional<Fault> refuse_put(const wsman::Instance& before, const wsman::Request& request) const;

  static const std::vector<Method>& methods();
  std::uint64_t request_power(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t change_redirection(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t change_kvm(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t change_web_ui(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t get_uuid(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t commit(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t add_root(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t add_certificate(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t add_key(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t make_key(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t sign_request(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t get_time(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t change_boot_order(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t set_boot_role(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t set_link_preference(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);
  std::uint64_t set_time(const wsman::Request&, wsman::Instance&, Surroundings&, TimePoint);

  /// The machine starts: what was armed counts this once.
  std::string boot(TimePoint now);
  /// Unix seconds that its clock shows.
  std::int64_t clock(TimePoint now) const;
  /// Puts what was done into the audit log.
  void audit(const wsman::Request& request, const wsman::Instance* before, const Surroundings& around, TimePoint now);
  void settle(TimePoint now);
  void show_power();
  wsman::Instance* one(std::string_view class_name, const std::vector<wsman::Selector>& keys);
  wsman::Instance& only(std::string_view class_name);
  const wsman::Instance& only(std::string_view class_name) const;

  const Profile profile_;
  bool rfb_password_ = profile_.port5900 == Port5900::Password;  // one was set
  ManagementOptions options_;
  Accounts accounts_;
  OptIn opt_in_;
  EventLog event_log_;
  AuditLog audit_log_;
  unsigned failed_logins_ = 0;
  TimePoint began_;
  std::int64_t clock_off_ = 0;  // seconds that were set
  std::map<std::string, std::vector<wsman::Instance>, std::less<>> classes_;
  TlsSetup tls_;
  std::map<std::string, Listing, std::less<>> listings_;
  std::uint32_t last_listing_ = 0;
  std::uint64_t messages_ = 0;

  bool boot_armed_ = false;  // SetBootConfigRole was called
  std::string boot_source_;  // "Force PXE Boot"

  Power power_ = Power::On;
  std::optional<Power> towards_;
  TimePoint arrives_;
};

/// The instances that a machine of that profile has when it is set up.
std::map<std::string, std::vector<wsman::Instance>, std::less<>> firmware_classes(const Profile& profile,
                                                                                  const ManagementOptions& options);
/// Of these: what the machine is made of, and parts of its network.
std::vector<wsman::Instance> hardware_classes(const Profile& profile);
/// The properties of a class that name an instance.
std::vector<std::string_view> key_names(std::string_view class_name);
/// Properties that a Put leaves as they are.
bool is_read_only(std::string_view class_name, std::string_view property);

}  // namespace amtgate::sim
