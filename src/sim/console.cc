#include "amtgate/sim/console.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

namespace amtgate::sim {
namespace {

constexpr std::uint64_t kMegabyte = 1024 * 1024;
constexpr std::size_t kLineSize = 64;
constexpr std::string_view kPrompt = "amt> ";
constexpr std::uint8_t kCtrlC = 3, kCtrlD = 4, kCtrlL = 12, kCtrlU = 21, kCtrlW = 23, kBackspace = 8, kDelete = 127;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t from = line.find_first_not_of(" \t");
    if (from == std::string_view::npos) return out;
    line.remove_prefix(from);
    const std::size_t to = std::min(line.find_first_of(" \t"), line.size());
    out.push_back(line.substr(0, to));
    line.remove_prefix(to);
  }
}

std::optional<std::uint64_t> megabytes_of(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size() || n == 0 || n > Console::kMaxMegabytes) return {};
  return n;
}

void text_line(std::array<std::uint8_t, kLineSize>& line, std::uint64_t number) {
  constexpr std::string_view kFill = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::uint64_t n = number;
  for (std::size_t i = 12; i-- > 0; n /= 10) line[i] = static_cast<std::uint8_t>('0' + n % 10);
  line[12] = ' ';
  for (std::size_t i = 0; i < 49; ++i)
    line[13 + i] = static_cast<std::uint8_t>(kFill[(number * 7 + i) % kFill.size()]);
  line[62] = '\r';
  line[63] = '\n';
}

void raw_line(std::array<std::uint8_t, kLineSize>& line, std::uint64_t number) {
  // A counter, then a run over all byte values whose start and step change with it: 8-bit clean or it shows.
  for (std::size_t i = 0; i < 8; ++i) line[i] = static_cast<std::uint8_t>(number >> (8 * i));
  const auto step = static_cast<std::uint8_t>(number * 2 + 1);
  auto value = static_cast<std::uint8_t>(number * 31);
  for (std::size_t i = 8; i < kLineSize; ++i, value = static_cast<std::uint8_t>(value + step)) line[i] = value;
}

}  // namespace

void fill_stream(MutableBytes to, std::uint64_t at, bool raw) {
  std::array<std::uint8_t, kLineSize> line{};
  std::size_t done = 0;
  while (done < to.size()) {
    const std::uint64_t position = at + done;
    raw ? raw_line(line, position / kLineSize) : text_line(line, position / kLineSize);
    const auto skip = static_cast<std::size_t>(position % kLineSize);
    const std::size_t n = std::min(kLineSize - skip, to.size() - done);
    std::copy_n(line.begin() + static_cast<std::ptrdiff_t>(skip), n, to.begin() + static_cast<std::ptrdiff_t>(done));
    done += n;
  }
}

std::string stream_sha256(std::uint64_t megabytes, bool raw) {
  Sha256 hash;
  Buffer block(kMegabyte);
  for (std::uint64_t i = 0; i < megabytes; ++i) {
    fill_stream(block, i * kMegabyte, raw);
    hash.update(block);
  }
  return hash.finish();
}

Console::Console(Options options) : options_(std::move(options)) {
  banner();
  prompt();
}

void Console::banner() {
  print("\r\n" + options_.machine + ": simulated Intel AMT " + options_.firmware + ", serial console\r\n");
  print("Type help for the commands.\r\n");
}

void Console::prompt() {
  print(kPrompt);
}

bool Console::has_output() const {
  return out_at_ < out_.size() || streaming_;
}

std::optional<Console::Action> Console::next_action() {
  return std::exchange(action_, std::nullopt);
}

std::size_t Console::output(MutableBytes to) {
  std::size_t n = 0;
  while (n < to.size()) {
    if (out_at_ < out_.size()) {
      const std::size_t part = std::min(to.size() - n, out_.size() - out_at_);
      std::copy_n(out_.begin() + static_cast<std::ptrdiff_t>(out_at_), part,
                  to.begin() + static_cast<std::ptrdiff_t>(n));
      out_at_ += part;
      n += part;
      if (out_at_ == out_.size()) {
        out_.clear();
        out_at_ = 0;
      }
    } else if (streaming_) {
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(to.size() - n, stream_left_));
      const MutableBytes piece = to.subspan(n, part);
      fill_stream(piece, stream_at_, stream_raw_);
      hash_.update(piece);
      stream_at_ += part;
      stream_left_ -= part;
      n += part;
      if (stream_left_ == 0) end_stream();
    } else {
      break;
    }
  }
  return n;
}

void Console::input(Bytes typed) {
  while (!typed.empty()) {
    if (sink_left_ > 0) {
      typed = typed.subspan(take_into_sink(typed));
      continue;
    }
    if (keys_ == Keys::EchoBack) return append(out_, typed);
    const std::uint8_t c = typed.front();
    typed = typed.subspan(1);
    if (keys_ == Keys::Hex) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      if (c == kCtrlD) {
        keys_ = Keys::Line;
        print("\r\n");
        prompt();
      } else {
        print(std::string{kDigits[c >> 4U], kDigits[c & 15U], ' '});
      }
      continue;
    }
    if (streaming_ && c == kCtrlC) {
      streaming_ = false;
      type_ahead_.clear();
      print("\r\n^C after " + std::to_string(stream_at_) + " bytes\r\n");
      prompt();
    } else if (streaming_) {
      if (type_ahead_.size() < kMaxTypeAhead) type_ahead_ += static_cast<char>(c);
    } else {
      key(c);
    }
  }
}

