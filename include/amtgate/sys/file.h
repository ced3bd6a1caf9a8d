// Files: read whole within a limit, replaced atomically, secrets checked for their permissions.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/result.h"

namespace amtgate::sys {

/// Errors: Unreachable (no such file), TooLarge (more than `limit` bytes), System; each names the path.
Result<std::string> read_file(const std::string& path, std::size_t limit);

/// Writes a temporary file beside `path`, syncs it and renames it over: readers see the old or the new, never half.
/// The file has exactly `mode`, and belongs to whoever runs. A link that is
/// root's or its own is followed and stays, another's is replaced; a device or a pipe is written to. Errors: System with
/// the path.
Result<void> write_file(const std::string& path, std::string_view content, mode_t mode);

/// Appends in one write(2) (O_APPEND); creates the file with `mode`. Errors: System.
Result<void> append_file(const std::string& path, std::string_view content, mode_t mode);

/// The folder and its parents, each with `mode` when it must be made. Errors: System.
Result<void> make_directories(const std::string& path, mode_t mode);

bool exists(const std::string& path);

/// Equal stamps: the file was not written or replaced in between, as far as its times tell. All zero: not there.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_s = 0;
  std::int64_t modified_ns = 0;
  bool operator==(const FileStamp&) const = default;
};
FileStamp file_stamp(const std::string& path);

/// Whether a secret may be kept in this file: not readable or writable by others, and owned by root, by us or by
/// `account`. Errors: BadValue with a sentence that says what to do (chmod, chown); System.
Result<void> check_private(const std::string& path, std::optional<uid_t> account = std::nullopt);

/// Full paths of the entries of `directory` that end in `suffix`, sorted; a folder that is not there is empty.
/// Names that begin with a dot are left out. Errors: System.
Result<std::vector<std::string>> list_directory(const std::string& directory, std::string_view suffix);

}  // namespace amtgate::sys
