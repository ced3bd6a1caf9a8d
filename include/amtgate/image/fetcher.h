// Fetcher: HTTP and HTTPS requests, many at once, by libcurl, on a thread of its own: what comes is decrypted and put
// where it belongs without the thread that serves machines.
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
#include "amtgate/net/worker.h"

namespace amtgate::image {

struct FetcherOptions {
  std::string ca_text{};   // PEM; empty = the system's
  std::uint32_t mark = 0;  // SO_MARK of the connections, so that the rules do not catch them; 0 = none
  Duration connect_deadline = seconds(8);
  Duration silence = seconds(12);  // without a byte; then it is over
};

/// A request under way. Destroying it cancels: on_done does not come any more.
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
  /// on_head and on_body are called by the fetching thread, for a moment even behind the cancelling: they own all
  /// that they touch. on_head comes before the first byte, on_body with each piece; an error of theirs ends the
  /// request. on_done comes once, on the owner's loop and never from inside start(): with the callbacks' error, or
  /// Unreachable, Timeout, Closed, Untrusted, Refused (redirects), System. What it says names no address.
  struct Callbacks {
    std::function<Result<void>(const Head& head)> on_head;
    std::function<Result<void>(Bytes bytes)> on_body;
    std::function<void(Result<void> outcome)> on_done;
  };

  virtual ~Fetcher() = default;  // behind all of its requests
  virtual std::unique_ptr<Fetch> start(const Request& request, Callbacks callbacks) = 0;
  /// For requests that begin later.
  virtual void set_ca(std::string ca_text) = 0;
};

/// All its calls come from `home`'s thread; libcurl runs on `fetching`. Both outlive it.
std::unique_ptr<Fetcher> make_fetcher(net::Loop& home, net::Worker& fetching, FetcherOptions options);

}  // namespace amtgate::image