void Console::key(std::uint8_t c) {
  const bool lf_of_crlf = c == '\n' && after_cr_;
  after_cr_ = c == '\r';
  if (lf_of_crlf) return;
  if (c == '\r' || c == '\n') {
    print("\r\n");
    const std::string line = std::exchange(line_, {});
    run(line);
  } else if (c == kBackspace || c == kDelete) {
    if (line_.empty()) return;
    line_.pop_back();
    print("\b \b");
  } else if (c == kCtrlU || c == kCtrlW) {
    std::size_t keep = 0;
    if (c == kCtrlW) {
      const std::size_t end = line_.find_last_not_of(' ');
      const std::size_t space = end == std::string::npos ? std::string::npos : line_.find_last_of(' ', end);
      if (space != std::string::npos) keep = space + 1;
    }
    for (; line_.size() > keep; line_.pop_back()) print("\b \b");
  } else if (c == kCtrlC) {
    line_.clear();
    print("^C\r\n");
    prompt();
  } else if (c == kCtrlL) {
    print("\x1b[2J\x1b[H");
    prompt();
    print(line_);
  } else if (c >= 0x20) {
    if (line_.size() >= kMaxLine) {
      print("\a");
      return;
    }
    line_ += static_cast<char>(c);
    out_.push_back(c);
  }
}

void Console::run(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  const std::string_view command = words.empty() ? std::string_view{} : words[0];
  if (command == "help") {
    print(
        "help               this\r\n"
        "echo TEXT          prints it\r\n"
        "size               screen and firmware\r\n"
        "mode WxH           changes the screen's mode\r\n"
        "stream N [raw]     sends N MiB and prints their SHA-256\r\n"
        "sink N             takes N MiB and prints their SHA-256\r\n"
        "hex                prints what is typed in hexadecimal, to Ctrl-D\r\n"
        "frame              prints a frame of CP437\r\n"
        "echo-back          sends back what is typed, nothing else\r\n"
        "reboot             restarts the machine\r\n"
        "exit               starts over\r\n");
  } else if (command == "echo") {
    const std::size_t at = line.find("echo") + 4;
    print(std::string(line.substr(std::min(at + 1, line.size()))) + "\r\n");
  } else if (command == "size") {
    print("screen " + options_.screen + ", AMT " + options_.firmware + "\r\n");
  } else if (command == "stream" || command == "sink") {
    const bool stream = command == "stream";
    const std::optional<std::uint64_t> n = words.size() > 1 ? megabytes_of(words[1]) : std::nullopt;
    const bool raw = stream && words.size() == 3 && words[2] == "raw";
    if (!n || words.size() > (raw ? 3U : 2U)) {
      print("usage: " + std::string(stream ? "stream N [raw]" : "sink N") + ", N in MiB from 1 to 1048576\r\n");
    } else {
      stream ? start_stream(*n, raw) : start_sink(*n);
      return;  // the prompt comes when it is done
    }
  } else if (command == "mode") {
    const Result<Size> size = parse_size(words.size() == 2 ? words[1] : std::string_view{});
    if (size) {
      action_ = *size;
      options_.screen = std::string(words[1]);
      print("screen " + options_.screen + "\r\n");
    } else {
      print(size.error().detail + "\r\n");
    }
  } else if (command == "hex") {
    print("hex: ");
    keys_ = Keys::Hex;
    return;
  } else if (command == "frame") {
    print(
        "\xc9\xcd\xcd\xcd\xbb\r\n\xba"
        "BIO\xba\r\n\xc8\xcd\xcd\xcd\xbc\r\n");
  } else if (command == "echo-back") {
    print("-- echo --\r\n");
    keys_ = Keys::EchoBack;
    return;
  } else if (command == "reboot") {
    print("rebooting\r\n");
    action_ = Reboot{};
    return;
  } else if (command == "exit") {
    banner();
  } else if (!command.empty()) {
    print("unknown command '" + std::string(command) + "', try help\r\n");
  }
  prompt();
}

void Console::start_stream(std::uint64_t megabytes, bool raw) {
  print("-- stream of " + std::to_string(megabytes * kMegabyte) + " bytes begins --\r\n");
  hash_ = Sha256{};
  stream_left_ = megabytes * kMegabyte;
  stream_at_ = 0;
  stream_raw_ = raw;
  streaming_ = true;
}

void Console::end_stream() {
  streaming_ = false;
  print("-- stream ends, sha256 " + hash_.finish() + " --\r\n");
  prompt();
  const std::string keys = std::exchange(type_ahead_, {});
  input(as_bytes(keys));
}

void Console::start_sink(std::uint64_t megabytes) {
  sink_size_ = sink_left_ = megabytes * kMegabyte;
  hash_ = Sha256{};
  print("-- send " + std::to_string(sink_size_) + " bytes now --\r\n");
}

std::size_t Console::take_into_sink(Bytes typed) {
  if (after_cr_) {  // the LF of the command's own CR LF is not data
    after_cr_ = false;
    if (typed.front() == '\n') return 1;
  }
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(typed.size(), sink_left_));
  hash_.update(typed.first(n));
  sink_left_ -= n;
  if (sink_left_ == 0) {
    print("-- took " + std::to_string(sink_size_) + " bytes, sha256 " + hash_.finish() + " --\r\n");
    prompt();
  }
  return n;
}

}  // namespace amtgate::sim
