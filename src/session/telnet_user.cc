#include "amtgate/session/telnet_user.h"

#include <algorithm>
#include <utility>

namespace amtgate::session {
namespace {

// RFC 854.
constexpr std::uint8_t kIac = 255, kDont = 254, kDo = 253, kWont = 252, kWill = 251, kSb = 250, kAyt = 246,
                       kBrk = 243, kSe = 240;

// RFC 2217. What the server says has 100 added.
constexpr std::uint8_t kSignature = 0, kBaud = 1, kDataSize = 2, kParity = 3, kStopSize = 4, kControl = 5,
                       kNotifyModem = 7, kSuspend = 8, kResume = 9, kLineMask = 10, kModemMask = 11, kPurge = 12,
                       kServer = 100;
// SET-CONTROL.
constexpr std::uint8_t kNoFlow = 1, kBreakQuery = 4, kBreakOn = 5, kBreakOff = 6, kDtrQuery = 7, kDtrOn = 8,
                       kDtrOff = 9, kRtsQuery = 10, kRtsOn = 11, kRtsOff = 12, kInQuery = 13, kInNone = 14,
                       kInLast = 19;
// Of the modem's state: carrier, data set ready, clear to send.
constexpr std::uint8_t kModemThere = 0xb0;

constexpr std::size_t kMaxOutput = RawUser::kMaxOutput;

}  // namespace

TelnetUser::TelnetUser(std::string signature) : signature_(std::move(signature)) {
  for (const std::uint8_t which : {kEcho, kSga, kBinary}) {
    asked_us_[which] = true;
    say(kWill, which);
  }
  for (const std::uint8_t which : {kSga, kBinary}) {
    asked_him_[which] = true;
    say(kDo, which);
  }
}

Result<void> TelnetUser::receive(Bytes in, TimePoint, Buffer& typed) {
  for (const std::uint8_t c : in) {
    switch (state_) {
      case State::Data:
        if (c == kIac) {
          state_ = State::Iac;
        } else {
          data(c, typed);
        }
        break;
      case State::Iac: command(c, typed); break;
      case State::Option:
        state_ = State::Data;
        option(verb_, c);
        break;
      case State::Sub:
        if (c == kIac) {
          state_ = State::SubIac;
        } else if (sub_.size() < kMaxSub) {
          sub_.push_back(c);
        } else {
          sub_too_long_ = true;
        }
        break;
      case State::SubIac:
        if (c == kSe) {
          state_ = State::Data;
          if (!sub_too_long_) subnegotiation();
        } else if (c == kIac) {
          state_ = State::Sub;
          if (sub_.size() < kMaxSub) sub_.push_back(c);
        } else {  // no end that RFC 855 knows: what was begun is dropped, and the command counts
          command(c, typed);
        }
        break;
    }
    if (answers_ > kMaxAnswers) return Error{Errc::TooLarge, "telnet requests whose answers nobody reads"};
  }
  return {};
}

void TelnetUser::data(std::uint8_t c, Buffer& typed) {
  // RFC 854: behind CR comes LF or NUL, and both are the key Enter.
  const bool second = after_cr_ && !him_[kBinary] && (c == 0 || c == '\n');
  after_cr_ = c == '\r';
  if (!second) typed.push_back(c);
}

void TelnetUser::command(std::uint8_t c, Buffer& typed) {
  state_ = State::Data;
  switch (c) {
    case kIac: return data(c, typed);
    case kWill:
    case kWont:
    case kDo:
    case kDont:
      verb_ = c;
      state_ = State::Option;
      return;
    case kSb:
      sub_.clear();
      sub_too_long_ = false;
      state_ = State::Sub;
      return;
    case kBrk: break_ = true; return;
    case kAyt: {
      constexpr std::string_view kYes = "\r\n[amtgate: yes]\r\n";
      append(out_.buffer(), kYes);
      answers_ += kYes.size();
      return;
    }
    default: return;  // NOP, GA, and what means nothing to a console
  }
}

void TelnetUser::option(std::uint8_t verb, std::uint8_t which) {
  const bool on = verb == kWill || verb == kDo;
  const bool his = verb == kWill || verb == kWont;
  std::array<bool, 256>& state = his ? him_ : us_;
  std::array<bool, 256>& asked = his ? asked_him_ : asked_us_;
  const bool wanted = his ? which == kBinary || which == kSga || which == kComPort
                          : which == kBinary || which == kSga || which == kEcho;
  const bool answered = std::exchange(asked[which], false);
  const bool now = on && wanted;
  if (state[which] == now) {
    // RFC 854: no answer to what is so already; a refusal to what is not going to be.
    if (on && !wanted && !answered) say(his ? kDont : kWont, which);
    return;
  }
  state[which] = now;
  if (!answered) say(his ? (now ? kDo : kDont) : (now ? kWill : kWont), which);
  if (which == kComPort && now) modem_state();
}

void TelnetUser::subnegotiation() {
  if (sub_.size() < 2 || sub_[0] != kComPort || !him_[kComPort]) return;
  com_port(sub_[1], Bytes(sub_).subspan(2));
}

void TelnetUser::com_port(std::uint8_t what, Bytes value) {
  const std::uint8_t first = value.empty() ? 0 : value[0];
  switch (what) {
    case kSignature:
      if (value.empty()) com_answer(what, as_bytes(signature_));
      return;
    case kBaud: {
      if (value.size() != 4) return;
      constexpr std::array<std::uint8_t, 4> kUsual = {0x00, 0x01, 0xc2, 0x00};  // 115200
      const bool question = std::ranges::all_of(value, [](std::uint8_t b) { return b == 0; });
      return com_answer(what, question ? Bytes(kUsual) : value);
    }
    case kDataSize: return com_answer(what, 8);
    case kParity: return com_answer(what, 1);
    case kStopSize: return com_answer(what, 1);
    case kControl:
      if (first == kBreakOn) break_ = true;
      if (first == kBreakQuery) return com_answer(what, kBreakOff);
      if (first == kBreakOn || first == kBreakOff) return com_answer(what, first);
      if (first == kDtrQuery) return com_answer(what, kDtrOn);
      if (first == kRtsQuery) return com_answer(what, kRtsOn);
      if (first >= kDtrOn && first <= kRtsOff && first != kRtsQuery) return com_answer(what, first);
      return com_answer(what, first >= kInQuery && first <= kInLast ? kInNone : kNoFlow);
    case kSuspend: suspended_ = true; return;
    case kResume: suspended_ = false; return;
    case kLineMask: return com_answer(what, first);
    case kModemMask: modem_mask_ = first; return com_answer(what, first);
    case kPurge: return com_answer(what, first);
    default: return;
  }
}

void TelnetUser::com_answer(std::uint8_t what, Bytes value) {
  Buffer& out = out_.buffer();
  const std::size_t before = out.size();
  for (const std::uint8_t b : {kIac, kSb, kComPort, static_cast<std::uint8_t>(what + kServer)}) out.push_back(b);
  for (const std::uint8_t b : value) {
    if (b == kIac) out.push_back(kIac);
    out.push_back(b);
  }
  out.push_back(kIac);
  out.push_back(kSe);
  answers_ += out.size() - before;
}

void TelnetUser::modem_state() {
  const std::uint8_t state = there_ ? kModemThere : 0;
  com_answer(kNotifyModem, static_cast<std::uint8_t>(state & modem_mask_));
}

void TelnetUser::host(std::uint8_t, std::uint8_t status, TimePoint) {
  const bool there = status != 0;
  if (there == std::exchange(there_, there)) return;
  if (him_[kComPort]) modem_state();
}

std::size_t TelnetUser::send(Bytes serial, TimePoint) {
  if (out_.view().empty()) answers_ = 0;
  if (suspended_) return 0;
  std::size_t taken = 0;
  Buffer& out = out_.buffer();
  while (taken < serial.size() && out.size() < kMaxOutput) {
    const std::uint8_t c = serial[taken++];
    if (std::exchange(cr_pending_, false) && c != '\n') out.push_back(0);
    out.push_back(c);
    if (c == kIac) out.push_back(c);
    cr_pending_ = c == '\r' && !us_[kBinary];
  }
  return taken;
}

void TelnetUser::say(std::uint8_t verb, std::uint8_t which) {
  for (const std::uint8_t b : {kIac, verb, which}) out_.buffer().push_back(b);
  answers_ += 3;
}

}  // namespace amtgate::session
