// Console: the small operating system behind the simulated machine's serial port. Bytes typed go in, bytes printed
// come out, on demand: what asks for output sets the pace, so a stream of gigabytes needs no memory.
//
//   help               the commands
//   echo TEXT          prints it
//   size               the screen's size and the machine's firmware
//   mode WxH           the screen changes its mode
//   stream N [raw]     sends N MiB and their SHA-256; text lines, or every byte value with `raw`
//   sink N             takes N MiB without echo and prints their SHA-256
//   hex                prints what is typed in hexadecimal, to Ctrl-D
//   frame              prints a frame of CP437, as a BIOS does
//   echo-back          sends back what is typed and nothing else, until the session ends
//   reboot             the machine restarts: every session ends
//   exit               prints the banner again
// Line editing: Backspace and Delete, Ctrl-U (line), Ctrl-W (word), Ctrl-C (abandon, also a running stream), Ctrl-L.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "amtgate/base/bytes.h"
#include "amtgate/sim/profile.h"
#include "amtgate/sim/sha256.h"

namespace amtgate::sim {

class Console {
 public:
  struct Options {
    std::string machine = "amtgate-sim";  // named in the banner
    std::string firmware;
    std::string screen;
  };
  struct Reboot {};
  using Action = std::variant<Reboot, Size>;  // Size: the screen's new mode

  /// A line is cut here; more keys ring the bell.
  static constexpr std::size_t kMaxLine = 400;
  /// What may be typed ahead while a command prints; more is dropped.
  static constexpr std::size_t kMaxTypeAhead = 4096;
  /// stream and sink take up to so many MiB: a terabyte, far above any test, far below an overflow.
  static constexpr std::uint64_t kMaxMegabytes = 1024 * 1024;

  explicit Console(Options options);

  /// Bytes that came over the line.
  void input(Bytes typed);
  /// Fills `to` from the front with what is to be printed next; returns how many bytes. 0: nothing to print now.
  std::size_t output(MutableBytes to);
  bool has_output() const;
  /// Bytes that commands have printed and nobody has fetched; a stream in progress does not count.
  std::size_t backlog() const { return out_.size() - out_at_; }
  /// What the machine says of itself: a panic, a boot's messages.
  void interrupt(std::string_view text) { print(text); }
  /// A command asked for it; once each.
  std::optional<Action> next_action();

 private:
  void banner();
  void prompt();
  void print(std::string_view text) { append(out_, text); }
  void key(std::uint8_t c);
  void run(std::string_view line);
  void start_stream(std::uint64_t megabytes, bool raw);
  void start_sink(std::uint64_t megabytes);
  std::size_t take_into_sink(Bytes typed);
  void end_stream();

  Options options_;
  Buffer out_;  // printed, not yet fetched
  std::size_t out_at_ = 0;
  std::string line_;
  bool after_cr_ = false;  // so that CR LF is one Enter
  std::string type_ahead_;
  std::optional<Action> action_;

  enum class Keys : std::uint8_t { Line, Hex, EchoBack } keys_ = Keys::Line;
  std::uint64_t stream_left_ = 0;
  std::uint64_t stream_at_ = 0;
  bool stream_raw_ = false;
  bool streaming_ = false;
  std::uint64_t sink_left_ = 0;
  std::uint64_t sink_size_ = 0;
  Sha256 hash_;
};

/// The bytes that `stream` sends: byte `at` and following of an endless sequence, the same on every machine.
/// Text: lines of 64 bytes, 12 digits of the line number, a space, 49 letters and digits, CR LF.
/// Raw: every byte value, in an order that changes from block to block.
void fill_stream(MutableBytes to, std::uint64_t at, bool raw);

/// SHA-256 of the first `megabytes` MiB of it; what a test compares with.
std::string stream_sha256(std::uint64_t megabytes, bool raw);

}  // namespace amtgate::sim
