// MachineState: one simulated AMT machine, shared by all of its connections: how it is set up, which sessions are
// taken, how often it has booted. It owns no connection and no clock.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "amtgate/auth/credentials.h"
#include "amtgate/auth/random.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/redir/server_role.h"
#include "amtgate/rfb/keysyms.h"
#include "amtgate/rfb/pixel_format.h"
#include "amtgate/rfb/zrle.h"
#include "amtgate/sim/fault.h"
#include "amtgate/sim/ider_exercise.h"
#include "amtgate/sim/kvm_screen.h"
#include "amtgate/sim/management.h"
#include "amtgate/sim/os_keyboard.h"
#include "amtgate/sim/profile.h"
#include "amtgate/sim/unit_queue.h"

namespace amtgate::sim {

/// What AMT has one of. Kvm is shared by the redirection ports and 5900.
enum class Slot : std::uint8_t { Sol, Ider, Kvm };
std::string_view name(Slot slot);  // "sol", "ider", "kvm"
/// "kvm,ider": which slots are in the list. Errors: BadValue with the text and what is known.
Result<std::array<bool, 3>> parse_slots(std::string_view text);

/// How KVM asks for the consent of the machine's user.
enum class KvmConsent : std::uint8_t {
  Given,   // not at all
  Refuse,  // a start is refused with status 5 until it is given
  Prompt,  // it opens, and shows a prompt alone; the six digits that the PC shows, typed there, give it
  Black,   // it opens, and shows nothing until it is given at the machine
};

struct Options {
  Profile profile;
  std::string name = "amtgate-sim";
  std::string user = "admin";
  std::string password = "P@ssw0rd1!";
  std::string rfb_password = "P@ssw0rd";  // exactly 8 characters are significant
  bool consent_missing = false;           // of everything: IDER is refused with status 5
  KvmConsent kvm_consent = KvmConsent::Given;
  Duration closing{0};        // a session's slot stays taken for so long behind its end
  std::array<bool, 3> off{};  // by Slot: switched off in the set-up, a start is answered "unsupported"
  redir::ServerRole::FailureStyle login_failure = redir::ServerRole::FailureStyle::Empty;
  unsigned login_tries = 1;  // wrong logins until the connection is closed
  Duration no_display{0};    // no display is attached: KVM ends so long after its opening; 0 = there is one
  unsigned sessions = 1;     // of each kind at once; 0 = no limit (for load tests)
  std::vector<Fault> faults{};
  UnitQueue::Shape shape = UnitQueue::Shape::PerMessage;
  Duration gap = milliseconds(50);         // on plain TCP, behind messages after which stock clients lose data
  Duration heartbeat{0};                   // unsolicited heartbeats so often, in SOL and IDE-R; 0 = none
  Duration latency{0};                     // from a request over HTTP to its answer
  Duration power_time = seconds(1);        // from a power command to the state that it leads to
  Duration session_timeout = seconds(15);  // for each message before a session is open
  bool hold_clients_timers = true;  // end SOL and IDE-R sessions whose client is silent for the RX timeout it asked
  std::size_t sol_message = 1000;   // bytes of console data in one message
  Duration panic_after{0};          // the console panics so long after a session's start; 0 = it does not
  IderPlan ider{};
  unsigned ider_resets = 0;  // of the bus, in each session
  std::optional<std::uint64_t> kvm_stream{};  // KVM sends so many raw bytes instead of RFB; 0 = without end
  Size screen{1024, 768};
  std::int64_t epoch = 0;                 // Unix seconds at the start
  Duration network_restart = seconds(1);  // out of reach for so long when TLS was changed
  milliseconds frame_time{200};           // how often the picture changes; 0 = it stands still
  rfb::ZrleForm zrle = rfb::ZrleForm::Zlib;
  std::shared_ptr<OsKeyboard> keyboard{};  // what the operating system makes of keys; null: it does not look
};

/// The limit of `sol_message`: the length field has 16 bits, and one TLS record holds 16 KiB.
constexpr std::size_t kMaxSolMessage = 16'000;

class MachineState {
 public:
  struct Counters {
    std::uint64_t connections = 0;
    std::uint64_t logins = 0;
    std::uint64_t failed_logins = 0;
    std::uint64_t busy = 0;
    std::uint64_t opened = 0;
  };

