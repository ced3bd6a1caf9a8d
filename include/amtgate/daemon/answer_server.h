// AnswerServer: takes connections, reads one request from each, writes one answer and closes; or hands the connection
// over to who goes on with it. The control socket and the metrics page are two of them.
//
// Bounds: a request's length, the time for request and answer, and the number of connections at once. (evhttp of
// libevent 2.1 cannot bound the last one, so it is not used for the page.)
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "amtgate/net/listen.h"
#include "amtgate/net/loop.h"

namespace amtgate::daemon {

struct AnswerOptions {
  std::string_view end;  // what ends a request: a literal
  std::size_t max_request = 4096;
  std::size_t max_connections = 16;
  std::size_t max_passed = 0;  // descriptors that may come with a request (SCM_RIGHTS); more than that are closed
  Duration deadline = seconds(10);
  /// Whether this connection may ask at all; it is closed otherwise. Empty = everybody.
  std::function<bool(int fd)> admit;
};

class AnswerServer {
 public:
  /// Gets the connection to go on with. What the client has sent behind the request is lost: it waits for an answer.
  using HandOver = std::function<void(sys::UniqueFd connection)>;
  using Reply = std::variant<std::string, HandOver>;
  struct Asking {
    int fd;                       // the connection
    std::span<const int> passed;  // descriptors that came with the request: closed behind the answer
  };
  /// `answer` gets the request without its end, and who asks; it runs on the loop.
  using Answer = std::function<Reply(std::string_view request, const Asking& asking)>;
  AnswerServer(net::Loop& loop, sys::UniqueFd listening, AnswerOptions options, Answer answer);
  ~AnswerServer();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace amtgate::daemon
