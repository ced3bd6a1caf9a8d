// LocalImage: a file or disk of this host as a medium, for a loop that must not wait for disks: what is not in memory
// already is read by another thread, larger pieces at a time, and the next piece before it is asked for.
#pragma once

#include <memory>
#include <string>

#include "amtgate/image/medium.h"
#include "amtgate/net/worker.h"
#include "amtgate/sys/fd.h"

namespace amtgate::image {

/// Read-only, as this process's account. Errors: System, BadValue, each naming the path.
Result<sys::UniqueFd> open_image_file(const std::string& path);

/// `fd` may be somebody else's: no pipe, no device but disks, open for reading; no file system of a user's own
/// (FUSE), which could keep the reading thread for ever. Size and kind are taken now. Errors: BadValue, TooLarge,
/// System, each naming `name`. `reader` outlives this.
Result<std::unique_ptr<Medium>> make_local_image(net::Loop& loop, net::Worker& reader, sys::UniqueFd fd,
                                                 const std::string& name, std::uint32_t block_size);

}  // namespace amtgate::image
