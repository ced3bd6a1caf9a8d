#include "amtgate/config/bundle.h"

#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"

namespace amtgate::config {
namespace {

constexpr std::string_view kMagic = "AMTGCFG1";
enum class Kind : std::uint8_t { File = 1, Folder = 2, Account = 3, Self = 4 };

void put_text(Writer& out, std::string_view text) {
  out.be32(static_cast<std::uint32_t>(text.size())).text(text);
}
std::string take_text(Reader& in) {
  const std::uint32_t n = in.be32();
  return std::string(as_text(in.take(n)));
}
void put_head(Writer& out, Kind kind, std::string_view name) {
  out.u8(static_cast<unsigned>(kind));
  put_text(out, name);
}
void put_error(Writer& out, const Error& error) {
  out.u8(0).u8(static_cast<unsigned>(error.code));
  put_text(out, error.detail);
}
Error take_error(Reader& in) {
  const std::uint8_t code = in.u8();
  const Errc known = code <= static_cast<std::uint8_t>(Errc::System) ? static_cast<Errc>(code) : Errc::System;
  return Error{known, take_text(in)};
}

}  // namespace

Result<Files::File> RecordingFiles::read(const std::string& path, std::size_t limit) {
  Result<File> file = files_.read(path, limit);
  read_.insert_or_assign(path, file);
  return file;
}
Result<std::vector<std::string>> RecordingFiles::list(const std::string& folder) {
  Result<std::vector<std::string>> names = files_.list(folder);
  listed_.insert_or_assign(folder, names);
  return names;
}
std::optional<uid_t> RecordingFiles::account(const std::string& user) {
  return accounts_[user] = files_.account(user);
}
uid_t RecordingFiles::self() {
  return self_ = files_.self();
}

Buffer RecordingFiles::to_bytes() const {
  Buffer bytes;
  Writer out(bytes);
  out.text(kMagic);
  for (const auto& [path, file] : read_) {
    put_head(out, Kind::File, path);
    if (!file) {
      put_error(out, file.error());
      continue;
    }
    out.u8(1).be32(file->mode).be32(file->owner);
    put_text(out, file->text);
  }
  for (const auto& [folder, names] : listed_) {
    put_head(out, Kind::Folder, folder);
    if (!names) {
      put_error(out, names.error());
      continue;
    }
    out.u8(1).be32(static_cast<std::uint32_t>(names->size()));
    for (const std::string& name : *names) put_text(out, name);
  }
  for (const auto& [user, uid] : accounts_) {
    if (!uid) continue;
    put_head(out, Kind::Account, user);
    out.u8(1).be32(*uid);
  }
  put_head(out, Kind::Self, "");
  out.u8(1).be32(self_);
  return bytes;
}

Result<BundledFiles> BundledFiles::parse(Bytes bytes) {
  BundledFiles out;
  Reader in(bytes);
  if (as_text(in.take(kMagic.size())) != kMagic) return Error{Errc::BadValue, "not a bundle of configuration files"};
  while (in.remaining() > 0) {
    const auto kind = static_cast<Kind>(in.u8());
    const std::string name = take_text(in);
    const bool good = in.u8() == 1;
    switch (kind) {
      case Kind::File: {
        if (!good) {
          out.read_.emplace(name, take_error(in));
          break;
        }
        File file;
        file.mode = in.be32();
        file.owner = in.be32();
        file.text = take_text(in);
        out.read_.emplace(name, std::move(file));
        break;
      }
      case Kind::Folder: {
        if (!good) {
          out.listed_.emplace(name, take_error(in));
          break;
        }
        std::vector<std::string> names;
        for (std::uint32_t n = in.be32(); n > 0 && !in.failed(); --n) names.push_back(take_text(in));
        out.listed_.emplace(name, std::move(names));
        break;
      }
      case Kind::Account: out.accounts_[name] = in.be32(); break;
      case Kind::Self: out.self_ = in.be32(); break;
      default: return Error{Errc::BadValue, "a bundle of configuration files with an unknown entry"};
    }
    if (in.failed()) return Error{Errc::BadValue, "a bundle of configuration files that ends too early"};
  }
  return out;
}

Result<Files::File> BundledFiles::read(const std::string& path, std::size_t limit) {
  const auto at = read_.find(path);
  if (at == read_.end()) return Error{Errc::Unreachable, "no such file"};
  if (at->second && at->second->text.size() > limit) return Error{Errc::TooLarge, "too large"};
  return at->second;
}
Result<std::vector<std::string>> BundledFiles::list(const std::string& folder) {
  const auto at = listed_.find(folder);
  return at == listed_.end() ? Result<std::vector<std::string>>(std::vector<std::string>{}) : at->second;
}
std::optional<uid_t> BundledFiles::account(const std::string& user) {
  const auto at = accounts_.find(user);
  return at == accounts_.end() ? std::nullopt : std::optional(at->second);
}

}  // namespace amtgate::config
