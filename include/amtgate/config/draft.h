// Between text and configuration: what could be understood, what was wrong, and where each key was written, so that
// load() can go on to find the mistakes in files too and name them at the right line.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amtgate/config/parse.h"

namespace amtgate::config {

struct Place {
  std::size_t source = 0;  // index into the sources: the order of messages
  unsigned line = 0;
  bool empty = false;  // nothing stands behind the '='
};

struct Draft {
  Config config;
  Target defaults;  // what [defaults] says
  std::vector<Mistake> mistakes;
  std::vector<Mistake> warnings;

  /// Where `key` of a section was written: "gateway", "intercept", "defaults" or "target NAME". The first line when
  /// it stands there more than once.
  std::map<std::pair<std::string, std::string>, Place> places;

  /// Where the value came from that `target` has for `key`: its own section or [defaults]. Line 0 of the target's
  /// file when nobody wrote it.
  Place place(const Target& target, const std::string& key) const;
  Place place(const std::string& section, const std::string& key) const;
};

/// The names behind Place::source.
using Sources = std::span<const Source>;

/// Reads all sources; does not judge what keys mean together.
Draft read_draft(Sources sources);
/// Judges what keys mean together: adds to `mistakes` and `warnings`.
void check_draft(Draft& draft, Sources sources);
/// Sorts messages by place, drops repeated ones, cuts at kMaxMistakes, and gives the config if there was no mistake.
Parsed finish(Draft draft, Sources sources);

}  // namespace amtgate::config
