// Fetcher: HTTP and HTTPS requests on a loop, many at once, by libcurl.
//
// Redirects are followed, five at most, and never from https to http; only a server named by the address gets its
// user and password. Certificates are verified. What comes from the environment (proxies, .netrc) does not count.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "amtgate/base/bytes.h"
#include "amtgate/image/web_head.h"
#include "amtgate/net/loop.h"

namespace amtgate::image {

struct FetcherOptions {
  std::string ca_text{};   // PEM; empty = the system's
  std::uint32_t mark = 0;  // SO_MARK of the connections, so that the rules do not catch them; 0 = none
  Duration connect_deadline = seconds(8);
  Duration silence = seconds(12);  // without a byte; then it is over
};

/// A request under way. Destroying it cancels; then nothing more is called. Not from inside on_head and on_body.
class Fetch {
 public:
  virtual ~Fetch() = default;
};

class Fetcher {
 public:
  struct Request {
    std::string url;
    std::optional<std::pair<std::uint64_t, std::uint64_t>> range{};  // both ends included
    std::string if_range{};
  };
  /// on_head comes before the first byte, on_body with each piece; an error of theirs ends the request. Neither may
  /// start or destroy requests. on_done comes once, from the loop: with the callbacks' error, or Unreachable,
  /// Timeout, Closed, Untrusted, Refused (redirects), System. What it says names no address.
  struct Callbacks {
    std::function<Result<void>(const Head& head)> on_head;
    std::function<Result<void>(Bytes bytes)> on_body;
    std::function<void(Result<void> outcome)> on_done;
  };

  Fetcher(net::Loop& loop, FetcherOptions options);
  virtual ~Fetcher();  // behind all of its requests

  /// For requests that begin later.
  void set_ca(std::string ca_text);
  virtual std::unique_ptr<Fetch> start(const Request& request, Callbacks callbacks);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace amtgate::image
