#include "amtgate/config/parse.h"

#include <algorithm>
#include <array>
#include <set>

#include "amtgate/config/draft.h"
#include "amtgate/config/ini.h"
#include "amtgate/config/keys.h"
#include "amtgate/config/values.h"

namespace amtgate::config {
namespace {

constexpr std::size_t kMaxCompared = 40;  // no name is longer

// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

class Nearest {
 public:
  explicit Nearest(std::string_view wanted) : wanted_(wanted.substr(0, kMaxCompared)) {}
  void offer(std::string_view name) {
    const std::size_t d = distance(wanted_, name);
    if (best_.empty() || d < least_) {
      best_ = name;
      least_ = d;
    }
  }
  std::string_view best() const { return best_; }

 private:
  std::string_view wanted_;
  std::string_view best_;
  std::size_t least_ = 0;
};

constexpr std::array<const char*, 4> kSections = {"gateway", "intercept", "defaults", "target"};

// The section that knows `key`, other than `but`; empty when there is none.
std::string_view owner_of(std::string_view key, std::string_view but) {
  if (but != "gateway" && find_key(gateway_keys(), key) != nullptr) return "[gateway]";
  if (but != "intercept" && find_key(intercept_keys(), key) != nullptr) return "[intercept]";
  if (but != "target" && but != "defaults" && find_key(target_keys(), key) != nullptr)
    return "[target NAME] and [defaults]";
  return {};
}

// Reads the sections of all sources into a draft: first everything but targets, then the targets over [defaults].
class Builder {
 public:
  explicit Builder(Sources sources) : sources_(sources) {}

  Draft run() {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      sections_.push_back(read_ini(sources_[i].text, sources_[i].name, draft_.mistakes));
    }
    for (source_ = 0; source_ < sources_.size(); ++source_) {
      for (const IniSection& section : sections_[source_]) shared(section);
    }
    for (source_ = 0; source_ < sources_.size(); ++source_) {
      for (const IniSection& section : sections_[source_]) {
        if (section.kind == "target") target(section);
      }
    }
    return std::move(draft_);
  }

 private:
  void mistake(unsigned line, std::string text) {
    draft_.mistakes.push_back({sources_[source_].name, line, std::move(text)});
  }

  void shared(const IniSection& section) {
    if (section.kind == "target") return;
    const bool known = std::ranges::find(kSections, section.kind) != kSections.end();
    if (!known) {
      Nearest nearest(section.kind);
      for (const char* name : kSections) nearest.offer(name);
      mistake(section.line, "unknown section [" + section.kind + "]; the nearest known one is [" +
                                std::string(nearest.best()) + (nearest.best() == "target" ? " NAME]" : "]"));
      return;
    }
    if (!section.name.empty()) {
      mistake(section.line, "[" + section.kind + "] takes no name");
      return;
    }
    if (sources_[source_].targets_only) {
      mistake(section.line,
              "[" + section.kind + "] belongs into the main file; here stand [target NAME] sections only");
      return;
    }
    if (!seen_.insert(section.kind).second) {
      mistake(section.line, "[" + section.kind + "] stands here a second time");
      return;
    }
    if (section.kind == "gateway") {
      fill(section, section.kind, gateway_keys(), draft_.config.gateway);
    } else if (section.kind == "intercept") {
      fill(section, section.kind, intercept_keys(), draft_.config.intercept);
    } else {
      fill(section, section.kind, target_keys(), draft_.defaults);
    }
  }

  void target(const IniSection& section) {
    const Result<std::string> name = parse_word(section.name);
    if (!name) {
      mistake(section.line, section.name.empty() ? "a target has a name: [target NAME]"
                                                 : "[target NAME]: the name " + name.error().detail);
      return;
    }
    const auto [at, first] = names_.insert({*name, draft_.config.targets.size()});
    if (!first) {
      const Target& other = draft_.config.targets[at->second];
      mistake(section.line,
              "a second [target " + *name + "]; the first is at " + other.file + ":" + std::to_string(other.line));
      return;
    }
    Target target = draft_.defaults;
    target.name = *name;
    target.file = sources_[source_].name;
    target.line = section.line;
    fill(section, "target " + *name, target_keys(), target);
    draft_.config.targets.push_back(std::move(target));
  }

