// Two machines joined in memory: what one sends, the other receives, one output unit at a time, until both are quiet.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "amtgate/base/machine.h"

namespace amtgate::test {

/// Moves bytes in at most `chunk` at a time. Errors of receive() are returned in the order they came.
template <Machine A, Machine B>
std::vector<Error> pump(A& a, B& b, TimePoint now, std::size_t chunk = 1U << 20) {
  std::vector<Error> errors;
  const auto move_one = [&](auto& from, auto& to) {
    const Bytes out = from.output();
    if (out.empty()) return false;
    const Bytes part = out.first(std::min(chunk, out.size()));
    const Buffer copy(part.begin(), part.end());
    from.sent(copy.size());
    if (const Result<void> r = to.receive(copy, now); !r) errors.push_back(r.error());
    return true;
  };
  for (unsigned i = 0; i < 1000000; ++i) {
    const bool moved = move_one(a, b);
    if (!move_one(b, a) && !moved) return errors;
  }
  ADD_FAILURE() << "two machines talk without end";
  return errors;
}

/// All events that are waiting, oldest first.
template <Machine M>
std::vector<typename M::Event> events(M& m) {
  std::vector<typename M::Event> out;
  while (auto e = m.next_event()) out.push_back(std::move(*e));
  return out;
}

/// All bytes that are waiting to be sent, each output unit for itself; they count as sent.
template <Machine M>
std::vector<Buffer> sent_messages(M& m) {
  std::vector<Buffer> out;
  while (!m.output().empty()) {
    out.emplace_back(m.output().begin(), m.output().end());
    m.sent(m.output().size());
  }
  return out;
}

}  // namespace amtgate::test
