// A simulated machine in memory, at the end of a wsman::Caller.
#pragma once

#include <string>
#include <utility>

#include "amtgate/sim/management.h"
#include "amtgate/wsman/caller.h"

namespace amtgate::test {

class WsmanMachine : public wsman::Caller {
 public:
  explicit WsmanMachine(std::string_view profile = "12", sim::ManagementOptions options = {})
      : WsmanMachine(*sim::find_profile(profile), std::move(options)) {}
  explicit WsmanMachine(const sim::Profile& profile, sim::ManagementOptions options = {})
      : management(profile, std::move(options), TimePoint{}) {}

  Result<wsman::Reply> call(const wsman::Request& request) override {
    if (broken) return *broken;
    wsman::Request numbered = request;
    numbered.message_id = std::to_string(++messages);
    last = management.answer(to_xml(numbered), around, now);
    return wsman::parse_reply(last.xml);
  }

  sim::Management management;
  sim::Management::Surroundings around;
  sim::Management::Answer last;
  std::optional<Error> broken;  // the transport's
  TimePoint now{};
  unsigned messages = 0;
};

}  // namespace amtgate::test
