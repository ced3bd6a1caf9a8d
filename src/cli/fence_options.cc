#include "amtgate/cli/fence_options.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace amtgate::cli {
namespace {

using Set = Result<void> (*)(FenceOptions&, const std::string&);

struct Option {
  std::string_view name;  // on standard input; --name with dashes on the command line
  std::string_view old;   // the name that older cluster managers use
  char letter;            // 0: none
  std::string_view type;  // of metadata: string, integer, second, boolean, or the words to choose from: "a|b"
  std::string_view fallback;
  std::string_view help;
  Set set;
};

Error wrong(std::string_view name, const std::string& value, std::string_view wanted) {
  return Error{Errc::BadValue, std::string(name) + " '" + value + "' (" + std::string(wanted) + ")"};
}

Result<unsigned> number(std::string_view name, const std::string& value, unsigned most) {
  unsigned n = 0;
  const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), n);
  if (ec != std::errc{} || end != value.data() + value.size() || n > most) {
    return wrong(name, value, "0 to " + std::to_string(most));
  }
  return n;
}

// A fence agent that waits for a day is one that hangs.
constexpr unsigned kMostSeconds = 3600;
constexpr unsigned kMostRetries = 20;

template <seconds FenceOptions::*Field>
Result<void> set_seconds(FenceOptions& o, const std::string& v) {
  const Result<unsigned> n = number("seconds", v, kMostSeconds);
  if (!n) return n.error();
  o.*Field = seconds(*n);
  return {};
}

template <std::string FenceOptions::*Field>
Result<void> set_text(FenceOptions& o, const std::string& v) {
  o.*Field = v;
  return {};
}

template <bool FenceOptions::*Field>
Result<void> set_switch(FenceOptions& o, const std::string&) {
  o.*Field = true;
  return {};
}

