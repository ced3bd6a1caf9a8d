#include "amtgate/image/fetcher.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "amtgate/base/handle.h"

namespace amtgate::image {
namespace {

using Easy = Handle<CURL, &curl_easy_cleanup>;
using Multi = Handle<CURLM, &curl_multi_cleanup>;
using Lines = Handle<curl_slist, &curl_slist_free_all>;

constexpr long kMostRedirects = 5;
constexpr long kReceiveBuffer = 256 * 1024;
constexpr std::size_t kMaxHeads = 64 * 1024;  // of one request, those of redirects too
constexpr long kMostIdle = 16;                // connections that are kept for the next request

long ms(Duration d) {
  return static_cast<long>(std::chrono::ceil<milliseconds>(d).count());
}

/// libcurl on a loop. Lives on the fetching thread.
struct Transfers {
  Transfers(net::Loop& l, FetcherOptions o)
      : loop(l), options(std::move(o)), multi(curl_multi_init()), timer(l, [this] { act(CURL_SOCKET_TIMEOUT, 0); }) {
    curl_multi_setopt(multi.get(), CURLMOPT_SOCKETFUNCTION, &Transfers::on_socket);
    curl_multi_setopt(multi.get(), CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi.get(), CURLMOPT_TIMERFUNCTION, &Transfers::on_timer);
    curl_multi_setopt(multi.get(), CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, kMostIdle);
  }

  void act(curl_socket_t fd, int what) {
    int running = 0;
    curl_multi_socket_action(multi.get(), fd, what, &running);
    finish_done();
  }

  void finish_done();

  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    static_cast<Transfers*>(self)->watch(fd, what);
    return 0;
  }

  void watch(curl_socket_t fd, int what) {
    const auto found = watches.find(fd);
    if (what == CURL_POLL_REMOVE) {
      if (found == watches.end()) return;
      found->second->want(false, false);
      loop.retire(std::move(found->second));  // it may be its callback that we are in
      watches.erase(found);
      return;
    }
    auto& watch = found == watches.end() ? watches[fd] : found->second;
    if (!watch) {
      watch = std::make_shared<net::Watch>(loop, fd, [this, fd](net::Ready ready) {
        act(fd, (ready.read ? CURL_CSELECT_IN : 0) | (ready.write ? CURL_CSELECT_OUT : 0));
      });
    }
    watch->want((what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0);
  }

  static int on_timer(CURLM*, long timeout_ms, void* self) {
    auto& transfers = *static_cast<Transfers*>(self);
    transfers.timer.cancel();
    if (timeout_ms > 1) {
      transfers.timer.arm(milliseconds(timeout_ms));
    } else if (timeout_ms >= 0) {
      transfers.soon();
    }
    return 0;
  }

  /// A timer may be late by a tick of the kernel, which is long where requests follow each other.
  void soon() {
    if (std::exchange(*due, true)) return;
    loop.defer([this, alive = std::weak_ptr<bool>(due)] {
      const std::shared_ptr<bool> flag = alive.lock();
      if (!flag) return;
      *flag = false;
      act(CURL_SOCKET_TIMEOUT, 0);
    });
  }

  net::Loop& loop;
  FetcherOptions options;
  std::map<curl_socket_t, std::shared_ptr<net::Watch>> watches;
  std::shared_ptr<bool> due = std::make_shared<bool>(false);
  Multi multi;
  net::Timer timer;
};

/// One request, on the fetching thread.
class Transfer {
 public:
  Transfer(Transfers& transfers, const Fetcher::Request& request, Fetcher::Callbacks callbacks)
      : transfers_(transfers), callbacks_(std::move(callbacks)), easy_(curl_easy_init()) {
    CURL* e = easy_.get();
    const FetcherOptions& o = transfers_.options;
    curl_easy_setopt(e, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(e, CURLOPT_PRIVATE, this);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, request.url.starts_with("https:") ? "https" : "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(e, CURLOPT_MAXREDIRS, kMostRedirects);
    // Several connections, and no head-of-line blocking of a read that is waited for behind those ahead of it.
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, kReceiveBuffer);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "amtgate/" AMTGATE_VERSION);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, ms(o.connect_deadline));
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, ms(o.silence) / 1000);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    // Else cancelling would wait for a name server that does not answer.
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    if (!o.ca_text.empty()) {
      curl_blob ca{const_cast<char*>(o.ca_text.data()), o.ca_text.size(), CURL_BLOB_COPY};
      curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &ca);
    }
    if (request.range) {
      curl_easy_setopt(e, CURLOPT_RANGE,
                       (std::to_string(request.range->first) + "-" + std::to_string(request.range->second)).c_str());
    }
    if (!request.if_range.empty()) {
      headers_.reset(curl_slist_append(nullptr, ("If-Range: " + request.if_range).c_str()));
      curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers_.get());
    }
    curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, &Transfer::prepare_socket);
    curl_easy_setopt(e, CURLOPT_SOCKOPTDATA, this);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, &Transfer::take_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, &Transfer::take_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, this);
    curl_multi_add_handle(transfers_.multi.get(), e);
  }
  ~Transfer() { leave(); }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// The owner may destroy this in on_done.
  void done(CURLcode code) {
    leave();
    Result<void> outcome;
    if (!error_ && code == CURLE_OK && !judged_) (void)judge_head();
    if (error_) {
      outcome = *error_;
    } else if (code != CURLE_OK) {
      outcome = transport_error(code);
    }
    const auto tell = std::move(callbacks_.on_done);
    tell(std::move(outcome));
  }

 private:
  void leave() {
    if (left_) return;
    left_ = true;
    curl_multi_remove_handle(transfers_.multi.get(), easy_.get());
  }

  Error transport_error(CURLcode code) {
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST: return {Errc::Unreachable, "the server's name does not resolve"};
      case CURLE_COULDNT_CONNECT: {
        long number = 0;
        curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &number);
        return {Errc::Unreachable,
                std::string("the server cannot be reached") +
                    (number == 0 ? "" : ": " + std::string(std::strerror(static_cast<int>(number))))};
      }
      case CURLE_OPERATION_TIMEDOUT: return {Errc::Timeout, "the server does not answer in time"};
      case CURLE_TOO_MANY_REDIRECTS: return {Errc::Refused, "the server redirects without end"};
      case CURLE_UNSUPPORTED_PROTOCOL:
        return {Errc::Refused, "the server redirects to something else than http or https, or from https to http"};
      case CURLE_PEER_FAILED_VERIFICATION:
        return {Errc::Untrusted, "the server's certificate is not trusted (image_ca names another CA)"};
      case CURLE_SSL_CONNECT_ERROR: return {Errc::Refused, "TLS with the server failed"};
      case CURLE_SSL_CACERT_BADFILE: return {Errc::BadValue, "the CA of image_ca cannot be used"};
      case CURLE_GOT_NOTHING:
      case CURLE_PARTIAL_FILE:
      case CURLE_RECV_ERROR:
      case CURLE_SEND_ERROR: return {Errc::Closed, "the server closed the connection in the middle"};
      default: return {Errc::System, curl_easy_strerror(code)};
    }
  }

  Result<void> judge_head() {
    judged_ = true;
    Result<void> judged = callbacks_.on_head(head_);
    if (!judged) error_ = judged.error();
    return judged;
  }

  static int prepare_socket(void* self, curl_socket_t fd, curlsocktype) {
    auto& t = *static_cast<Transfer*>(self);
    const std::uint32_t mark = t.transfers_.options.mark;
    if (mark != 0 && ::setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) {
      t.error_ = Error{Errc::System, std::string("cannot mark a connection: ") + std::strerror(errno)};
      return CURL_SOCKOPT_ERROR;
    }
    return CURL_SOCKOPT_OK;
  }

  static std::size_t take_header(char* data, std::size_t size, std::size_t n, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    t.heads_ += size * n;
    if (t.heads_ > kMaxHeads) {
      t.error_ = Error{Errc::TooLarge,
                       "the server's answer has a head of more than " + std::to_string(kMaxHeads) + " bytes"};
      return 0;
    }
    take_line(t.head_, {data, size * n});
    return size * n;
  }

  static std::size_t take_body(char* data, std::size_t size, std::size_t n, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    if (!t.judged_ && !t.judge_head()) return 0;
    const Result<void> taken = t.callbacks_.on_body(Bytes(reinterpret_cast<const std::uint8_t*>(data), size * n));
    if (taken) return size * n;
    t.error_ = taken.error();
    return 0;
  }

  Transfers& transfers_;
  Fetcher::Callbacks callbacks_;
  Lines headers_;
  Head head_;
  std::size_t heads_ = 0;
  bool judged_ = false;
  bool left_ = false;
  std::optional<Error> error_;
  Easy easy_;
};

