// Any head of a web server's answer is taken or refused; what is taken lies within the image.
#include <cstdlib>

#include "amtgate/base/bytes.h"
#include "amtgate/image/web_head.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amtgate;
  std::string_view text = as_text({data, size});
  image::Head head;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    image::take_line(head, text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  if (head.etag.size() > image::kMaxValidator || head.etag.find('\n') != std::string::npos) std::abort();
  if (const auto range = image::parse_content_range(head.content_range)) {
    if (range->first > range->last || range->last >= range->total) std::abort();
  }
  const auto opening = image::judge_opening(head);
  if (opening && opening->identity.size == 0) std::abort();
  const image::Identity known{1000, "\"a\"", ""};
  const auto answer = image::judge_range(head, known, 10, 19);
  if (answer && *answer == image::Answer::Bytes && head.status != 206) std::abort();
  if (image::shown_address(as_text({data, size})).size() > size) std::abort();
  (void)image::cache_name(as_text({data, size}));
  return 0;
}