Result<void> set_action(FenceOptions& o, const std::string& v) {
  std::string word = v;
  std::ranges::transform(word, word.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (word == "meta-data") word = "metadata";
  if (word == "enable") word = "on";
  if (word == "disable") word = "off";
  if (std::ranges::find(fence_actions(), word) == fence_actions().end()) {
    std::string known;
    for (const std::string_view a : fence_actions()) known += (known.empty() ? "" : ", ") + std::string(a);
    return wrong("action", v, known);
  }
  o.action = word;
  return {};
}

Result<void> set_method(FenceOptions& o, const std::string& v) {
  if (v != "onoff" && v != "cycle") return wrong("method", v, "onoff or cycle");
  o.cycle = v == "cycle";
  return {};
}

Result<void> set_port(FenceOptions& o, const std::string& v) {
  const Result<unsigned> n = number("ipport", v, 65535);
  if (!n) return n.error();
  o.port = static_cast<std::uint16_t>(*n);
  return {};
}

Result<void> set_password(FenceOptions& o, const std::string& v) {
  o.password = config::Secret(v);
  return {};
}

Result<void> set_retry(FenceOptions& o, const std::string& v) {
  const Result<unsigned> n = number("retry_on", v, kMostRetries);
  if (!n) return n.error();
  o.retry_on = *n;
  return {};
}

Result<void> set_verbose(FenceOptions& o, const std::string&) {
  ++o.verbose;
  return {};
}

Result<void> set_verbose_level(FenceOptions& o, const std::string& v) {
  const Result<unsigned> n = number("verbose_level", v, 100);
  if (!n) return n.error();
  o.verbose = *n;
  return {};
}

/// How to log in is said as for every command that talks to a machine itself; it may read files, so it comes later.
template <std::size_t N>
struct Word {
  char text[N];
  constexpr Word(const char (&t)[N]) { std::copy_n(t, N, text); }
};
template <Word Option>
Result<void> set_login(FenceOptions& o, const std::string& v) {
  o.login.emplace_back(Option.text, v);
  return {};
}

/// Taken, and without a meaning here: other agents have it, so configurations name it.
Result<void> ignore(FenceOptions&, const std::string&) {
  return {};
}

using F = FenceOptions;
constexpr Option kOptions[] = {
    {"action", "", 'o', "string", "reboot", "on, off, reboot, status, monitor, list, list-status, metadata",
     set_action},
    {"plug", "port", 'n', "string", "", "the machine: a target of amtgate's configuration", set_text<&F::plug>},
    {"config", "", 0, "string", "", "amtgate's configuration, if elsewhere", set_text<&F::config>},
    {"ip", "ipaddr", 'a', "string", "", "the AMT's address or name, for a machine without a configuration",
     set_text<&F::ip>},
    {"ipport", "", 'u', "integer", "", "its port; without one 16993, 664, 16992 and 623 are tried", set_port},
    {"username", "login", 'l', "string", "admin", "who logs in there", set_text<&F::username>},
    {"password", "passwd", 'p', "string", "", "the password", set_password},
    {"password_script", "passwd_script", 'S', "string", "", "a program that prints the password",
     set_text<&F::password_script>},
    {"password_file", "", 0, "string", "", "a file with the password in its first line",
     set_login<"--password-file">},
    {"ssl", "", 'z', "boolean", "", "with TLS only; a certificate that is not named is remembered at its first use",
     set_login<"--tls">},
    {"ssl_secure", "", 0, "boolean", "", "as ssl", set_login<"--tls">},
    {"ssl_insecure", "", 0, "boolean", "", "as ssl: an unknown certificate is taken once, another one later is not",
     set_login<"--tls">},
    {"plain", "", 0, "boolean", "", "without TLS", set_login<"--plain">},
    {"ca", "", 0, "string", "", "file with the CA that the machine's certificate must come from", set_login<"--ca">},
    {"pin", "", 0, "string", "", "SHA-256 of its certificate or its key", set_login<"--pin">},
    {"tls_min", "", 0, "1.0|1.1|1.2|1.3", "1.2", "the oldest TLS that is spoken", set_login<"--tls-min">},
    {"state", "", 0, "string", "", "folder where certificates seen at first use are remembered",
     set_login<"--state">},
    {"method", "", 'm', "onoff|cycle", "onoff", "how to reboot: off, seen to be off, on; or one power cycle",
     set_method},
    {"port_as_ip", "", 0, "boolean", "", "the plug is an address", set_switch<&F::plug_is_ip>},
    {"plug_separator", "", 0, "string", ",", "between several plugs", set_text<&F::plug_separator>},
    {"separator", "", 'C', "string", ",", "between the columns of list", set_text<&F::separator>},
    {"quiet", "", 'q', "boolean", "", "nothing on standard error", set_switch<&F::quiet>},
    {"verbose", "", 'v', "boolean", "", "each step on standard error", set_verbose},
    {"verbose_level", "", 0, "integer", "", "0: as without verbose", set_verbose_level},
    {"debug_file", "debug", 'D', "string", "", "each step into this file", set_text<&F::debug_file>},
    {"version", "", 'V', "boolean", "", "print the version", set_switch<&F::version>},
    {"help", "", 'h', "boolean", "", "print a summary", set_switch<&F::help>},
    {"delay", "", 0, "second", "0", "wait before anything is switched", set_seconds<&F::delay>},
    {"power_timeout", "", 0, "second", "20", "how long a machine may take to get where it is told to",
     set_seconds<&F::power_timeout>},
    {"power_wait", "", 0, "second", "0", "wait behind each command before looking", set_seconds<&F::power_wait>},
    {"stonith_status_sleep", "", 0, "second", "1", "between two looks", set_seconds<&F::status_sleep>},
    {"login_timeout", "", 0, "second", "5", "for a connection", set_seconds<&F::login_timeout>},
    {"shell_timeout", "", 0, "second", "10", "for an answer", set_seconds<&F::shell_timeout>},
    {"retry_on", "", 0, "integer", "1", "how often to try again to switch on", set_retry},
    {"disable_timeout", "", 0, "string", "", "without effect: no wait of this agent is without an end", ignore},
};

// Cluster managers send these to every agent.
constexpr std::string_view kNotForUs[] = {"nodename", "agent", "crm_feature_set"};

constexpr std::string_view kActions[] = {"on",   "off",         "reboot",   "status",      "monitor",
                                         "list", "list-status", "metadata", "validate-all"};

std::string dashed(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '_', '-');
  return out;
}

