// amtgate ider: serves a CD and a floppy image to one AMT machine for as long as it runs.
//
//   amtgate ider [--cd FILE] [--floppy FILE] [--user NAME] [--password-file FILE] [--plain | --tls]
//                [--ca FILE | --pin HEX] [--tls-min VERSION] [--start now|graceful|reboot] [--state FOLDER] HOST
//
// HOST is a name or address, of the machine or of one behind the gateway. The password is the first line of the file,
// else $AMT_PASSWORD, else empty: the gateway logs in with its own. Ctrl-C takes the drives away in order.
#pragma once

#include <string>
#include <vector>

namespace amtgate::cli {

/// `args` behind the word `ider`. Progress and errors go to standard error. Exit codes: 0 ended by the user; 1 the
/// machine said no or ended the session; 2 wrong usage, or an image that cannot be read; 3 cannot connect; 4
/// authentication refused; 5 certificate not trusted.
int ider(const std::vector<std::string>& args);

}  // namespace amtgate::cli