  template <class T>
  void fill(const IniSection& section, const std::string& place, std::span<const Key<T>> keys, T& to) {
    for (const IniEntry& entry : section.entries) {
      const Key<T>* key = find_key(keys, entry.key);
      if (key == nullptr) {
        unknown(entry, section.kind, keys);
        continue;
      }
      if (section.kind == "defaults" && entry.key == "address") {
        mistake(entry.line, "address belongs to one target: it cannot stand in [defaults]");
        continue;
      }
      const auto [at, first] = draft_.places.insert({{place, entry.key}, {source_, entry.line, entry.value.empty()}});
      if (!first && key->repeat == Repeat::No) {
        mistake(entry.line,
                entry.key + " stands here a second time; the first is in line " + std::to_string(at->second.line));
        continue;
      }
      const Result<void> set = key->set(to, entry.value, first ? Key<T>::Order::First : Key<T>::Order::Next);
      if (!set) {
        mistake(entry.line, entry.key + ": " + set.error().detail);
      } else if (const char* why = key->no_effect(to)) {
        draft_.warnings.push_back({sources_[source_].name, entry.line, entry.key + ": " + why});
      }
    }
  }

  template <class T>
  void unknown(const IniEntry& entry, const std::string& kind, std::span<const Key<T>> keys) {
    const std::string where = kind == "target" ? "[target NAME]" : "[" + kind + "]";
    const std::string_view owner = owner_of(entry.key, kind);
    if (!owner.empty()) {
      mistake(entry.line, "'" + entry.key + "' is not a key of " + where + ", but of " + std::string(owner));
      return;
    }
    Nearest nearest(entry.key);
    for (const Key<T>& key : keys) nearest.offer(key.name);
    mistake(entry.line, "unknown key '" + entry.key + "' in " + where + "; the nearest known one is '" +
                            std::string(nearest.best()) + "'");
  }

  Sources sources_;
  std::vector<std::vector<IniSection>> sections_;
  std::size_t source_ = 0;
  std::set<std::string> seen_;                // sections that may stand once
  std::map<std::string, std::size_t> names_;  // of targets
  Draft draft_;
};

void tidy(std::vector<Mistake>& list, Sources sources) {
  const auto order = [&](const Mistake& m) {
    const auto at = std::ranges::find(sources, m.file, &Source::name);
    return at - sources.begin();
  };
  std::ranges::stable_sort(list, [&](const Mistake& a, const Mistake& b) {
    return std::pair(order(a), a.line) < std::pair(order(b), b.line);
  });
  // A key of [defaults] is judged once for every target.
  std::vector<Mistake> kept;
  std::set<std::pair<std::string, std::string>> seen;
  for (Mistake& m : list) {
    if (seen.insert({m.file + ":" + std::to_string(m.line), m.text}).second) kept.push_back(std::move(m));
  }
  if (kept.size() > kMaxMistakes) {
    const std::size_t more = kept.size() - kMaxMistakes;
    kept.resize(kMaxMistakes);
    kept.push_back({kept.back().file, 0, "and " + std::to_string(more) + " more"});
  }
  list = std::move(kept);
}

}  // namespace

std::string Mistake::to_string() const {
  return line == 0 ? file + ": " + text : file + ":" + std::to_string(line) + ": " + text;
}

Place Draft::place(const std::string& section, const std::string& key) const {
  const auto at = places.find({section, key});
  return at == places.end() ? Place{} : at->second;
}

Place Draft::place(const Target& target, const std::string& key) const {
  const Place own = place("target " + target.name, key);
  return own.line != 0 ? own : place("defaults", key);
}

Draft read_draft(Sources sources) {
  return Builder(sources).run();
}

Parsed finish(Draft draft, Sources sources) {
  Parsed out;
  tidy(draft.mistakes, sources);
  tidy(draft.warnings, sources);
  out.mistakes = std::move(draft.mistakes);
  out.warnings = std::move(draft.warnings);
  if (out.mistakes.empty()) out.config = std::move(draft.config);
  return out;
}

Parsed parse(std::span<const Source> sources) {
  Draft draft = read_draft(sources);
  check_draft(draft, sources);
  return finish(std::move(draft), sources);
}

Parsed parse(std::string_view text, std::string_view name) {
  const Source source{std::string(name), std::string(text), false};
  return parse(std::span(&source, 1));
}

}  // namespace amtgate::config
