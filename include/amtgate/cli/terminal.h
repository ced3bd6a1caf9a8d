// What is asked of a person: passwords, which the terminal does not show.
#pragma once

#include <string>

#include "amtgate/base/result.h"

namespace amtgate::cli {

/// Standard input is a terminal.
bool on_terminal();

/// One line of standard input; on a terminal behind `prompt`, and unseen. Errors: Closed (end of input), System.
Result<std::string> ask_secret(const std::string& prompt);

/// A password that is to be set: on a terminal it is asked for twice. Errors: those of ask_secret(), BadValue (the
/// two differ).
Result<std::string> ask_new_password(const std::string& user);

}  // namespace amtgate::cli
