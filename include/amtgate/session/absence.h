// Absence: a machine that is not there while its viewers wait: since when and why, when it is tried again, and the
// words for that.
#pragma once

#include <optional>
#include <string>

#include "amtgate/base/result.h"
#include "amtgate/base/time.h"

namespace amtgate::session {

class Absence {
 public:
  static constexpr Duration kFirstRetry = seconds(1);
  static constexpr Duration kLastRetry = seconds(8);

  enum class Reason {
    Plain,    // as the error says; where that looks like a restart it is called one
    Consent,  // the consent of the machine's user is missing
    Dark,     // it had not shown anything yet: no restart
    Parked,   // it was let go on purpose: the error says what is done with it
  };

  bool on() const { return on_; }
  bool consent() const { return on_ && reason_ == Reason::Consent; }
  /// It has gone, or could not be had again: the next try is due. True: it was there until now.
  bool begin(const Error& why, Reason reason, TimePoint now);
  /// It is back, after so long. Tries stay as rare as they are until steady().
  Duration end(TimePoint now);
  /// It has shown itself: the next absence begins with kFirstRetry.
  void steady() { retry_ = kFirstRetry; }
  /// Nobody waits for it any more.
  void forget();
  /// It is not tried again before that.
  void hold(TimePoint until) { retry_at_ = until; }
  bool parked() const { return on_ && reason_ == Reason::Parked; }
  /// Once more after kFirstRetry, without an absence.
  void retry_soon(TimePoint now) { retry_at_ = now + kFirstRetry; }

  /// For people: "pc1 is restarting, waiting 0:12", and why below. Counts up every second.
  std::string caption(const std::string& name, TimePoint now);
  /// For scripts, which do not wait.
  Error refusal(const std::string& name) const;

  std::optional<TimePoint> deadline() const;
  /// True once when it is time: to try again, to draw the caption anew.
  bool take_retry(TimePoint now);
  bool caption_due(TimePoint now) const { return caption_at_ && now >= *caption_at_; }

 private:
  bool on_ = false;
  Reason reason_ = Reason::Plain;
  bool restarting_ = false;
  Error why_{Errc::Closed, {}};
  TimePoint since_;
  Duration retry_{kFirstRetry};
  std::optional<TimePoint> retry_at_;  // empty: it is being opened
  std::optional<TimePoint> caption_at_;
};

}  // namespace amtgate::session
