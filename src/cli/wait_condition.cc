#include "amtgate/cli/wait_condition.h"

#include <algorithm>
#include <array>

namespace amtgate::cli {
namespace {

constexpr std::array<std::string_view, 4> kPowerWords = {"on", "off", "sleep", "hibernate"};

}  // namespace

bool is_power(std::string_view word, std::uint64_t state) {
  if (word == "on") return state == 2;
  if (word == "off") return state == 6 || state == 8;
  if (word == "sleep") return state == 3 || state == 4;
  return word == "hibernate" && state == 7;
}

Result<WaitCondition> WaitCondition::parse(std::string_view text) {
  using enum Kind;
  const Error wrong{Errc::BadValue,
                    "condition '" + std::string(text) +
                        "' (ping, amt, rmcp, tcp:PORT, power=on|off|sleep|hibernate, screen=FILE, these "
                        "with no- before them, or away)"};
  WaitCondition c;
  c.text = text;
  if (text == "away") {
    c.wanted = false;
    return c;
  }
  if (text.starts_with("no-")) {
    c.wanted = false;
    text.remove_prefix(3);
  }
  if (text == "ping") {
    c.kind = Ping;
  } else if (text == "amt") {
    c.kind = Amt;
  } else if (text == "rmcp") {
    c.kind = Rmcp;
  } else if (text.starts_with("tcp:")) {
    const Result<Port> port = parse_port(text.substr(4));
    if (!port) return wrong;
    c.kind = Tcp;
    c.port = *port;
  } else if (text.starts_with("power=")) {
    c.kind = Power;
    c.value = text.substr(6);
    if (std::ranges::find(kPowerWords, c.value) == kPowerWords.end()) return wrong;
  } else if (text.starts_with("screen=") && text.size() > 7) {
    c.kind = Screen;
    c.value = text.substr(7);
  } else {
    return wrong;
  }
  return c;
}

}  // namespace amtgate::cli
