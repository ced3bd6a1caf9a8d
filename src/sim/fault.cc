#include "amtgate/sim/fault.h"

#include <array>
#include <charconv>

namespace amtgate::sim {
namespace {

constexpr std::array<std::string_view, 7> kStages = {"connect", "tls", "start", "auth", "open", "stream", "wsman"};
constexpr std::array<std::string_view, 6> kKinds = {"close", "reset", "stall", "garbage", "unknown", "refuse"};

template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
  T n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n, base);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

/// Cuts the part before the next colon off the front.
std::string_view next_part(std::string_view& text) {
  const std::size_t colon = text.find(':');
  const std::string_view part = text.substr(0, colon);
  text = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  return part;
}

}  // namespace

std::string_view name(Stage stage) {
  return kStages[static_cast<std::size_t>(stage)];
}
std::string_view name(FaultKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

Result<Fault> parse_fault(std::string_view text) {
  const auto wrong = [whole = std::string(text)](const std::string& what) {
    return Error{Errc::BadValue, "fault '" + whole + "': " + what};
  };
  Fault out;
  std::string_view rest = text;

  const std::string_view stage = next_part(rest);
  std::size_t i = 0;
  while (i < kStages.size() && kStages[i] != stage) ++i;
  if (i == kStages.size())
    return wrong("stage '" + std::string(stage) + "' (connect, tls, start, auth, open, stream, wsman)");
  out.stage = static_cast<Stage>(i);

  std::string_view kind = next_part(rest);
  if (kind.starts_with("unknown=")) {
    const std::optional<std::uint8_t> id = number<std::uint8_t>(kind.substr(8), 16);
    if (!id) return wrong("message id '" + std::string(kind.substr(8)) + "' (two hexadecimal digits)");
    out.message = *id;
    kind = "unknown";
  }
  i = 0;
  while (i < kKinds.size() && kKinds[i] != kind) ++i;
  if (i == kKinds.size()) {
    return wrong("kind '" + std::string(kind) + "' (close, reset, stall, garbage, unknown, unknown=ID, refuse)");
  }
  out.kind = static_cast<FaultKind>(i);

  if (!rest.empty()) {
    const std::string_view after = next_part(rest);
    const std::optional<std::uint64_t> n = number<std::uint64_t>(after);
    if (!n) return wrong("byte count '" + std::string(after) + "'");
    out.after = *n;
  }
  if (!rest.empty()) {
    const std::optional<unsigned> n = number<unsigned>(rest);
    if (!n) return wrong("number of times '" + std::string(rest) + "'");
    out.times = *n;
  }
  const bool early = out.stage == Stage::Connect || out.stage == Stage::Tls;
  if (early && out.kind == FaultKind::Unknown) return wrong("no message can stand before the session start");
  const bool foreign = out.kind == FaultKind::Unknown || out.kind == FaultKind::Garbage;
  if (out.stage == Stage::Wsman && foreign) return wrong("WS-Management knows close, reset, stall and refuse");
  if (out.stage != Stage::Wsman && out.kind == FaultKind::Refuse)
    return wrong("only WS-Management refuses a request");
  if (early && out.after != 0) return wrong("a byte count has no meaning before the session start");
  return out;
}

std::string to_string(const Fault& fault) {
  std::string out = std::string(name(fault.stage)) + ":" + std::string(name(fault.kind));
  if (fault.kind == FaultKind::Unknown) {
    constexpr char kHex[] = "0123456789abcdef";
    out += '=';
    out += kHex[fault.message >> 4];
    out += kHex[fault.message & 15];
  }
  if (fault.after != 0 || fault.times != 0) out += ":" + std::to_string(fault.after);
  if (fault.times != 0) out += ":" + std::to_string(fault.times);
  return out;
}

FaultPlan::FaultPlan(std::vector<Fault> faults) {
  for (const Fault& f : faults) faults_.push_back({f, 0});
}

std::optional<Fault> FaultPlan::take(Stage stage) {
  for (Entry& e : faults_) {
    if (e.fault.stage != stage || (e.fault.times != 0 && e.struck >= e.fault.times)) continue;
    ++e.struck;
    return e.fault;
  }
  return std::nullopt;
}

std::optional<Fault> FaultPlan::take_request() {
  const std::uint64_t before = requests_++;
  for (Entry& e : faults_) {
    const Fault& f = e.fault;
    if (f.stage != Stage::Wsman || before < f.after || (f.times != 0 && e.struck >= f.times)) continue;
    ++e.struck;
    return f;
  }
  return std::nullopt;
}

}  // namespace amtgate::sim