const Option* find(std::string_view name) {
  std::string key(name);
  std::ranges::replace(key, '-', '_');
  for (const Option& o : kOptions) {
    if (o.name == key || (!o.old.empty() && o.old == key)) return &o;
  }
  return nullptr;
}

bool is_switch(const Option& o) {
  return o.type == "boolean";
}

std::string_view trim(std::string_view t) {
  while (!t.empty() && (t.front() == ' ' || t.front() == '\t')) t.remove_prefix(1);
  while (!t.empty() && (t.back() == ' ' || t.back() == '\t' || t.back() == '\r')) t.remove_suffix(1);
  return t;
}

/// "ssl=0" on standard input.
bool says_no(std::string_view value) {
  return value == "0" || value == "no" || value == "off" || value == "false";
}

Result<FenceOptions> finish(FenceOptions o) {
  if (o.plug_is_ip && o.ip.empty()) o.ip = o.plug;
  if (o.status_sleep < seconds(1)) o.status_sleep = seconds(1);
  return o;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

/// "-p, --password=[password]"
std::string usage(const Option& o) {
  std::string out = o.letter ? std::string("-") + o.letter + ", " : "";
  out += "--" + dashed(o.name);
  if (!is_switch(o))
    out += "=[" + (o.type.find('|') == std::string_view::npos ? std::string(o.name) : std::string(o.type)) + "]";
  return out;
}

std::string content(const Option& o) {
  const std::string fallback = o.fallback.empty() ? "" : " default=\"" + escaped(o.fallback) + "\"";
  if (o.type.find('|') == std::string_view::npos) {
    return "<content type=\"" + std::string(o.type) + "\"" + fallback + "/>";
  }
  std::string out = "<content type=\"select\"" + fallback + ">";
  for (std::string_view rest = o.type; !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find('|'));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    out += "<option value=\"" + escaped(word) + "\"/>";
  }
  return out + "</content>";
}

std::string parameter(const Option& o, std::string_view name, const std::string& more) {
  return "  <parameter name=\"" + std::string(name) + "\" unique=\"0\" required=\"" +
         (o.name == "action" ? "1" : "0") + "\"" + more + ">\n    <getopt mixed=\"" + escaped(usage(o)) +
         "\"/>\n    " + content(o) + "\n    <shortdesc lang=\"en\">" + escaped(o.help) +
         "</shortdesc>\n  </parameter>\n";
}

}  // namespace

std::span<const std::string_view> fence_actions() {
  return kActions;
}

