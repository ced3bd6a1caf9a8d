// INI text to sections and entries, each with its line: inih, fed by a reader of our own that counts lines and
// refuses what inih 55 as packaged would silently change (a line over its limit is parsed as two, an indented line
// can go to the key before, a value ends at " ;").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "amtgate/config/parse.h"

namespace amtgate::config {

struct IniEntry {
  unsigned line = 0;
  std::string key;
  std::string value;
};

struct IniSection {
  unsigned line = 0;
  std::string kind;  // "gateway"; "target" of [target pc1]
  std::string name;  // "pc1"; empty for the others
  std::vector<IniEntry> entries;
};

/// Sections in the order of the text, the repeated ones too. What is not a section, an entry, a comment or blank is a
/// mistake in `mistakes`, and is left out. A message never shows what could be the rest of a secret.
/// Limits: kMaxLine, kMaxFile, and sections up to kMaxTargets.
std::vector<IniSection> read_ini(std::string_view text, const std::string& name, std::vector<Mistake>& mistakes);

}  // namespace amtgate::config
