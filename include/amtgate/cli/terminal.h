// What is asked of a person: passwords, which the terminal does not show. And the line that tells how far something
// is.
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

/// Draws `text` (UTF-8) on standard error over the line where the cursor is, as far as it fits: a line that wraps
/// could not be drawn over again. For a terminal.
void draw_line(const std::string& text);
/// What fits into a terminal of so many columns; 0: it does not say how
/// many it has; 160 then.
std::string fitting(const std::string& text, unsigned columns);

}  // namespace amtgate::cli
