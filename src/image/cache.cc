#include "amtgate/image/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <vector>

#include "amtgate/sys/file.h"
#include "amtgate/sys/log.h"

namespace amtgate::image {
namespace {

constexpr Duration kSaveEvery = seconds(5);  // what a crash costs is fetched again
constexpr std::size_t kMostKept = 16;        // each an open file and its bits

std::string hex(std::uint64_t n) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out(16, '0');
  for (std::size_t i = 0; i < 16; ++i) out[15 - i] = kDigits[n >> (4 * i) & 0xfU];
  return out;
}

/// Of an address. Two with the same one are told apart by the address in the map.
std::string key_of(std::string_view url) {
  std::uint64_t h = 14695981039346656037ULL;
  for (const char c : url) h = (h ^ static_cast<std::uint8_t>(c)) * 1099511628211ULL;
  return hex(h);
}

std::uint64_t nonce() {
  std::random_device random;
  return std::uint64_t{random()} << 32U | random();
}

std::string key_in(const std::string& name) {
  return name.substr(0, name.find_first_of("-."));
}

std::uint64_t on_disk(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 ? static_cast<std::uint64_t>(st.st_blocks) * 512 : 0;
}

Error disk_error(const char* what) {
  return Error{Errc::System, std::string("the cache of images cannot be ") + what + ": " + std::strerror(errno)};
}

}  // namespace

