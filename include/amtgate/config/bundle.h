// A copy of all that load() looks at, made where the files can be read and used where they cannot: the daemon's
// reader process sends it after privileges are gone, and load() runs on it as on the disk.
//
// As bytes: "AMTGCFG1", then entries of
//   kind u8 (1 file, 2 folder, 3 account, 4 self) | name be32 length + bytes | good u8 | content
// with the content, when good: a file's mode be32, owner be32, text be32 length + bytes; a folder's be32 count of
// names, each be32 length + bytes; an account's or self's number be32. When not good: code u8, detail be32 length +
// bytes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/config/load.h"

namespace amtgate::config {

/// Passes on to other files and keeps what they gave.
class RecordingFiles : public Files {
 public:
  explicit RecordingFiles(Files& files) : files_(files) {}
  Result<File> read(const std::string& path, std::size_t limit) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
  std::optional<uid_t> account(const std::string& user) override;
  uid_t self() override;

  /// Everything that was asked for so far.
  Buffer to_bytes() const;

 private:
  Files& files_;
  std::map<std::string, Result<File>> read_;
  std::map<std::string, Result<std::vector<std::string>>> listed_;
  std::map<std::string, std::optional<uid_t>> accounts_;
  uid_t self_ = 0;
};

/// What the bytes hold; anything else is not there.
class BundledFiles : public Files {
 public:
  /// Errors: BadValue (not such bytes).
  static Result<BundledFiles> parse(Bytes bytes);
  Result<File> read(const std::string& path, std::size_t limit) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
  std::optional<uid_t> account(const std::string& user) override;
  uid_t self() override { return self_; }

 private:
  std::map<std::string, Result<File>> read_;
  std::map<std::string, Result<std::vector<std::string>>> listed_;
  std::map<std::string, uid_t> accounts_;
  uid_t self_ = 0;
};

}  // namespace amtgate::config
