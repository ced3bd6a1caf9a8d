// Any line gets an answer that parse_reply() takes; any reply and any HTTP head is taken apart without harm.
#include <cstdlib>

#include "amtgate/base/bytes.h"
#include "amtgate/control/metrics.h"
#include "amtgate/control/protocol.h"

namespace {

class Nothing final : public amtgate::control::Commands {
 public:
  amtgate::control::Status status() const override { return {}; }
  std::vector<amtgate::control::SessionInfo> sessions() const override { return {}; }
  amtgate::Result<void> end(amtgate::control::SessionId) override { return {}; }
  amtgate::Result<void> give(amtgate::control::SessionId) override { return {}; }
  amtgate::Result<std::size_t> park(const std::string&, const std::string& what, amtgate::Duration lease) override {
    if (what.empty() || what.size() > 80 || lease > amtgate::control::kLongestPark) std::abort();
    return std::size_t{1};
  }
  amtgate::Result<void> unpark(const std::string&) override { return {}; }
  std::vector<amtgate::control::ImageInfo> images() const override { return {}; }
  amtgate::Result<void> attach(const amtgate::control::AttachRequest& r) override {
    // Nothing was passed, so nothing can be meant by a number.
    if ((r.cd && r.cd->fd != -1) || (r.floppy && r.floppy->fd != -1)) std::abort();
    return {};
  }
  amtgate::Result<void> detach(const std::string&) override { return {}; }
  std::vector<std::string> reload() override { return {"f:1: x"}; }
  std::vector<amtgate::control::Metric> metrics() const override { return {}; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amtgate;
  const std::string_view text = as_text({data, size});
  Nothing commands;
  const std::string answer = control::answer(commands, text);
  if (answer.empty() || answer.find('\n') != answer.size() - 1) std::abort();
  if (!control::parse_reply(answer)) std::abort();
  if (const auto viewer = control::viewer_request(text)) {
    const auto refused = control::parse_reply(control::viewer_refused({Errc::BadValue, viewer->target}));
    if (!refused || refused->cause != Errc::BadValue) std::abort();
  }
  if (const auto reply = control::parse_reply(text); reply && reply->ok) {
    (void)control::status_from_json(reply->data);
    (void)control::sessions_from_json(reply->data);
    (void)control::images_from_json(reply->data);
    (void)control::viewer_from_json(reply->data);
  }
  (void)control::http_answer(text, [] { return "x"; });
  return 0;
}
