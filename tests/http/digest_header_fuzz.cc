#include "amtgate/http/digest_header.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto answer = amtgate::http::parse_digest_answer(text))
    (void)amtgate::http::proves(*answer, "", "POST", text);
  return 0;
}
