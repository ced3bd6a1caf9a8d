// Drives a machine from a fuzzer's bytes. The input is a sequence of records: a byte n of 1 to 200 is followed by n
// bytes that the machine receives; 201 to 255 let time pass (201: to its deadline); 0: the rest is received in one
// piece. After each record its events go to `on_event`, and its output is written, except after records whose n is a
// multiple of 7 (a slow reader).
#pragma once

#include <algorithm>
#include <cstdlib>

#include "amtgate/base/machine.h"

namespace amtgate::test {

/// A machine that keeps more than this for output or that repeats itself is broken.
inline constexpr std::size_t kMaxFuzzOutput = 1U << 21;

template <Machine M, class OnEvent>
void fuzz_machine(M& m, TimePoint now, Bytes in, OnEvent on_event) {
  bool over = false;
  while (!in.empty() && !over) {
    const std::size_t n = in[0];
    in = in.subspan(1);
    if (n > 200) {
      now = n == 201 && m.deadline() ? std::max(now, *m.deadline()) : now + seconds(n - 200);
      if (m.deadline() && now >= *m.deadline()) over = !m.tick(now);
    } else {
      const Bytes part = in.first(n == 0 ? in.size() : std::min(n, in.size()));
      in = in.subspan(part.size());
      over = !m.receive(part, now);
    }
    std::size_t events = 0;
    while (const auto e = m.next_event()) {
      on_event(*e, now);
      if (++events > 1U << 20) std::abort();
    }
    if (n % 7 == 0 && n != 0) continue;
    std::size_t written = 0;
    while (!m.output().empty()) {
      written += m.output().size();
      if (written > kMaxFuzzOutput) std::abort();
      // A write is rarely taken whole.
      m.sent(std::max<std::size_t>(1, m.output().size() * 3 / 4));
    }
  }
}

}  // namespace amtgate::test
