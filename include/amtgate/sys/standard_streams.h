// The standard streams of a program that prints: none of them may be missing, and what was not written is an error.
#pragma once

namespace amtgate::sys {

/// Puts something in the place of standard input, output and error where they are closed, so that no file or
/// connection of ours gets their numbers. Reading and writing there fails as on what is closed. Call it first in
/// main().
void fill_standard_streams();

/// Writes out what is left for standard output; call it last. `code` as it is where all of it was written or nobody
/// reads any more (a pipe), else 1 in place of 0, with one line on standard error that begins with `program`.
int finish_output(const char* program, int code);

}  // namespace amtgate::sys
