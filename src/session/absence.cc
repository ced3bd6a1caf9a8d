#include "amtgate/session/absence.h"

#include <algorithm>

namespace amtgate::session {
namespace {

/// "0:12".
std::string minutes(Duration d) {
  const auto s = std::chrono::duration_cast<seconds>(d).count();
  return std::to_string(s / 60) + (s % 60 < 10 ? ":0" : ":") + std::to_string(s % 60);
}

/// What one sees of a machine that restarts: it closes, resets, does not answer, has no listener yet.
bool restarts(Errc code) {
  return code == Errc::Closed || code == Errc::Timeout || code == Errc::Unreachable;
}

}  // namespace

bool Absence::begin(const Error& why, Reason reason, TimePoint now) {
  const bool begins = !on_;
  if (begins) {
    on_ = restarting_ = true;
    since_ = now;
  }
  const bool was_parked = !begins && reason_ == Reason::Parked;  // what was done may have been a restart
  reason_ = reason;
  restarting_ = (restarting_ || was_parked) && restarts(why.code) && reason == Reason::Plain;
  why_ = why;
  retry_at_ = now + retry_;
  retry_ = std::min<Duration>(retry_ * 2, kLastRetry);
  return begins;
}

Duration Absence::end(TimePoint now) {
  on_ = false;
  retry_at_.reset();
  caption_at_.reset();
  return now - since_;
}

void Absence::forget() {
  on_ = false;
  retry_at_.reset();
  caption_at_.reset();
  retry_ = kFirstRetry;
}

std::string Absence::caption(const std::string& name, TimePoint now) {
  caption_at_ = now + seconds(1);
  const std::string waiting = ", waiting " + minutes(now - since_);
  if (consent()) {
    return name + " needs the consent of its user" + waiting +
           "\nA management tool asks for it: the PC shows six digits then, which are entered there. The picture "
           "comes "
           "as soon as it is given.";
  }
  if (parked()) return why_.detail + waiting;
  if (restarting_) return name + " is restarting" + waiting;
  return name + " is away" + waiting + "\n" + why_.detail;
}

Error Absence::refusal(const std::string& name) const {
  if (parked()) return {Errc::Unreachable, why_.detail + "; its screen is back behind that"};
  if (restarting_) {
    return {Errc::Unreachable, name + " is restarting; its screen is back when the machine is"};
  }
  return {why_.code, name + " is away: " + why_.detail};
}

std::optional<TimePoint> Absence::deadline() const {
  if (!retry_at_ || (caption_at_ && *caption_at_ < *retry_at_)) return caption_at_;
  return retry_at_;
}

bool Absence::take_retry(TimePoint now) {
  if (!retry_at_ || now < *retry_at_) return false;
  retry_at_.reset();
  return true;
}

}  // namespace amtgate::session
