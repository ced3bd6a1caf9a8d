// Any text is a configuration or a list of mistakes; every message is one line.
#include <cstdlib>

#include "amtgate/base/bytes.h"
#include "amtgate/config/parse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amtgate;
  const config::Parsed parsed = config::parse(as_text({data, size}), "fuzz");
  if (parsed.mistakes.empty() != parsed.config.has_value()) std::abort();
  for (const auto& list : {parsed.mistakes, parsed.warnings}) {
    for (const config::Mistake& m : list) {
      if (m.to_string().find('\n') != std::string::npos) std::abort();
    }
  }
  return 0;
}
