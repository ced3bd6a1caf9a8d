// Cache: images of web servers on disk, in one folder: KEY.map (chunk_map.h) and KEY-NONCE.data, a sparse file, for
// each address. No more than `limit` bytes: those that nobody uses go, the longest unused first, and one that is used
// counts whole.
//
// Crashes: bits are written behind the bytes they stand for (fdatasync, then the map, by rename), on a thread of
// their own. A map names its file of bytes, and each image gets a new one: a map that is left behind cannot be taken
// for another image's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "amtgate/image/chunk_map.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/worker.h"
#include "amtgate/sys/fd.h"

namespace amtgate::image {

class Cache;

/// The bytes of one image. Copies are the same file, which stays until the last is gone. Any thread may use it.
class CacheData {
 public:
  CacheData() = default;
  explicit CacheData(sys::UniqueFd fd) : fd_(std::make_shared<const sys::UniqueFd>(std::move(fd))) {}
  explicit operator bool() const { return fd_ != nullptr; }
  int fd() const { return fd_->get(); }

  /// Errors: System (the disk).
  Result<void> write(std::uint64_t at, Bytes bytes) const;
  Result<void> read(std::uint64_t at, MutableBytes out) const;
  /// False: the disk would have to be waited for. (A file system that cannot say so is waited for here.)
  Result<bool> read_now(std::uint64_t at, MutableBytes out) const;

 private:
  std::shared_ptr<const sys::UniqueFd> fd_;
};

/// One address's place, of one user at a time.
class CacheEntry {
 public:
  ~CacheEntry();
  CacheEntry(const CacheEntry&) = delete;
  CacheEntry& operator=(const CacheEntry&) = delete;

  /// Nothing: there is no image of it here.
  const std::optional<Identity>& identity() const { return identity_; }
  const ChunkMap& map() const { return map_; }
  /// Begins with an image of which nothing is here; what was goes. Errors: TooLarge (image_cache), Busy (another
  /// daemon has the folder), System.
  Result<void> begin(const Identity& identity);
  /// What is known already gets better words (a date where there was none).
  void confirm(const Identity& identity);
  /// Where its bytes go. Of the image that was begun last; a later begin() gives another.
  const CacheData& data() const { return data_; }
  /// The whole chunk was written.
  void set(std::uint64_t chunk);
  /// It is not to be found again: the image has changed at the server.
  void abandon();

 private:
  friend class Cache;
  CacheEntry(Cache& cache, std::string key, std::string url);
  bool take_kept();
  void load();
  void save();
  void drop_files();

  Cache& cache_;
  const std::string key_;
  const std::string url_;
  std::optional<Identity> identity_;
  ChunkMap map_;
  std::string data_name_;
  CacheData data_;
  bool dirty_ = false;
  bool abandoned_ = false;
  net::Timer save_;
};

class Cache {
 public:
  /// The folder is made when the first image needs it. `disk` waits until what is saved is on the disk, and outlives
  /// this.
  Cache(net::Loop& loop, net::Worker& disk, std::string folder, std::uint64_t limit)
      : loop_(loop), disk_(disk), folder_(std::move(folder)), limit_(limit) {}

  void set_limit(std::uint64_t limit) { limit_ = limit; }
  /// Must go before the cache.
  std::unique_ptr<CacheEntry> open(const std::string& url);
  /// Waits until everything saved is on disk.
  void flush();
  /// What the folder holds now, bytes on disk.
  std::uint64_t used() const;

 private:
  friend class CacheEntry;
  /// Room for an image of that size, at the cost of those that nobody uses. Errors: TooLarge.
  Result<void> make_room(const std::string& for_key, std::uint64_t size);
  /// The folder is this cache's as long as it lives: another daemon's would throw away what is in use here. Errors:
  /// Busy, System.
  Result<void> own();
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  net::Loop& loop_;
  net::Worker& disk_;
  const std::string folder_;
  std::uint64_t limit_;
  sys::UniqueFd own_;                            // locked
  std::map<std::string, std::uint64_t> in_use_;  // key -> bytes that are reserved
  /// Images that were let go lately: their maps may still be on their way to the disk.
  struct Kept {
    CacheRecord record;
    CacheData data;
  };
  std::map<std::string, Kept> kept_;
};

}  // namespace amtgate::image
