#include "amtgate/http/digest_header.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto answer = amtgate::http::parse_digest_answer(text))
    (void)amtgate::http::proves(*answer, "", "POST", text);
  if (const auto asked = amtgate::http::parse_digest_challenge(text)) {
    const auto said = amtgate::http::digest_answer(*asked, {"admin", "x"}, "POST", "/wsman", 1, "0a");
    if (said.size() < amtgate::http::kMaxDigestHeader && !amtgate::http::parse_digest_answer(said)) __builtin_trap();
  }
  return 0;
}
