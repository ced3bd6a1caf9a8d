#include "amtgate/device/web_client.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "amtgate/base/handle.h"
#include "amtgate/device/trust_policy.h"
#include "amtgate/tls/certificate.h"
#include "amtgate/wsman/document.h"
#include "src/device/memory.h"

namespace amtgate::device {
namespace {

struct Door {
  Port port;
  bool tls;
};
constexpr Door kTlsDoors[] = {{Port{16993}, true}, {Port{664}, true}};
constexpr Door kPlainDoors[] = {{Port{16992}, false}, {Port{623}, false}};

using Easy = Handle<CURL, &curl_easy_cleanup>;
using Multi = Handle<CURLM, &curl_multi_cleanup>;
using Headers = Handle<curl_slist, &curl_slist_free_all>;

long ms(Duration d) {
  return static_cast<long>(std::chrono::ceil<milliseconds>(d).count());
}

}  // namespace

/// The thread that moves everything, and what goes to it.
struct WebClient::Impl {
  explicit Impl(WebClientOptions o)
      : options(std::move(o)), known(options.state + "/known_certificates"), multi(curl_multi_init()) {
    thread = std::thread([this] { run(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      over = true;
    }
    curl_multi_wakeup(multi.get());
    thread.join();
  }

  struct Job {
    CURL* easy = nullptr;
    CURLcode code = CURLE_OK;
    bool done = false;  // guarded by mutex
    std::condition_variable finished;
  };

  /// Blocks until the transfer is over.
  void perform(Job& job) {
    std::unique_lock lock(mutex);
    waiting.push_back(&job);
    curl_multi_wakeup(multi.get());
    job.finished.wait(lock, [&] { return job.done; });
  }

  void run() {
    while (true) {
      {
        const std::lock_guard lock(mutex);
        if (over) return;
        // Each machine is one connection at a time, and keeps it as long as somebody works on it; those of machines
        // that are done are the oldest, and closed first.
        curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, std::max(1L, machines.load()));
        for (Job* job : waiting) {
          curl_easy_setopt(job->easy, CURLOPT_PRIVATE, job);
          curl_multi_add_handle(multi.get(), job->easy);
        }
        waiting.clear();
      }
      int running = 0;
      curl_multi_perform(multi.get(), &running);
      finish_done();
      curl_multi_poll(multi.get(), nullptr, 0, 1000, nullptr);
    }
  }

  void finish_done() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Job* job = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &job);
      const CURLcode code = message->data.result;
      curl_multi_remove_handle(multi.get(), job->easy);
      const std::lock_guard lock(mutex);
      job->code = code;
      job->done = true;
      job->finished.notify_one();
    }
  }

  const WebClientOptions options;
  KnownStore known;
  Multi multi;
  std::mutex mutex;
  std::vector<Job*> waiting;
  std::atomic<long> machines{0};  // that somebody works on
  bool over = false;
  std::thread thread;
};

namespace {

class Machine final : public wsman::Caller {
 public:
  Machine(WebClient::Impl& client, std::shared_ptr<const config::Target> target, const IpAddress& address, Port port)
      : client_(client), target_(std::move(target)), address_(address), port_(port), easy_(curl_easy_init()) {
    choose_doors(port_);
    set_up();
    ++client_.machines;
  }
  ~Machine() override { --client_.machines; }

  Result<wsman::Reply> call(const wsman::Request& request) override {
    wsman::Request numbered = request;
    numbered.message_id = std::to_string(++messages_);
    const std::string body = to_xml(numbered);
    std::string ports;
    bool again = false;
    while (true) {
      const Result<std::string> answer = post(body);
      if (answer) {
        doors_ = {doors_.front()};  // that is the one
        Result<wsman::Reply> reply = wsman::parse_reply(*answer);
        if (!reply) return Error{reply.error().code, who() + ": " + request.what() + ": " + reply.error().detail};
        return reply;
      }
      const bool elsewhere = answer.error().code == Errc::Unreachable && doors_.size() > 1;
      if (!elsewhere) {
        // A connection that the machine had closed meanwhile: once more, where that does nothing twice.
        if (answer.error().code == Errc::Closed && request.only_reads() && !again) {
          again = true;
          continue;
        }
        if (ports.empty() || answer.error().code != Errc::Unreachable) return answer.error();
        ports += ", " + std::to_string(doors_.front().port.value);
        choose_doors(port_);  // the next call tries them all again
        return Error{Errc::Unreachable, target_->name + " (" + address_.to_string() + ") cannot be reached on " +
                                            ports + ": " + unreachable_ +
                                            "; is it on the mains and on the network, and AMT switched on?"};
      }
      ports += (ports.empty() ? "" : ", ") + std::to_string(doors_.front().port.value);
      doors_.pop_front();
    }
  }

  const WebRoute& route() const { return route_; }

