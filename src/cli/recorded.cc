#include "amtgate/cli/recorded.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

using nlohmann::json;

std::string text_of(const json& line, const char* name) {
  const auto found = line.find(name);
  return found != line.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_of(const json& line, const char* name) {
  const auto found = line.find(name);
  return found != line.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

void read_head(const std::string& path, Recorded& out) {
  const Result<std::string> text = sys::read_file(path, kMaxRecordHead);
  if (!text) return;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    const json line = json::parse(text->begin() + static_cast<std::ptrdiff_t>(at),
                                  text->begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    at = end + 1;
    if (!line.is_object()) continue;
    if (line.contains("version")) {
      out.target = text_of(line, "target");
      out.service = text_of(line, "service");
      out.device = text_of(line, "device");
      out.started = text_of(line, "started");
    }
    out.length_ms = std::max(out.length_ms, number_of(line, "at"));
    const std::string event = text_of(line, "event");
    if (event == "join") out.who.push_back({text_of(line, "user"), text_of(line, "client"), number_of(line, "at")});
    out.ended = out.ended || event == "end";
    if (event == "cut") out.cut = text_of(line, "why");
  }
}

/// From when it began to when its file was written last.
std::uint64_t length_so_far(const Recorded& r) {
  std::tm t{};
  if (::strptime(r.started.c_str(), "%Y-%m-%dT%H:%M:%S", &t) == nullptr) return 0;
  const std::int64_t s = sys::file_stamp(r.file).modified_s - ::timegm(&t);
  return s > 0 ? static_cast<std::uint64_t>(s) * 1000 : 0;
}

}  // namespace

Result<std::vector<Recorded>> find_recordings(const std::string& folder) {
  if (::access(folder.c_str(), R_OK | X_OK) != 0 && errno != ENOENT) {
    return Error{Errc::System,
                 folder + ": " + std::strerror(errno) + "; recordings are the daemon's own, try as root"};
  }
  const Result<std::vector<std::string>> files = sys::list_directory(folder, "");
  if (!files) return files.error();
  std::map<std::string, Recorded> all;
  for (const std::string& path : *files) {
    const std::string name = path.substr(path.rfind('/') + 1);
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos) continue;
    const std::string suffix = name.substr(dot);
    if (suffix != ".json" && suffix != ".fbs" && suffix != ".cast") continue;
    Recorded& r = all[name.substr(0, dot)];
    r.id = name.substr(0, dot);
    r.bytes += static_cast<std::uint64_t>(std::max<std::int64_t>(sys::file_stamp(path).size, 0));
    if (suffix == ".json") {
      read_head(path, r);
    } else {
      r.file = path;
    }
  }
  std::vector<Recorded> out;
  for (auto& [id, r] : all) {
    if (!r.ended && r.cut.empty()) r.length_ms = std::max(r.length_ms, length_so_far(r));
    out.push_back(std::move(r));
  }
  std::ranges::stable_sort(out, {}, &Recorded::started);
  return out;
}

Result<Recorded> find_recording(const std::string& folder, const std::string& id) {
  Result<std::vector<Recorded>> all = find_recordings(folder);
  if (!all) return all.error();
  const Recorded* found = nullptr;
  for (const Recorded& r : *all) {
    if (r.id == id) return r;
    if (id.empty() || !r.id.starts_with(id)) continue;
    if (found != nullptr) return Error{Errc::Refused, "'" + id + "' begins several recordings; write more of it"};
    found = &r;
  }
  if (found == nullptr) return Error{Errc::Refused, "no recording '" + id + "'; `amtgate record list` shows them"};
  return *found;
}

}  // namespace amtgate::cli
