// RawTerminal: a person's terminal as a console program wants it, and as it was before when that is over.
#pragma once

#include <string>

namespace amtgate::cli {

class RawTerminal {
 public:
  /// Raw while it lives. Also a signal that kills the process gives the terminal back first. At most one at a time.
  /// `fd` is a terminal; where its settings cannot be changed nothing happens.
  explicit RawTerminal(int fd);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

  /// The window's title, with what stood there before kept and given back at the end (xterm's stack of titles).
  /// Control characters are left out.
  void set_title(const std::string& title);

  /// Stops this process as a shell's Ctrl-Z does, with the terminal given back meanwhile.
  void suspend();

 private:
  void give_back();
  void make_raw();
  int fd_;
};

}  // namespace amtgate::cli
