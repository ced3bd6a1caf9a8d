#include "amtgate/net/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

#include "amtgate/base/handle.h"
#include "amtgate/sys/log.h"

namespace amtgate::net {

Result<std::vector<IpAddress>> resolve_now(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;  // each address once
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(name.c_str(), nullptr, &hints, &found);
  const Handle<addrinfo, &::freeaddrinfo> list(found);
  if (failed != 0) {
    const Errc code = failed == EAI_AGAIN ? Errc::Timeout : Errc::Unreachable;
    return Error{code, "cannot resolve '" + name + "': " + ::gai_strerror(failed)};
  }
  std::vector<IpAddress> out;
  for (const addrinfo* a = list.get(); a != nullptr; a = a->ai_next) {
    if (a->ai_family != AF_INET && a->ai_family != AF_INET6) continue;
    sockaddr_storage address{};
    std::copy_n(reinterpret_cast<const char*>(a->ai_addr), std::min<std::size_t>(a->ai_addrlen, sizeof address),
                reinterpret_cast<char*>(&address));
    out.push_back(Endpoint::from_sockaddr(address).address);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.size() > kMaxAddresses) out.resize(kMaxAddresses);
  if (out.empty()) return Error{Errc::Unreachable, "'" + name + "' has no address"};
  return out;
}

namespace {

/// What the threads share. It outlives the resolver while a question is in flight: getaddrinfo cannot be called off.
struct Questions {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> names;  // guarded by mutex, like the rest
  bool over = false;
  Loop* loop = nullptr;                                                            // null when over
  std::function<void(const std::string&, Result<std::vector<IpAddress>>)> answer;  // called on the loop
};

void serve(const std::shared_ptr<Questions>& q) {
  for (;;) {
    std::string name;
    {
      std::unique_lock<std::mutex> lock(q->mutex);
      q->changed.wait(lock, [&] { return q->over || !q->names.empty(); });
      if (q->over) return;
      name = std::move(q->names.front());
      q->names.pop_front();
    }
    Result<std::vector<IpAddress>> result = resolve_now(name);
    const std::lock_guard<std::mutex> lock(q->mutex);
    if (q->over) return;
    q->loop->post([q, name, result = std::move(result)] {
      // On the loop's thread, where alone `answer` is taken away.
      if (q->answer) q->answer(name, result);
    });
  }
}

}  // namespace

struct Resolver::Impl {
  Impl(Loop& l, const ResolverOptions& o, OnChange c) : loop(l), options(o), on_change(std::move(c)) {}

  struct Entry {
    Entry(Loop& l, std::function<void()> ask) : timer(l, std::move(ask)) {}
    std::vector<IpAddress> addresses;
    Duration pause{};  // zero: the last question was answered
    bool asked = false;
    Timer timer;
  };

  Loop& loop;
  ResolverOptions options;
  OnChange on_change;
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries;
  std::shared_ptr<Questions> questions = std::make_shared<Questions>();
  bool threads_started = false;

  void start_threads() {
    if (threads_started) return;
    threads_started = true;
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < std::max(1U, options.threads); ++i) {
      try {
        std::thread thread(serve, questions);
        ::pthread_setname_np(thread.native_handle(), "resolver");
        thread.detach();
      } catch (const std::system_error& e) {
        log::error("resolve.thread", {{"reason", e.what()}});
      }
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void ask(const std::string& name) {
    const auto it = entries.find(name);
    if (it == entries.end() || it->second->asked) return;
    it->second->asked = true;
    start_threads();
    const std::lock_guard<std::mutex> lock(questions->mutex);
    questions->names.push_back(name);
    questions->changed.notify_one();
  }

  void on_answer(const std::string& name, const Result<std::vector<IpAddress>>& result) {
    const auto it = entries.find(name);
    if (it == entries.end()) return;  // no longer wanted
    Entry& e = *it->second;
    e.asked = false;
    if (!result) {
      if (e.pause == Duration::zero()) {
        log::warn("resolve.failed",
                  {{"name", name}, {"reason", result.error().detail}, {"kept", e.addresses.size()}});
        e.pause = options.retry_first;
      } else {
        e.pause = std::min(e.pause * 2, options.retry_most);
      }
      e.timer.arm(e.pause);
      return;
    }
    if (e.pause != Duration::zero()) log::info("resolve.recovered", {{"name", name}});
    e.pause = Duration::zero();
    e.timer.arm(options.refresh);
    if (e.addresses == *result) return;
    e.addresses = *result;
    const std::string copy = name;  // the callback may drop the name
    const std::vector<IpAddress> addresses = e.addresses;
    on_change(copy, addresses);
  }
};

Resolver::Resolver(Loop& loop, const ResolverOptions& options, OnChange on_change)
    : impl_(std::make_unique<Impl>(loop, options, std::move(on_change))) {
  impl_->questions->loop = &loop;
  impl_->questions->answer = [s = impl_.get()](const std::string& name,
                                               const Result<std::vector<IpAddress>>& result) {
    s->on_answer(name, result);
  };
}

Resolver::~Resolver() {
  {
    const std::lock_guard<std::mutex> lock(impl_->questions->mutex);
    impl_->questions->over = true;
    impl_->questions->loop = nullptr;
    impl_->questions->names.clear();
    impl_->questions->changed.notify_all();
  }
  impl_->questions->answer = nullptr;
}

void Resolver::set_names(const std::vector<std::string>& names) {
  Impl& s = *impl_;
  for (auto it = s.entries.begin(); it != s.entries.end();) {
    const bool stays = std::find(names.begin(), names.end(), it->first) != names.end();
    it = stays ? std::next(it) : s.entries.erase(it);
  }
  for (const std::string& name : names) {
    if (s.entries.contains(name)) continue;
    s.entries.emplace(name, std::make_unique<Impl::Entry>(s.loop, [raw = &s, name] { raw->ask(name); }));
    s.ask(name);
  }
}

std::vector<IpAddress> Resolver::addresses(const std::string& name) const {
  const auto it = impl_->entries.find(name);
  return it == impl_->entries.end() ? std::vector<IpAddress>{} : it->second->addresses;
}

}  // namespace amtgate::net
