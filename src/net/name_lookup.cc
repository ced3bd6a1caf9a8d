#include "amtgate/net/name_lookup.h"

#include <ares.h>
#include <netdb.h>
#include <strings.h>

#include <algorithm>
#include <cstring>
#include <list>

#include "amtgate/base/handle.h"
#include "amtgate/net/hosts_file.h"
#include "amtgate/sys/file.h"

namespace amtgate::net {
namespace {

using Channel = Handle<ares_channeldata, &::ares_destroy>;
using AddressList = Handle<ares_addrinfo, &::ares_freeaddrinfo>;

IpAddress address_of(const sockaddr* from, socklen_t length) {
  sockaddr_storage whole{};
  std::memcpy(&whole, from, std::min<std::size_t>(length, sizeof whole));
  return Endpoint::from_sockaddr(whole).address;
}

/// One family's part of a question.
struct Part {
  bool open = true;
  int status = ARES_SUCCESS;
  std::vector<IpAddress> addresses;
  std::string full_name;  // with the domain of the search list under which it was found
  seconds ttl = seconds::max();

  /// The name servers said what there is, be it nothing.
  bool answered() const { return status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND; }
};

void take(Part& part, int status, const ares_addrinfo* found) {
  part.open = false;
  part.status = status;
  if (status != ARES_SUCCESS || found == nullptr) return;
  if (found->name != nullptr) part.full_name = found->name;
  // RFC 2181 section 8: a TTL with the highest bit set is 0.
  const auto shorten = [&](int ttl) { part.ttl = std::min(part.ttl, seconds(std::max(0, ttl))); };
  for (const ares_addrinfo_cname* c = found->cnames; c != nullptr; c = c->next) shorten(c->ttl);
  for (const ares_addrinfo_node* n = found->nodes; n != nullptr; n = n->ai_next) {
    shorten(n->ai_ttl);
    part.addresses.push_back(address_of(n->ai_addr, n->ai_addrlen));
  }
  part.addresses = in_order(std::move(part.addresses));
}

Error failure(const std::string& name, int status) {
  const std::string what = "cannot resolve '" + name + "': ";
  switch (status) {
    case ARES_ENOTFOUND: return Error{Errc::Unreachable, what + "there is no such name"};
    case ARES_SUCCESS:
    case ARES_ENODATA: return Error{Errc::Unreachable, what + "it has no address"};
    case ARES_ETIMEOUT: return Error{Errc::Timeout, what + "no name server answers"};
    // As c-ares calls it after refusals, too.
    case ARES_ECONNREFUSED:
      return Error{Errc::Timeout, what + "the name servers are unreachable or refuse to answer"};
    case ARES_EBADRESP: return Error{Errc::BadValue, what + "the name server's answer cannot be read"};
    case ARES_EBADNAME: return Error{Errc::BadValue, what + "this cannot be a name"};
    default: return Error{Errc::System, what + ::ares_strerror(status)};
  }
}

Result<FoundName> join(const std::string& name, Part v4, Part v6) {
  // Two machines, when the search list led to one in this domain and to another in that.
  if (!v4.addresses.empty() && !v6.addresses.empty() &&
      ::strcasecmp(v4.full_name.c_str(), v6.full_name.c_str()) != 0) {
    v6.addresses.clear();
  }
  if (v4.addresses.empty() && v6.addresses.empty()) {
    return failure(name, !v4.answered() ? v4.status : !v6.answered() ? v6.status : std::min(v4.status, v6.status));
  }
  FoundName out;
  out.ttl = seconds::max();
  for (const auto& [part, list] : {std::pair{&v4, &out.v4}, std::pair{&v6, &out.v6}}) {
    if (!part->answered()) continue;
    if (!part->addresses.empty()) out.ttl = std::min(*out.ttl, part->ttl);
    list->emplace(std::move(part->addresses));
  }
  return out;
}

FoundName from_hosts(const std::vector<IpAddress>& addresses) {
  FoundName out;
  out.v4.emplace();
  out.v6.emplace();
  for (const IpAddress& a : addresses) (a.is_v4() ? out.v4 : out.v6)->push_back(a);
  out.v4 = in_order(std::move(*out.v4));
  out.v6 = in_order(std::move(*out.v6));
  return out;
}

}  // namespace

std::vector<IpAddress> in_order(std::vector<IpAddress> addresses) {
  std::ranges::sort(addresses);
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  if (addresses.size() > kMaxAddresses) addresses.resize(kMaxAddresses);
  return addresses;
}

struct NameLookup::Impl {
  struct Question {
    Impl* lookup;
    std::string name;
    OnFound on_found;
    Part v4{};
    Part v6{};
    std::list<Question>::iterator self{};
  };

