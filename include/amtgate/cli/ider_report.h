// IderReport: what `amtgate ider` tells of itself: a line that is drawn anew on a terminal, lines in a log, or with
// --json objects on standard output, one a line.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "amtgate/base/time.h"
#include "amtgate/ider/client_role.h"
#include "amtgate/ider/medium_map.h"

namespace amtgate::cli {

class IderReport {
 public:
  struct Medium {
    std::uint32_t blocks = 0;  // 0: the drive is empty
    ider::MediumMap map{};
  };
  /// `machine`: what lines begin with.
  IderReport(std::string machine, bool json, Medium cd, Medium floppy);

  /// A happening: `event` and `fields` for --json, `text` for people. Nothing for people where it is empty.
  void say(const char* event, const std::string& text, const nlohmann::json& fields);
  void say(const char* event, const std::string& text);

  /// To be called about once a second. `stats` are those of the session that runs; what ended ones did is added by
  /// session_over().
  void progress(const ider::ClientRole::Stats& stats, TimePoint now);
  void session_over(const ider::ClientRole::Stats& stats);
  /// The last words; `now` as in progress().
  void end(TimePoint now);

 private:
  struct Total {
    std::uint64_t read = 0, written = 0, commands = 0, checks = 0;
  };
  Total total(const ider::ClientRole::Stats& s) const;
  const Medium& medium(ider::Drive d) const { return d == ider::Drive::Cd ? cd_ : floppy_; }
  void wipe();

  std::string machine_;
  bool json_;
  bool terminal_;
  Medium cd_, floppy_;
  Total before_;  // of sessions that are over
  std::uint64_t last_moved_ = 0;
  std::uint64_t last_commands_ = 0;
  TimePoint started_{}, last_{}, shown_{};
  bool begun_ = false, drawn_ = false;
};

}  // namespace amtgate::cli
