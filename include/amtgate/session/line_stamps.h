// LineStamps: a serial console's output for a file, with the time in front of each line.
#pragma once

#include <string_view>

#include "amtgate/base/bytes.h"

namespace amtgate::session {

class LineStamps {
 public:
  /// Appends `in` to `out`, and `stamp` and a blank in front of the first byte of each line. A line ends with LF.
  void write(Bytes in, std::string_view stamp, Buffer& out) {
    for (const std::uint8_t c : in) {
      if (begins_) {
        append(out, stamp);
        out.push_back(' ');
      }
      out.push_back(c);
      begins_ = c == '\n';
    }
  }

 private:
  bool begins_ = true;
};

}  // namespace amtgate::session