  Impl(Loop& l, LookupOptions o)
      : loop(l), options(std::move(o)), hosts(options.hosts), turn(l, [this] { ask_waiting(); }), late(l, [this] {
          serve(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        }) {}

  Loop& loop;
  const LookupOptions options;
  HostsFile hosts;
  Channel channel;
  sys::FileStamp configured;  // the resolv.conf that the channel is made from
  std::map<int, std::shared_ptr<Watch>> watches;
  std::list<Question> waiting;
  std::list<Question> asked;
  Timer turn;  // for what waits: c-ares must not be torn down inside its own callbacks
  Timer late;  // c-ares's own

  // --- the channel

  static void on_socket(void* self, ares_socket_t fd, int readable, int writable) noexcept {
    static_cast<Impl*>(self)->watch(fd, readable != 0, writable != 0);
  }

  void watch(int fd, bool read, bool write) {
    std::shared_ptr<Watch>& slot = watches[fd];
    if (!slot) {
      slot = std::make_shared<Watch>(loop, fd, [this, fd](Ready ready) {
        serve(ready.read ? fd : ARES_SOCKET_BAD, ready.write ? fd : ARES_SOCKET_BAD);
      });
    }
    slot->want(read, write);
    if (read || write) return;
    loop.retire(std::move(slot));  // this may be its own callback
    watches.erase(fd);
  }

  void serve(ares_socket_t read, ares_socket_t write) {
    ::ares_process_fd(channel.get(), read, write);
    set_timer();
  }

  void set_timer() {
    timeval in{};
    if (!channel || ::ares_timeout(channel.get(), nullptr, &in) == nullptr) {
      late.cancel();
    } else {
      late.arm(seconds(in.tv_sec) + std::chrono::microseconds(in.tv_usec));
    }
  }

  /// c-ares 1.18 reads resolv.conf once. What was asked of the old servers is asked again.
  void configure() {
    const sys::FileStamp now = sys::file_stamp(options.resolv_conf);
    if (channel && now == configured) return;
    channel.reset();
    waiting.splice(waiting.begin(), asked);
    configured = now;
    std::string path = options.resolv_conf;
    std::string lookups = "b";  // the hosts file is ours
    ares_options o{};
    o.timeout = static_cast<int>(std::chrono::duration_cast<milliseconds>(options.first_wait).count());
    o.tries = static_cast<int>(options.rounds);
    o.udp_port = o.tcp_port = options.port.value;
    o.lookups = lookups.data();
    o.resolvconf_path = path.data();
    o.sock_state_cb = &on_socket;
    o.sock_state_cb_data = this;
    ares_channel made = nullptr;
    if (::ares_init_options(&made, &o,
                            ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT |
                                ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB) == ARES_SUCCESS) {
      channel.reset(made);
    }
  }

  // --- questions

  template <Part Question::*Family>
  static void on_part(void* question, int status, int, ares_addrinfo* found) noexcept {
    const AddressList list(found);
    if (status == ARES_EDESTRUCTION) return;  // to be asked again, or never
    auto* q = static_cast<Question*>(question);
    take(q->*Family, status, list.get());
    if (!q->v4.open && !q->v6.open) q->lookup->finish(*q, join(q->name, std::move(q->v4), std::move(q->v6)));
  }

  void ask_waiting() {
    configure();
    for (std::size_t n = waiting.size(); n > 0 && asked.size() < kMaxAsked; --n) {
      asked.splice(asked.end(), waiting, waiting.begin());
      Question& q = asked.back();
      q.self = std::prev(asked.end());
      if (const std::vector<IpAddress>& listed = hosts.find(q.name); !listed.empty()) {
        finish(q, from_hosts(listed));
      } else if (!channel) {
        finish(q, Error{Errc::System, "cannot resolve '" + q.name + "': no memory for a question"});
      } else {
        q.v4 = q.v6 = {};
        ares_addrinfo_hints hints{};
        hints.ai_flags = ARES_AI_NOSORT;  // sorting connects sockets
        hints.ai_family = AF_INET;
        ::ares_getaddrinfo(channel.get(), q.name.c_str(), nullptr, &hints, &on_part<&Question::v4>, &q);
        hints.ai_family = AF_INET6;
        // The question may be over when this returns.
        ::ares_getaddrinfo(channel.get(), q.name.c_str(), nullptr, &hints, &on_part<&Question::v6>, &q);
      }
    }
    set_timer();
  }

  void finish(Question& q, const Result<FoundName>& found) {
    const OnFound on_found = std::move(q.on_found);
    asked.erase(q.self);
    if (!waiting.empty()) turn.arm(Duration::zero());
    on_found(found);
  }
};

NameLookup::NameLookup(Loop& loop, LookupOptions options) : impl_(std::make_unique<Impl>(loop, std::move(options))) {}

NameLookup::~NameLookup() {
  impl_->channel.reset();  // says so of every question and socket
}

void NameLookup::ask(std::string name, OnFound on_found) {
  impl_->waiting.push_back({impl_.get(), std::move(name), std::move(on_found)});
  impl_->turn.arm(Duration::zero());
}

Result<std::map<std::string, std::vector<IpAddress>>> look_up_now(const std::vector<std::string>& names,
                                                                  const LookupOptions& options) {
  const Result<std::unique_ptr<Loop>> loop = Loop::create();
  if (!loop) return loop.error();
  NameLookup lookup(**loop, options);
  std::map<std::string, std::vector<IpAddress>> out;
  std::size_t open = names.size();
  for (const std::string& name : names) {
    lookup.ask(name, [&out, &open, &name](const Result<FoundName>& found) {
      --open;
      std::vector<IpAddress>& addresses = out[name];
      if (!found) return;
      for (const auto& family : {found->v4, found->v6}) {
        if (family) addresses.insert(addresses.end(), family->begin(), family->end());
      }
      addresses = in_order(std::move(addresses));
    });
  }
  while (open > 0) (*loop)->run_once(seconds(1));
  return out;
}

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
    out.push_back(address_of(a->ai_addr, a->ai_addrlen));
  }
  out = in_order(std::move(out));
  if (out.empty()) return Error{Errc::Unreachable, "'" + name + "' has no address"};
  return out;
}

}  // namespace amtgate::net
