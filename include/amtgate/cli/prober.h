// Prober: looks whether a machine is as it is waited for, and waits until it is.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/cli/screen_match.h"
#include "amtgate/cli/screen_session.h"
#include "amtgate/cli/wait_condition.h"

namespace amtgate::cli {

class Prober {
 public:
  struct Seen {
    bool met = false;
    std::string text;  // "10.0.0.5:22 refused the connection", "off"
  };
  struct Waited {
    bool met = false;
    Duration took{};
    std::string last;  // what was seen last
  };

  /// `common` and `site` outlive this. `screen`: the way to the machine's screen.
  Prober(const Common& common, const Site& site, ScreenSource::Options screen);
  ~Prober();

  /// Pictures that screen conditions are about, by their `value`; outlives this.
  void set_pictures(const std::function<const WantedScreen*(const std::string& file)>& find) { pictures_ = find; }

  /// No longer than `until`, or a second where that is sooner than any answer can be. Errors: such as another look
  /// would not mend: AuthFailed, Untrusted, BadValue, Unsupported, System.
  Result<Seen> look(const WaitCondition& condition, TimePoint until);

  /// Looks about once a second. `on_look` gets what was seen, each time that it was not met; false from it: no more.
  Result<Waited> wait(const WaitCondition& condition, TimePoint until,
                      const std::function<bool(const Seen&)>& on_look);

  wsman::Caller& machine();

 private:
  Result<Seen> look_tcp(const WaitCondition& condition, const IpAddress& pc, TimePoint until) const;
  Result<Seen> look_rmcp(TimePoint until) const;
  Result<Seen> look_power(const WaitCondition& condition);
  Result<Seen> look_screen(const WaitCondition& condition, TimePoint until);

  const Common& common_;
  const Site& site_;
  const ScreenSource::Options screen_;
  std::function<const WantedScreen*(const std::string&)> pictures_;
  std::unique_ptr<wsman::Caller> machine_;
  std::unique_ptr<ScreenSource> source_;
};

/// "3.2 s", "2m 5s".
std::string took_text(Duration d);

}  // namespace amtgate::cli