Result<FenceOptions> parse_fence_input(std::string_view text) {
  if (text.size() > kMaxFenceInput) {
    return Error{Errc::TooLarge, "more than " + std::to_string(kMaxFenceInput) + " bytes on standard input"};
  }
  FenceOptions o;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = trim(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(
        std::min(rest.size(), rest.find('\n') == std::string_view::npos ? rest.size() : rest.find('\n') + 1));
    if (line.empty() || line.front() == '#') continue;
    const std::size_t eq = line.find('=');
    const std::string_view name = trim(line.substr(0, eq));
    std::string_view value = eq == std::string_view::npos ? std::string_view() : line.substr(eq + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    const Option* option = find(name);
    if (option == nullptr) {
      if (std::ranges::find(kNotForUs, name) == std::end(kNotForUs)) o.unknown.emplace_back(name);
      continue;
    }
    if (is_switch(*option) && says_no(value)) continue;
    // Older managers give every parameter there is, also those without a value.
    if (!is_switch(*option) && value.empty()) continue;
    const Result<void> set = option->set(o, std::string(value));
    if (!set) return Error{Errc::BadValue, std::string(option->name) + ": " + set.error().detail};
  }
  return finish(std::move(o));
}

Result<FenceOptions> parse_fence_words(std::span<const char* const> words) {
  FenceOptions o;
  const auto apply = [&](const Option& option, const std::string& shown, const std::string& value) -> Result<void> {
    const Result<void> set = option.set(o, value);
    if (!set) return Error{Errc::BadValue, shown + ": " + set.error().detail};
    return {};
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const Option* option = nullptr;
    std::string shown;
    std::optional<std::string> value;
    if (word.starts_with("--") && word.size() > 2) {
      const std::size_t eq = word.find('=');
      shown = word.substr(0, eq);
      option = find(word.substr(2, eq == std::string_view::npos ? eq : eq - 2));
      if (eq != std::string_view::npos) value = word.substr(eq + 1);
    } else if (word.starts_with("-") && word.size() > 1) {
      for (std::string_view letters = word.substr(1); !letters.empty();) {
        const auto found = std::ranges::find(kOptions, letters.front(), &Option::letter);
        option = found == std::end(kOptions) ? nullptr : &*found;
        shown = std::string("-") + letters.front();
        letters.remove_prefix(1);
        if (option == nullptr) break;
        if (!is_switch(*option)) {
          if (!letters.empty()) value = letters;
          break;
        }
        if (letters.empty()) break;
        if (const Result<void> done = apply(*option, shown, ""); !done) return done.error();
      }
    }
    // Only the option is said again: what stands behind it may be a password.
    if (option == nullptr) {
      return Error{Errc::BadValue,
                   (shown.empty() ? "an argument that is no option" : "unknown option '" + shown + "'") +
                       std::string("; try --help")};
    }
    if (is_switch(*option)) {
      if (value) return Error{Errc::BadValue, shown + " takes no value"};
    } else if (!value) {
      if (++i == words.size()) return Error{Errc::BadValue, shown + " needs a value"};
      value = words[i];
    }
    if (const Result<void> done = apply(*option, shown, value.value_or("")); !done) return done.error();
  }
  return finish(std::move(o));
}

std::string fence_metadata(std::string_view agent) {
  std::string out =
      "<?xml version=\"1.0\"?>\n<resource-agent name=\"" + escaped(agent) +
      "\" shortdesc=\"Fence agent for Intel AMT\">\n<longdesc>" + escaped(agent) +
      " switches machines off and on through Intel AMT, over WS-Management with digest authentication and "
      "TLS. A machine is a target of amtgate's configuration, which knows its address, its credentials "
      "and its certificate, or is given by address, user name and password. Success means that the "
      "machine was seen in the state that was asked for.</longdesc>\n"
      "<vendor-url>https://www.intel.com/</vendor-url>\n<parameters>\n";
  for (const Option& o : kOptions) {
    if (!o.old.empty()) out += parameter(o, o.old, " deprecated=\"1\"");
    out += parameter(o, o.name, o.old.empty() ? "" : " obsoletes=\"" + std::string(o.old) + "\"");
  }
  out += "</parameters>\n<actions>\n  <action name=\"on\" automatic=\"0\"/>\n";
  for (const std::string_view a : kActions) {
    if (a != "on") out += "  <action name=\"" + std::string(a) + "\"/>\n";
  }
  return out + "</actions>\n</resource-agent>\n";
}

std::string fence_help(std::string_view agent) {
  std::string out = "usage: " + std::string(agent) +
                    " [options]; without any, name=value lines are read from standard input. See fence_amtgate(8).\n";
  for (const Option& o : kOptions) {
    std::string left = "  " + usage(o);
    left.resize(std::max<std::size_t>(left.size() + 1, 46), ' ');
    out += left + std::string(o.help) + (o.fallback.empty() ? "" : " (" + std::string(o.fallback) + ")") + "\n";
  }
  return out;
}

}  // namespace amtgate::cli
