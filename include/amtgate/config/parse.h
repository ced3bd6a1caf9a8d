// Text to configuration: a pure function that reads no file and no clock.
//
// The language is INI as inih reads it, less its surprises: a comment stands on a line of its own and starts with ;
// or #, a value is all that follows the first '=' with the white space around it taken off (a password may hold ; and
// #), no value goes on over the next line, and list keys may be repeated. [defaults] applies to every target wherever
// it stands.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/config/config.h"

namespace amtgate::config {

/// One file's text and the name that messages call it by.
struct Source {
  std::string name;
  std::string text;
  bool targets_only = false;  // a file of targets.d: it holds [target NAME] sections and nothing else
};

/// Something to say about one line; line 0 is about the file as a whole.
struct Mistake {
  std::string file;
  unsigned line = 0;
  std::string text;

  /// "FILE:LINE: what is wrong" ("FILE: what is wrong" for line 0).
  std::string to_string() const;
  bool operator==(const Mistake&) const = default;
};

struct Parsed {
  std::optional<Config> config;   // only without mistakes
  std::vector<Mistake> mistakes;  // all of them, in the order of files and lines
  std::vector<Mistake> warnings;  // what is valid, but has no effect or is likely meant otherwise
  explicit operator bool() const { return config.has_value(); }
};

/// Limits, each a mistake when passed: a line is longer than any certificate path or list one would write by hand; a
/// file holds some 10,000 targets.
constexpr std::size_t kMaxLine = 4000;
constexpr std::size_t kMaxFile = 8 * 1024 * 1024;
constexpr std::size_t kMaxTargets = 65536;
constexpr std::size_t kMaxMistakes = 200;  // more of them help nobody; the last one says that there are more

/// Never shows a secret's value in a message. The files that keys name are not looked at: see load.h.
Parsed parse(std::span<const Source> sources);
Parsed parse(std::string_view text, std::string_view name);

}  // namespace amtgate::config
