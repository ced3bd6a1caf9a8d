#include "amtgate/http/message.h"

/// The first byte says how the rest is cut, and which side it comes from.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace amtgate;
  if (size < 2) return 0;
  const std::size_t step = 1 + (data[0] >> 2U);
  const Bytes all(data + 1, size - 1);
  http::RequestReader requests;
  http::AnswerReader answers;
  answers.expect((data[0] & 2U) != 0);
  for (std::size_t at = 0; at < all.size(); at += step) {
    const Bytes part = all.subspan(at, std::min(step, all.size() - at));
    if ((data[0] & 1U) != 0) {
      requests.receive(part);
      while (true) {
        const auto next = requests.next();
        if (!next) return 0;
        (void)requests.take_expectation();
        if (!*next) break;
        (void)(*next)->path();
        (void)(*next)->keep_alive();
        if ((*next)->body.size() > http::kMaxBody) __builtin_trap();
      }
      continue;
    }
    answers.receive(part);
    if (at + step >= all.size()) answers.closed();
    while (true) {
      const auto next = answers.next();
      if (!next) return 0;
      if (!*next) break;
    }
  }
  return 0;
}