 private:
  std::string who() const { return target_->name + " (" + Endpoint{address_, doors_.front().port}.to_string() + ")"; }

  void choose_doors(Port port) {
    const config::Target& t = *target_;
    const bool only_tls = t.tls == config::TlsMode::Yes || !t.tls_ca.empty() || !t.tls_pin.empty() ||
                          client_.known.knows({t.name, address_});
    const bool only_plain = t.tls == config::TlsMode::No;
    doors_.clear();
    if (port.value != 0) {
      const bool plain_port = port.value == 16992 || port.value == 623;
      doors_ = {{port, only_tls || (!only_plain && !plain_port)}};
      return;
    }
    if (!only_plain) doors_.insert(doors_.end(), std::begin(kTlsDoors), std::end(kTlsDoors));
    if (!only_tls || only_plain) doors_.insert(doors_.end(), std::begin(kPlainDoors), std::end(kPlainDoors));
  }

  void set_up() {
    CURL* e = easy_.get();
    const config::Target& t = *target_;
    headers_.reset(curl_slist_append(nullptr, "Content-Type: application/soap+xml; charset=UTF-8"));
    // AMT knows no 100-continue.
    headers_.reset(curl_slist_append(headers_.release(), "Expect:"));
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");  // whatever the environment says
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(e, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_DIGEST));
    curl_easy_setopt(e, CURLOPT_USERNAME, t.username.c_str());
    curl_easy_setopt(e, CURLOPT_PASSWORD, t.password.reveal().c_str());
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, ms(client_.options.connect_deadline));
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, ms(client_.options.deadline));
    if (t.source) curl_easy_setopt(e, CURLOPT_INTERFACE, ("host!" + t.source->to_string()).c_str());
    curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, &Machine::prepare_socket);
    curl_easy_setopt(e, CURLOPT_SOCKOPTDATA, this);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, &Machine::take_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, &Machine::take_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, error_text_);
    // judge() decides, in the handshake; names are not compared, as AMT's certificates rarely carry the address.
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, &Machine::prepare_tls);
    curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, this);
  }

  /// The body of an answer that is SOAP (200, or a fault's 400 and 500).
  Result<std::string> post(const std::string& request) {
    const Door door = doors_.front();
    const std::string host = address_.is_v4() ? address_.to_string() : "[" + address_.to_string() + "]";
    const std::string url =
        (door.tls ? "https://" : "http://") + host + ":" + std::to_string(door.port.value) + "/wsman";
    body_.clear();
    too_large_ = false;
    local_error_.reset();
    error_text_[0] = '\0';
    curl_easy_setopt(easy_.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(request.size()));
    curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDS, request.c_str());
    WebClient::Impl::Job job;
    job.easy = easy_.get();
    client_.perform(job);
    if (job.code != CURLE_OK) return transport_error(job.code);
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    route_.device = {address_, door.port};
    if (door.tls && route_.tls.empty()) route_.tls = "TLS";
    if (status == 401) {
      return Error{Errc::AuthFailed, who() + ": user '" + target_->username +
                                         "' was refused: wrong user name or password, or AMT has locked the account "
                                         "for a while"};
    }
    if (status == 200 || ((status == 400 || status == 500) && body_.find('<') != std::string::npos)) {
      return std::move(body_);
    }
    return Error{Errc::Refused, who() + ": HTTP status " + std::to_string(status) +
                                    (status == 404 ? "; is this an AMT machine, and WS-Management its port?" : "")};
  }

  Error transport_error(CURLcode code) {
    if (local_error_) return {local_error_->code, who() + ": " + local_error_->detail};
    if (too_large_)
      return {Errc::TooLarge, who() + ": an answer of more than " + std::to_string(wsman::kMaxEnvelope) + " bytes"};
    const std::string why = error_text_[0] == '\0' ? curl_easy_strerror(code) : error_text_;
    switch (code) {
      case CURLE_COULDNT_CONNECT: {
        long number = 0;
        curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &number);
        unreachable_ = number == 0 ? why : std::strerror(static_cast<int>(number));
        return {Errc::Unreachable, who() + " cannot be reached: " + unreachable_};
      }
      case CURLE_OPERATION_TIMEDOUT: {
        // Without a connection it is another door's turn.
        curl_off_t connected = 0;
        curl_easy_getinfo(easy_.get(), CURLINFO_CONNECT_TIME_T, &connected);
        if (connected == 0) {
          unreachable_ = "no answer";
          return {Errc::Unreachable, who() + " does not answer; is it on the mains and on the network?"};
        }
        return {Errc::Timeout, who() + " did not answer in time"};
      }
      case CURLE_SSL_CONNECT_ERROR:
        return {Errc::Refused, who() + ": TLS failed: " + why +
                                   (target_->tls_min >= config::TlsVersion::V1_2
                                        ? "; old firmware needs `tls_min = 1.0` for this target"
                                        : "")};
      case CURLE_GOT_NOTHING:
      case CURLE_RECV_ERROR:
      case CURLE_SEND_ERROR:
      case CURLE_PARTIAL_FILE: return {Errc::Closed, who() + " closed the connection: " + why};
      default: return {Errc::System, who() + ": " + why};
    }
  }

  // --- what libcurl calls, on its thread, while the caller waits

  static int prepare_socket(void* self, curl_socket_t fd, curlsocktype) {
    Machine& m = *static_cast<Machine*>(self);
    const std::uint32_t mark = m.client_.options.mark;
    const std::string& interface = m.target_->interface;
    if (mark != 0 && ::setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) return m.refuse("mark");
    // libcurl of Debian 12 takes an interface or a source address, not both.
    if (!interface.empty() && ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface.data(),
                                           static_cast<socklen_t>(interface.size())) != 0) {
      return m.refuse("use interface " + interface);
    }
    return CURL_SOCKOPT_OK;
  }

  int refuse(const std::string& what) {
    local_error_ = Error{Errc::System, "cannot " + what + ": " + std::strerror(errno) + "; try as root"};
    return CURL_SOCKOPT_ERROR;
  }

  static std::size_t take_body(char* data, std::size_t size, std::size_t n, void* self) {
    Machine& m = *static_cast<Machine*>(self);
    if (size * n > wsman::kMaxEnvelope - m.body_.size()) {
      m.too_large_ = true;
      return 0;
    }
    m.body_.append(data, size * n);
    return size * n;
  }

  static std::size_t take_header(char* data, std::size_t size, std::size_t n, void* self) {
    const std::string_view line(data, size * n);
    constexpr std::string_view kServer = "Server: ";
    if (line.starts_with(kServer)) {
      std::string_view value = line.substr(kServer.size());
      while (!value.empty() && (value.back() == '\r' || value.back() == '\n')) value.remove_suffix(1);
      static_cast<Machine*>(self)->route_.server = value.substr(0, 200);
    }
    return size * n;
  }

  static CURLcode prepare_tls(CURL*, void* context, void* self) {
    Machine& m = *static_cast<Machine*>(self);
    auto* ctx = static_cast<SSL_CTX*>(context);
    if (const Result<void> set = tls::apply(ctx, tls_policy(*m.target_)); !set) {
      m.local_error_ = set.error();
      return CURLE_SSL_CERTPROBLEM;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(ctx, &Machine::judge, self);
    return CURLE_OK;
  }

  static int judge(X509_STORE_CTX* store, void* self) {
    Machine& m = *static_cast<Machine*>(self);
    const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    if (ssl != nullptr) m.route_.tls = SSL_get_version(ssl);
    std::vector<tls::Certificate> chain;
    const auto add = [&](X509* x) {
      unsigned char* der = nullptr;
      const int n = i2d_X509(x, &der);
      if (n > 0) chain.emplace_back(Buffer(der, der + n));
      OPENSSL_free(der);
    };
    // What the machine sent: its own certificate comes first.
    if (X509* own = X509_STORE_CTX_get0_cert(store)) add(own);
    if (const STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store)) {
      for (int i = 1; i < sk_X509_num(sent); ++i) add(sk_X509_value(sent, i));
    }
    const tls::TrustPolicy policy = trust_policy(*m.target_, m.address_);
    const Result<tls::Verdict> verdict = m.client_.known.judge(policy, {m.target_->name, m.address_}, chain);
    if (verdict) return 1;
    m.local_error_ = verdict.error();
    return 0;
  }

  WebClient::Impl& client_;
  std::shared_ptr<const config::Target> target_;
  IpAddress address_;
  Port port_;  // 0: whichever answers
  std::deque<Door> doors_;
  Headers headers_;
  WebRoute route_;
  std::uint64_t messages_ = 0;
  std::string body_;
  bool too_large_ = false;
  std::string unreachable_;  // why the last port was
  std::optional<Error> local_error_;
  char error_text_[CURL_ERROR_SIZE] = {};
  Easy easy_;  // last: it goes first, and its callbacks use the rest
};

}  // namespace

WebClient::WebClient(WebClientOptions options) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)ready;
  impl_ = std::make_unique<Impl>(std::move(options));
}
WebClient::~WebClient() = default;

KnownStore& WebClient::known() {
  return impl_->known;
}

std::unique_ptr<wsman::Caller> WebClient::machine(std::shared_ptr<const config::Target> target,
                                                  const IpAddress& address, Port port) {
  return std::make_unique<Machine>(*impl_, std::move(target), address, port);
}

WebRoute route_of(const wsman::Caller& machine) {
  const auto* known = dynamic_cast<const Machine*>(&machine);
  return known == nullptr ? WebRoute{} : known->route();
}

}  // namespace amtgate::device
