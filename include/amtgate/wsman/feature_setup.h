// Feature set-up: what has to be on in a machine for its screen, console and drives to be used from afar.
#pragma once

#include <string>
#include <vector>

#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

struct FeatureWish {
  bool kvm = false, sol = false, ider = false;
  bool no_consent = false;  // the machine's user need not consent any more
};

struct FeatureChanges {
  std::vector<std::string> changes;  // "redirection listener: off -> on"; done, or with `only_look` to be done
  std::vector<std::string> notes;    // what stands in the way and is not changed
};

/// Looks at each setting and changes those that have to be. Errors: Unsupported (KVM where the firmware has none),
/// Refused, with what was done before it in the sentence.
Result<FeatureChanges> set_features(Caller& machine, const FeatureWish& wish, bool only_look);

}  // namespace amtgate::wsman