void Transfers::finish_done() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Transfer* transfer = nullptr;
    const CURLcode code = message->data.result;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    transfer->done(code);
  }
}

/// What both threads know of a request.
struct Shared {
  bool cancelled = false;                // the owner's thread alone
  std::unique_ptr<Transfer> transfer{};  // the fetching thread alone
};

class Running final : public Fetch {
 public:
  Running(net::Loop& fetching, std::shared_ptr<Shared> shared) : fetching_(fetching), shared_(std::move(shared)) {}
  ~Running() override {
    shared_->cancelled = true;
    fetching_.post([shared = shared_] { shared->transfer.reset(); });
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  net::Loop& fetching_;
  std::shared_ptr<Shared> shared_;
};

class CurlFetcher final : public Fetcher {
 public:
  CurlFetcher(net::Loop& home, net::Worker& fetching, FetcherOptions options) : home_(home), fetching_(fetching) {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)ready;
    fetching_.run_there([&] { transfers_ = std::make_unique<Transfers>(fetching_.loop(), std::move(options)); });
  }
  ~CurlFetcher() override {
    fetching_.run_there([this] { transfers_.reset(); });
  }
  CurlFetcher(const CurlFetcher&) = delete;
  CurlFetcher& operator=(const CurlFetcher&) = delete;

  void set_ca(std::string ca_text) override {
    fetching_.loop().post([t = transfers_.get(), ca = std::move(ca_text)] { t->options.ca_text = ca; });
  }

  std::unique_ptr<Fetch> start(const Request& request, Callbacks callbacks) override {
    auto shared = std::make_shared<Shared>();
    callbacks.on_done = [&home = home_, shared, tell = std::move(callbacks.on_done)](const Result<void>& outcome) {
      home.post([shared, tell, outcome] {
        if (!shared->cancelled) tell(outcome);
      });
    };
    fetching_.loop().post([t = transfers_.get(), shared, request, callbacks = std::move(callbacks)]() mutable {
      shared->transfer = std::make_unique<Transfer>(*t, request, std::move(callbacks));
    });
    return std::make_unique<Running>(fetching_.loop(), std::move(shared));
  }

 private:
  net::Loop& home_;
  net::Worker& fetching_;
  std::unique_ptr<Transfers> transfers_;  // the fetching thread's
};

}  // namespace

std::unique_ptr<Fetcher> make_fetcher(net::Loop& home, net::Worker& fetching, FetcherOptions options) {
  return std::make_unique<CurlFetcher>(home, fetching, std::move(options));
}

}  // namespace amtgate::image
