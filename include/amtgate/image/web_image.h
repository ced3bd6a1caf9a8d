// Images on web servers: fetched by range requests as machines read them, and kept on disk (cache.h).
//
// Web has them all; the drives that show the same address share one download. A server that takes no ranges sends the
// whole image first. What comes is compared with what was there: an image that changes at the server while machines
// have it gives them read errors for what is not here yet, never a mixture.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "amtgate/image/cache.h"
#include "amtgate/image/fetcher.h"
#include "amtgate/image/medium.h"

namespace amtgate::image {

class WebStore;

/// What waits, so that `loop` never does: others than its own.
struct WebThreads {
  net::Worker& fetching;  // asks servers, and puts down what comes
  net::Worker& disk;      // until it is on the disk
  net::Worker& reader;    // for what is on the disk only
};

class Web {
 public:
  /// `threads` outlive this, which outlives its media.
  Web(net::Loop& loop, const WebThreads& threads, FetcherOptions options, std::string cache_folder,
      std::uint64_t cache_limit);
  ~Web();

  /// `url`: http:// or https://, with user and password where the server wants them. It is asked at once, and again
  /// with growing pauses as long as it fails.
  std::unique_ptr<Medium> open(const std::string& url, std::uint32_t block_size);

  Cache& cache() { return cache_; }
  net::Loop& loop() { return loop_; }
  Fetcher& fetcher() { return *fetcher_; }

 private:
  net::Loop& loop_;
  net::Worker& reader_;
  std::unique_ptr<Fetcher> fetcher_;
  Cache cache_;
  std::map<std::string, std::weak_ptr<WebStore>> stores_;
};

}  // namespace amtgate::image
