#include "amtgate/simhost/event_log.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace amtgate::simhost {

Result<EventLog> EventLog::open(const std::string& path, TimePoint start) {
  EventLog log(start);
  if (path == "-") {
    log.out_ = stdout;
  } else if (!path.empty()) {
    log.file_.reset(std::fopen(path.c_str(), "ae"));
    if (!log.file_) return Error{Errc::System, "cannot write " + path + ": " + std::strerror(errno)};
    log.out_ = log.file_.get();
  }
  return log;
}

void EventLog::write(std::uint64_t connection, const std::string& fields, TimePoint now) {
  if (!out_) return;
  const double t = std::chrono::duration<double>(now - start_).count();
  std::string line = fmt::format("{{\"t\":{:.4f},", t);
  if (connection != 0) line += fmt::format("\"conn\":{},", connection);
  line += fields;
  line += "}\n";
  std::fwrite(line.data(), 1, line.size(), out_);
  std::fflush(out_);
}

}  // namespace amtgate::simhost
