// A Setup.bin as JSON, with everything that is in it, and a file of JSON that a person or a program wrote.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "amtgate/base/result.h"
#include "amtgate/setupbin/file.h"

namespace amtgate::cli {

enum class Secrets : bool { Hidden, Shown };

/// Objects and members as amtgate(1) has them. A secret that is hidden is null.
nlohmann::ordered_json to_json(const setupbin::File& file, Secrets secrets);

/// What is not written is as in a new file, or follows from the rest: the list of modules, numbers of records. What
/// to_json() gave comes to the same file. Errors: BadValue, TooLarge; with the member.
Result<setupbin::File> from_json(const nlohmann::ordered_json& json);

}  // namespace amtgate::cli
