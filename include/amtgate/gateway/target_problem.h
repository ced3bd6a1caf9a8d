// TargetProblem: something that the configuration says of a target and that does not work now.
#pragma once

#include <string>

namespace amtgate::gateway {

struct TargetProblem {
  std::string target;
  std::string what;  // a sentence that begins with the key of the configuration
};

}  // namespace amtgate::gateway
