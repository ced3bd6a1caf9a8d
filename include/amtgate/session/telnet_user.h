// TelnetUser: a telnet client at a serial console (RFC 854, 855, 856, 857, 858), which may set a serial port as
// RFC 2217 has it.
//
// The server offers ECHO, SUPPRESS-GO-AHEAD and BINARY both ways as soon as the client is there, so that a plain
// telnet goes to character at a time and every byte value goes through. Without BINARY the client's CR NUL and CR LF
// are CR, and ours goes out as CR NUL where no LF follows.
//
// COM-PORT-OPTION is let in when the client offers it. Serial-over-LAN has no speed and no framing, so what is asked
// for is answered with what it comes to: any speed as asked (115200 where it is a question), 8 bits, no parity, one
// stop bit, no flow control; DTR, RTS and the line's masks as asked. Break is answered, and cannot be passed on.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "amtgate/base/machine.h"
#include "amtgate/session/serial_user.h"

namespace amtgate::session {

class TelnetUser final : public SerialUser {
 public:
  /// `signature`: what RFC 2217 calls this server; without control characters.
  explicit TelnetUser(std::string signature);

  /// Errors: TooLarge (answers that nobody reads). A subnegotiation that is too long is skipped.
  Result<void> receive(Bytes in, TimePoint now, Buffer& typed) override;
  std::size_t send(Bytes serial, TimePoint now) override;
  Bytes output() const override { return out_.view(); }
  void sent(std::size_t n) override { out_.sent(n); }
  void host(std::uint8_t control, std::uint8_t status, TimePoint now) override;
  bool take_break() override { return std::exchange(break_, false); }

  bool binary_in() const { return him_[kBinary]; }
  bool com_port() const { return him_[kComPort]; }

 private:
  static constexpr std::uint8_t kBinary = 0, kEcho = 1, kSga = 3, kComPort = 44;
  static constexpr std::size_t kMaxSub = 256;  // the longest that means something has some 70
  static constexpr std::size_t kMaxAnswers = 64 * 1024;
  enum class State : std::uint8_t { Data, Iac, Option, Sub, SubIac };

  void data(std::uint8_t c, Buffer& typed);
  void command(std::uint8_t c, Buffer& typed);
  void option(std::uint8_t verb, std::uint8_t which);
  void subnegotiation();
  void com_port(std::uint8_t command, Bytes value);
  void com_answer(std::uint8_t command, Bytes value);
  void com_answer(std::uint8_t command, std::uint8_t value) { com_answer(command, Bytes(&value, 1)); }
  void modem_state();
  void say(std::uint8_t verb, std::uint8_t which);

  std::string signature_;
  Outbox out_;
  std::size_t answers_ = 0;  // bytes of out_ that are none of the console's, at most
  State state_ = State::Data;
  std::uint8_t verb_ = 0;
  Buffer sub_;
  bool sub_too_long_ = false;
  // RFC 1143, without its queues: an option is on or off, and while one of ours is asked for its answer is none to
  // us.
  std::array<bool, 256> us_{}, him_{}, asked_us_{}, asked_him_{};
  bool after_cr_ = false;    // of what comes
  bool cr_pending_ = false;  // of what goes
  bool suspended_ = false;   // FLOWCONTROL-SUSPEND
  bool break_ = false;
  bool there_ = false;  // the machine
  std::uint8_t modem_mask_ = 255;
};

}  // namespace amtgate::session