  /// Holds a slot until it is destroyed. Must not outlive the machine.
  class Lease {
   public:
    Lease() = default;
    Lease(MachineState& machine, Slot slot) : machine_(&machine), slot_(slot) {}
    Lease(Lease&& other) noexcept : machine_(std::exchange(other.machine_, nullptr)), slot_(other.slot_) {}
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { release({}); }
    /// At the session's end; without a time the slot is free at once.
    void release(std::optional<TimePoint> now);
    explicit operator bool() const { return machine_ != nullptr; }

   private:
    MachineState* machine_ = nullptr;
    Slot slot_ = Slot::Sol;
  };

  /// What a viewer was shown last, completely: a frame number of the screen, in a pixel format.
  struct Shown {
    std::uint32_t frame;
    rfb::PixelFormat format;
  };

  /// `random` makes nonces and challenges and must outlive this.
  MachineState(Options options, auth::RandomSource& random, TimePoint now);

  const Options& options() const { return options_; }
  /// Who may log in over HTTP, and who to SOL, IDE-R and KVM: their realm. Firmware's refusal of others is a guess.
  const auth::CredentialStore& users() const { return management_.accounts(); }
  const auth::CredentialStore& redirection_users() const { return redirection_users_; }
  auth::RandomSource& random() { return random_; }
  /// The same for the machine's whole life, as AMT's.
  const std::string& realm() const { return realm_; }
  Management& management() { return management_; }
  /// Of HTTP's challenges: made here, and known for as long as not too many newer ones are.
  std::string new_nonce();
  bool knows_nonce(std::string_view nonce) const;
  FaultPlan& faults() { return faults_; }
  Counters& counters() { return counters_; }

  /// The firmware has no such sessions, or they are switched off in its set-up.
  bool lacks(Slot slot) const;
  /// Empty when every session of that kind is taken.
  std::optional<Lease> take(Slot slot, TimePoint now);
  unsigned in_use(Slot slot) const { return used_[static_cast<std::size_t>(slot)]; }
  /// Whether any session is open now, or still closing.
  bool in_use(TimePoint now);

  KvmScreen& screen() { return screen_; }

  /// The user at the machine consents to KVM: sessions are let in, and shown the screen.
  void give_consent();
  bool awaits_consent() const { return consent_ != KvmConsent::Given; }
  bool refuses_kvm() const { return consent_ == KvmConsent::Refuse; }
  /// After something was done with the management: what it says of the consent counts for KVM. True: that changed,
  /// and every connection is to be ticked. Sessions that are open when it is taken back stay.
  bool follow_consent();
  /// The six digits on the PC's own screen.
  const std::string& consent_code() const;
  /// A key typed into the prompt. False: that was the third wrong code, and the session ends.
  bool consent_key(rfb::Keysym key);

  void frame_sent(std::uint32_t frame, const rfb::PixelFormat& format) { shown_ = Shown{frame, format}; }
  /// The last update that was sent since it was asked for; once each.
  std::optional<Shown> take_shown() { return std::exchange(shown_, std::nullopt); }

  /// Restarts the machine: every session of an older boot is to end, and nobody gets in until booted().
  void reboot(TimePoint now);
  /// Its network alone: the same for connections, but shorter.
  void restart_network(TimePoint now);
  unsigned boots() const { return boots_; }
  bool booting(TimePoint now) const { return back_at_ && now < *back_at_; }
  /// When it is back; empty when it never was away.
  std::optional<TimePoint> back_at() const { return back_at_; }

 private:
  void end_closed(Slot slot, TimePoint now);
  void ask_consent(KvmConsent how);

  Options options_;
  auth::RandomSource& random_;
  std::string realm_;
  Management management_;
  AccountsOfRealm redirection_users_;
  std::deque<std::string> nonces_;
  FaultPlan faults_;
  Counters counters_;
  KvmScreen screen_;
  std::optional<Shown> shown_;
  std::array<unsigned, 3> used_{};
  std::array<std::deque<TimePoint>, 3> closing_{};  // of these, when those whose session is over are free
  bool kvm_needs_consent_;
  KvmConsent consent_;
  std::string consent_code_;
  std::string consent_typed_;
  unsigned consent_wrong_ = 0;
  unsigned boots_ = 0;
  std::optional<TimePoint> back_at_;
};

}  // namespace amtgate::sim
