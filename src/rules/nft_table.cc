// Removes an empty table of nf_tables over netlink, in one transaction: the chains, then the table. NLM_F_NONREC
// makes the kernel refuse a chain with rules and a table with anything left in it, so that nothing of others can be
// lost.
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "amtgate/base/handle.h"
#include "amtgate/rules/host.h"

namespace amtgate::rules {
namespace {

using SocketPtr = Handle<mnl_socket, &mnl_socket_close>;
using BatchPtr = Handle<mnl_nlmsg_batch, &mnl_nlmsg_batch_stop>;

/// A table of iptables has five chains of the kernel's and one of ours; one that has many more is not ours to empty.
constexpr std::size_t kMaxChains = 16;

constexpr int nft(int message) {
  return NFNL_SUBSYS_NFTABLES << 8 | message;
}

nlmsghdr* put(void* buffer, int type, int family, unsigned flags, std::uint32_t seq) {
  nlmsghdr* header = mnl_nlmsg_put_header(buffer);
  header->nlmsg_type = static_cast<std::uint16_t>(type);
  header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  header->nlmsg_seq = seq;
  auto* const message = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  message->nfgen_family = static_cast<std::uint8_t>(family);
  message->version = NFNETLINK_V0;
  const bool marker = type == NFNL_MSG_BATCH_BEGIN || type == NFNL_MSG_BATCH_END;
  message->res_id = htons(marker ? NFNL_SUBSYS_NFTABLES : 0);
  return header;
}

/// Reads answers until `handle(message)` says true or fails.
template <class Handle>
Result<void> answers(mnl_socket* socket, Handle handle) {
  std::array<char, 32768> buffer{};
  for (;;) {
    const ssize_t n = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
    if (n < 0) return Error{Errc::System, std::strerror(errno)};
    auto left = static_cast<int>(n);
    for (auto* at = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(at, left);
         at = mnl_nlmsg_next(at, &left)) {
      if (at->nlmsg_type == NLMSG_ERROR && mnl_nlmsg_get_payload_len(at) >= sizeof(nlmsgerr)) {
        const int error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(at))->error;
        if (error != 0) return Error{Errc::System, std::strerror(-error)};
      }
      if (handle(*at)) return {};
    }
  }
}

struct ChainName {
  std::string table;
  std::string chain;
};

int read_name(const nlattr* attribute, void* into) {
  auto* const name = static_cast<ChainName*>(into);
  const int type = mnl_attr_get_type(attribute);
  if (type != NFTA_CHAIN_TABLE && type != NFTA_CHAIN_NAME) return MNL_CB_OK;
  if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0) return MNL_CB_ERROR;
  (type == NFTA_CHAIN_TABLE ? name->table : name->chain) = mnl_attr_get_str(attribute);
  return MNL_CB_OK;
}

/// iptables-save prints the kernel's chains whether they exist or not, and deleting one that does not fails.
Result<std::vector<std::string>> chains_of(mnl_socket* socket, int family, const std::string& table) {
  std::array<char, 4096> buffer{};
  const nlmsghdr* request = put(buffer.data(), nft(NFT_MSG_GETCHAIN), family, NLM_F_DUMP, 1);
  if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) return Error{Errc::System, std::strerror(errno)};
  std::vector<std::string> found;
  const Result<void> read = answers(socket, [&](const nlmsghdr& message) {
    ChainName name;
    if (message.nlmsg_type == nft(NFT_MSG_NEWCHAIN)) mnl_attr_parse(&message, sizeof(nfgenmsg), &read_name, &name);
    if (name.table == table && !name.chain.empty()) found.push_back(name.chain);
    return message.nlmsg_type == NLMSG_DONE;
  });
  if (!read) return read.error();
  return found;
}

Result<void> remove(mnl_socket* socket, int family, const std::string& table,
                    const std::vector<std::string>& chains) {
  if (chains.size() > kMaxChains) return Error{Errc::System, "it has more chains than iptables makes"};
  std::array<char, 16384> buffer{};
  const BatchPtr batch(mnl_nlmsg_batch_start(buffer.data(), buffer.size() / 2));
  std::uint32_t seq = 2;
  const auto next = [&](int type, int of, unsigned flags) {
    return put(mnl_nlmsg_batch_current(batch.get()), type, of, flags, seq++);
  };
  const auto done = [&] { mnl_nlmsg_batch_next(batch.get()); };
  next(NFNL_MSG_BATCH_BEGIN, AF_UNSPEC, 0);
  done();
  for (const std::string& chain : chains) {
    nlmsghdr* const header = next(nft(NFT_MSG_DELCHAIN), family, NLM_F_NONREC);
    mnl_attr_put_strz(header, NFTA_CHAIN_TABLE, table.c_str());
    mnl_attr_put_strz(header, NFTA_CHAIN_NAME, chain.c_str());
    done();
  }
  nlmsghdr* const header = next(nft(NFT_MSG_DELTABLE), family, NLM_F_NONREC | NLM_F_ACK);
  mnl_attr_put_strz(header, NFTA_TABLE_NAME, table.c_str());
  const std::uint32_t last = header->nlmsg_seq;
  done();
  next(NFNL_MSG_BATCH_END, AF_UNSPEC, 0);
  done();
  const void* head = mnl_nlmsg_batch_head(batch.get());
  if (mnl_socket_sendto(socket, head, mnl_nlmsg_batch_size(batch.get())) < 0) {
    return Error{Errc::System, std::strerror(errno)};
  }
  // Errors come for each message that has one, the acknowledgement for the last one only.
  return answers(socket, [last](const nlmsghdr& message) {
    return message.nlmsg_type == NLMSG_ERROR && message.nlmsg_seq == last;
  });
}

}  // namespace

Result<void> remove_nft_table(Ip ip, const std::string& table) {
  const int family = ip == Ip::V4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
  const SocketPtr socket(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    return Error{Errc::System, std::string("a netfilter socket: ") + std::strerror(errno)};
  }
  const Result<std::vector<std::string>> chains = chains_of(socket.get(), family, table);
  const Result<void> removed = chains ? remove(socket.get(), family, table, *chains) : Result<void>(chains.error());
  if (removed) return {};
  return Error{Errc::System, "removing the empty table " + table + ": " + removed.error().detail};
}

}  // namespace amtgate::rules
