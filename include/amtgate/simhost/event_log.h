// EventLog: the simulator's JSON lines, one event each: {"t":1.250,"conn":3,"event":"auth","ok":true,…}
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "amtgate/base/handle.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"

namespace amtgate::simhost {

class EventLog {
 public:
  /// An empty path: nothing is written. "-": standard output. A file is appended to. Errors: System with the path.
  static Result<EventLog> open(const std::string& path, TimePoint start);

  /// `fields` as sim::JsonLine gives them; `connection` 0: the machine itself. Each line is flushed, so that a script
  /// can follow the file.
  void write(std::uint64_t connection, const std::string& fields, TimePoint now);

 private:
  explicit EventLog(TimePoint start) : start_(start) {}

  TimePoint start_;
  Handle<std::FILE, &std::fclose> file_;
  std::FILE* out_ = nullptr;
};

}  // namespace amtgate::simhost
