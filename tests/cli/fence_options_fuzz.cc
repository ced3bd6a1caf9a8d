#include "amtgate/cli/fence_options.h"

#include "amtgate/base/bytes.h"

using namespace amtgate;

// What a cluster manager sends on standard input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(as_text({data, size}));
  (void)cli::parse_fence_input(text);
  std::vector<const char*> words;
  std::vector<std::string> kept;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    kept.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  for (const std::string& word : kept) words.push_back(word.c_str());
  (void)cli::parse_fence_words(words);
  return 0;
}