Result<void> CacheData::write(std::uint64_t at, Bytes bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return disk_error("written");
    at += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> CacheData::read(std::uint64_t at, MutableBytes out) const {
  while (!out.empty()) {
    const ssize_t n = ::pread(fd(), out.data(), out.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return disk_error("read");
    at += static_cast<std::uint64_t>(n);
    out = out.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<bool> CacheData::read_now(std::uint64_t at, MutableBytes out) const {
  while (!out.empty()) {
    iovec to{out.data(), out.size()};
    const ssize_t n = ::preadv2(fd(), &to, 1, static_cast<off_t>(at), RWF_NOWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0) break;
    at += static_cast<std::uint64_t>(n);
    out = out.subspan(static_cast<std::size_t>(n));
  }
  if (const Result<void> rest = read(at, out); !rest) return rest.error();
  return true;
}

CacheEntry::CacheEntry(Cache& cache, std::string key, std::string url)
    : cache_(cache), key_(std::move(key)), url_(std::move(url)), save_(cache.loop_, [this] { save(); }) {
  load();
}

CacheEntry::~CacheEntry() {
  if (abandoned_) return;
  if (dirty_) save();
  cache_.in_use_.erase(key_);
  if (identity_) {
    if (cache_.kept_.size() >= kMostKept) cache_.kept_.erase(cache_.kept_.begin());
    cache_.kept_[key_] = {{url_, data_name_, *identity_, std::move(map_)}, data_};
  }
  // When it was last used, for make_room().
  if (identity_) (void)::utimensat(AT_FDCWD, cache_.path(key_ + ".map").c_str(), nullptr, 0);
}

bool CacheEntry::take_kept() {
  const auto found = cache_.kept_.find(key_);
  if (found == cache_.kept_.end()) return false;
  Cache::Kept kept = std::move(found->second);
  cache_.kept_.erase(found);
  struct stat st {};
  const bool there = ::fstat(kept.data.fd(), &st) == 0 && st.st_nlink > 0;
  if (kept.record.url != url_ || !there || !cache_.make_room(key_, kept.record.identity.size)) return false;
  data_ = std::move(kept.data);
  data_name_ = std::move(kept.record.data);
  identity_ = std::move(kept.record.identity);
  map_ = std::move(kept.record.map);
  return true;
}

void CacheEntry::load() {
  if (take_kept() || !cache_.own()) return;
  const Result<std::string> text = sys::read_file(cache_.path(key_ + ".map"), kMaxMapFile);
  if (!text) return;
  Result<CacheRecord> record = parse_record(*text);
  if (!record || record->url != url_) return;
  sys::UniqueFd fd(::open(cache_.path(record->data).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  struct stat st {};
  const bool whole =
      fd && ::fstat(fd.get(), &st) == 0 && static_cast<std::uint64_t>(st.st_size) == record->identity.size;
  if (!whole) return;
  // Where the limit is lower now, the image is fetched anew or refused, as any other.
  if (!cache_.make_room(key_, record->identity.size)) return;
  data_ = CacheData(std::move(fd));
  data_name_ = record->data;
  identity_ = record->identity;
  map_ = std::move(record->map);
}

void CacheEntry::drop_files() {
  std::error_code ec;
  std::filesystem::remove(cache_.path(key_ + ".map"), ec);
  for (auto at = std::filesystem::directory_iterator(cache_.folder_, ec);
       !ec && at != std::filesystem::directory_iterator(); at.increment(ec)) {
    if (at->path().filename().string().starts_with(key_ + "-")) std::filesystem::remove(at->path(), ec);
  }
}

Result<void> CacheEntry::begin(const Identity& identity) {
  identity_.reset();
  data_ = CacheData();
  map_ = ChunkMap();
  dirty_ = false;
  save_.cancel();
  if (const Result<void> made = sys::make_directories(cache_.folder_, 0700); !made) return made;
  if (const Result<void> own = cache_.own(); !own) return own;
  drop_files();
  if (const Result<void> room = cache_.make_room(key_, identity.size); !room) return room;
  data_name_ = key_ + "-" + hex(nonce()) + ".data";
  sys::UniqueFd fd(::open(cache_.path(data_name_).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(identity.size)) != 0) return disk_error("written");
  data_ = CacheData(std::move(fd));
  map_ = ChunkMap(identity.size);
  identity_ = identity;
  return {};
}

void CacheEntry::confirm(const Identity& identity) {
  if (!identity_ || *identity_ == identity) return;
  identity_ = identity;
  dirty_ = true;
  if (!save_.armed()) save_.arm(kSaveEvery);
}

void CacheEntry::set(std::uint64_t chunk) {
  map_.set(chunk);
  dirty_ = true;
  if (!save_.armed()) save_.arm(kSaveEvery);
}

void CacheEntry::save() {
  save_.cancel();
  dirty_ = false;
  if (abandoned_ || !identity_) return;
  cache_.disk_.loop().post(
      [data = data_, path = cache_.path(key_ + ".map"), text = to_text({url_, data_name_, *identity_, map_})] {
        Result<void> done = ::fdatasync(data.fd()) == 0 ? Result<void>() : Result<void>(disk_error("written"));
        if (done) done = sys::write_file(path, text, 0600);
        static log::RateLimit limit;
        if (!done) log::warn(limit, "image.cache", {{"why", done.error().detail}});
      });
}

void CacheEntry::abandon() {
  if (abandoned_) return;
  save_.cancel();
  abandoned_ = true;
  cache_.in_use_.erase(key_);
  drop_files();  // data_ stays readable
}

Result<void> Cache::own() {
  if (own_) return {};
  sys::UniqueFd fd(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return disk_error("read");
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return disk_error("locked");
    return Error{Errc::Busy,
                 "another daemon keeps its images in " + folder_ + ": give one of them a state of its own"};
  }
  own_ = std::move(fd);
  return {};
}

std::unique_ptr<CacheEntry> Cache::open(const std::string& url) {
  // The same image with other credentials is kept for itself.
  std::string key = key_of(url);
  while (!in_use_.try_emplace(key, 0).second) key = key_of(key);
  return std::unique_ptr<CacheEntry>(new CacheEntry(*this, key, url));
}

void Cache::flush() {
  disk_.run_there([] {});
}

std::uint64_t Cache::used() const {
  std::uint64_t out = 0;
  std::error_code ec;
  for (auto at = std::filesystem::directory_iterator(folder_, ec); !ec && at != std::filesystem::directory_iterator();
       at.increment(ec)) {
    out += on_disk(at->path());
  }
  return out;
}

Result<void> Cache::make_room(const std::string& for_key, std::uint64_t size) {
  if (size > kMaxImage) return Error{Errc::TooLarge, std::to_string(size) + " bytes are more than a drive can have"};
  struct Unused {
    std::filesystem::file_time_type when = std::filesystem::file_time_type::min();  // bytes without a map go first
    std::uint64_t bytes = 0;
    std::vector<std::filesystem::path> files;
  };
  std::map<std::string, Unused> unused;
  std::uint64_t taken = size;
  for (const auto& [key, bytes] : in_use_) taken += key == for_key ? 0 : bytes;
  const std::uint64_t needed = taken;
  std::error_code ec;
  for (auto at = std::filesystem::directory_iterator(folder_, ec); !ec && at != std::filesystem::directory_iterator();
       at.increment(ec)) {
    const std::string name = at->path().filename().string();
    const std::string key = key_in(name);
    if (in_use_.contains(key)) continue;
    Unused& u = unused[key];
    u.files.push_back(at->path());
    u.bytes += on_disk(at->path());
    std::error_code none;
    if (name.ends_with(".map")) u.when = std::filesystem::last_write_time(at->path(), none);
  }
  for (const auto& [key, u] : unused) taken += u.bytes;
  while (taken > limit_ && !unused.empty()) {
    const auto oldest = std::ranges::min_element(unused, {}, [](const auto& u) { return u.second.when; });
    for (const auto& file : oldest->second.files) std::filesystem::remove(file, ec);
    kept_.erase(oldest->first);
    log::info("image.evicted", {{"key", oldest->first}, {"bytes", oldest->second.bytes}});
    taken -= oldest->second.bytes;
    unused.erase(oldest);
  }
  if (needed > limit_) {
    const std::string others =
        needed > size ? ", of which attached images have " + std::to_string(needed - size) : "";
    return Error{Errc::TooLarge, "an image of " + std::to_string(size) + " bytes does not fit image_cache (" +
                                     std::to_string(limit_) + " bytes" + others + ")"};
  }
  in_use_[for_key] = size;
  return {};
}

}  // namespace amtgate::image
