#include "amtgate/config/ini.h"

#include <ini.h>

#include <algorithm>
#include <cstdio>
#include <mutex>

#include "amtgate/config/values.h"

namespace amtgate::config {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::size_t kMaxName = 40;  // inih cuts keys and sections at 49 bytes

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

bool is_key(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// One run of inih over one text. inih calls next_line() for a line and then entry() for what it made of it, so that
// the reader's line is the entry's.
class Run {
 public:
  Run(std::string_view text, const std::string& name, std::vector<Mistake>& mistakes)
      : rest_(text), name_(name), mistakes_(mistakes) {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
  }

  std::vector<IniSection> sections;

  static char* next_line(char* out, int size, void* self) {
    return static_cast<Run*>(self)->fill(out, static_cast<std::size_t>(size));
  }
  static int entry(void* self, const char*, const char* key, const char* value) {
    static_cast<Run*>(self)->add(key, value);
    return 1;
  }

 private:
  void mistake(std::string text) { mistakes_.push_back({name_, line_, std::move(text)}); }

  char* fill(char* out, std::size_t size) {
    if (rest_.empty()) return nullptr;
    ++line_;
    const std::size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!accept(line) || line.size() + 2 > size) line = {};
    std::copy(line.begin(), line.end(), out);
    out[line.size()] = '\n';
    out[line.size() + 1] = '\0';
    return out;
  }

  /// Whether inih may see this line; says what is wrong with it otherwise.
  bool accept(std::string_view line) {
    if (line.size() > kMaxLine) {
      mistake("the line is longer than " + std::to_string(kMaxLine) + " bytes");
      return false;
    }
    for (const char c : line) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte >= 0x20 && byte != 0x7f) || c == '\t') continue;
      char hex[8];
      std::snprintf(hex, sizeof hex, "0x%02x", byte);
      mistake(std::string("the line holds a control character (") + hex + ")");
      return false;
    }
    const std::string_view text = trim(line);
    if (text.empty() || text.front() == ';' || text.front() == '#') return false;
    if (text.front() == '[') {
      open_section(text);
      return false;  // sections are kept here, since inih tells of none without entries
    }
    return accept_entry(line, text);
  }

  bool accept_entry(std::string_view line, std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
      // The text is not shown: it may be the second line of a password.
      mistake(line.front() == ' ' || line.front() == '\t'
                  ? "no '=' in this line; a value does not go on over the next line (repeat the key of a list)"
                  : "no '=' in this line: neither [SECTION], KEY = VALUE nor a comment");
      return false;
    }
    if (!is_key(trim(text.substr(0, equals)))) {
      mistake("what stands before '=' is not a key");
      return false;
    }
    if (sections.empty()) {
      if (!skipping_) mistake("a key before the first [SECTION]");
      return false;
    }
    return !skipping_;
  }

  void open_section(std::string_view text) {
    skipping_ = true;  // what follows a wrong section would only add noise
    if (text.find(']') != text.size() - 1) {
      mistake("a section is [NAME] and nothing behind it");
      return;
    }
    const std::vector<std::string_view> parts = words(text.substr(1, text.size() - 2));
    if (parts.empty()) {
      mistake("a section without a name");
      return;
    }
    if (sections.size() == kMaxTargets) {
      mistake("more than " + std::to_string(kMaxTargets) + " sections");
      rest_ = {};
      return;
    }
    if (parts[0].size() > kMaxName || parts.size() > 2) {
      mistake("a section's name is one word; a target is [target NAME]");
      return;
    }
    skipping_ = false;
    sections.push_back({line_, std::string(parts[0]), parts.size() > 1 ? std::string(parts[1]) : std::string(), {}});
  }

  void add(const char* key, const char* value) { sections.back().entries.push_back({line_, key, value}); }

  std::string_view rest_;
  const std::string& name_;
  std::vector<Mistake>& mistakes_;
  unsigned line_ = 0;
  bool skipping_ = false;
};

// Debian builds inih so that its options are variables. They are the process's own: nothing else here uses inih.
void set_options() {
  ini_allow_multiline = false;
  ini_allow_bom = false;
  ini_allow_inline_comments = false;
  ini_stop_on_first_error = false;
  ini_use_stack = false;  // the stack buffer has 200 bytes, whatever ini_max_line says
  ini_allow_realloc = false;
  ini_max_line = static_cast<int>(kMaxLine) + 8;
  ini_initial_alloc = static_cast<int>(kMaxLine) + 8;
}

}  // namespace

std::vector<IniSection> read_ini(std::string_view text, const std::string& name, std::vector<Mistake>& mistakes) {
  static std::once_flag once;
  std::call_once(once, set_options);
  if (text.size() > kMaxFile) {
    mistakes.push_back({name, 0, "the file is larger than " + std::to_string(kMaxFile) + " bytes"});
    return {};
  }
  Run run(text, name, mistakes);
  if (ini_parse_stream(&Run::next_line, &run, &Run::entry, &run) < 0) {
    mistakes.push_back({name, 0, "no memory to read the file"});
  }
  return std::move(run.sections);
}

}  // namespace amtgate::config
