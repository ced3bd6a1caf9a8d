// The parts of the load program `screen`, see screen.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace amtgate::bench {

/// Plays a recording to everyone who connects. `pace`: frames a second, or a FIFO from which a byte is taken for each
/// frame. `stamps`, unless empty: a file that gets the time of each frame, see map_stamps().
int serve(const std::string& file, int redirection_port, int rfb_port, const std::string& pace,
          const std::string& stamps);

/// One viewer that lets the next frame be drawn (a byte into `pace`) when it has seen the one before, and says what
/// that took. Prints "mark PART" before each part of the recording and "mark end", and goes on when it reads a line.
/// Then one JSON object.
int follow(const std::string& file, const std::string& host, const std::string& port, const std::string& setting,
           const std::string& pace, const std::string& stamps);

/// `count` viewers, each at an address of its own from `host` on, of recordings that play at a rate. Prints "begin",
/// and "end" after `seconds`, then one JSON object.
int crowd(const std::string& file, const std::string& host, const std::string& port, const std::string& setting,
          unsigned count, double seconds);

/// Times in ns by monotonic_ns() of each of `count` frames' first bytes.
std::int64_t* map_stamps(const std::string& path, std::size_t count);
std::int64_t monotonic_ns();

}  // namespace amtgate::bench
