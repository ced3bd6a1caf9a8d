#include "amtgate/gateway/serving.h"

#include <array>
#include <utility>

namespace amtgate::gateway {
namespace {

constexpr std::size_t kReadSize = 16U << 10U;
// A busy user may not starve the loop.
constexpr int kReadsPerTurn = 8;
constexpr int kWritesPerTurn = 256;

}  // namespace

Serving::Serving(Shard& shard, SerialHost& host, SessionRecord& record, net::Stream& client,
                 std::unique_ptr<session::SerialUser> user, Begin begin, OnEnd on_end)
    : shard_(shard),
      host_(&host),
      record_(record),
      client_(client),
      id_{record.id.value},
      on_end_(std::move(on_end)) {
  append(words_.buffer(), begin.words);
  if (host.device().port.value != 0) {  // else the way to it that was found while joining
    record_.device = host.device();
    record_.tls = host.tls();
    record_.trust = host.trust();
  }
  record_.opened(shard_.mutable_counters(), client_, shard_.loop().now());
  host.attach(*this, id_, std::move(user), {record.client, record.user});
  if (!begin.typed.empty()) host.receive(id_, begin.typed);
}

Serving::~Serving() {
  leave();
}

void Serving::pump(bool readable) {
  if (host_ == nullptr) return;
  std::array<std::uint8_t, kReadSize> buffer;
  for (int i = 0; readable && i < kReadsPerTurn && host_ != nullptr && host_->takes(id_); ++i) {
    const net::IoResult got = client_.read(buffer);
    if (got.status == net::Io::Again) break;
    if (got.status == net::Io::Closed) return gone("closed", {Errc::Closed, "the client closed the connection"});
    if (got.status == net::Io::Failed) return gone("reset", client_.error());
    readable = got.bytes == buffer.size() || client_.is_tls();
    host_->receive(id_, Bytes(buffer).first(got.bytes));
  }
  if (host_ != nullptr) host_->pump();
  serial_output();
}

/// False: no more goes out now.
bool Serving::flush() {
  while (!words_.view().empty()) {
    const net::IoResult put = client_.write(words_.view());
    if (put.status != net::Io::Ok) return false;
    words_.sent(put.bytes);
  }
  for (int i = 0; i < kWritesPerTurn; ++i) {
    const Bytes out = host_->output(id_);
    if (out.empty()) return true;
    const net::IoResult put = client_.write(out);
    if (put.status != net::Io::Ok) return false;
    host_->sent(id_, put.bytes);
  }
  return false;
}

void Serving::serial_output() {
  if (host_ == nullptr) return;
  const bool all_out = flush();
  const bool takes = host_->takes(id_);
  // One that is not read from now shows its end by a write that fails.
  if (!all_out && !takes && client_.was_reset()) return gone("reset", client_.error());
  client_.want(takes, !all_out);
}

void Serving::told(std::string_view cause, std::string_view side, const Error& why) {
  record_.ended(shard_.mutable_counters(), {cause, side, why.detail, client_.rx_bytes(), client_.tx_bytes()},
                shard_.loop().now());
}

void Serving::gone(std::string_view cause, const Error& why) {
  told(cause, "client", why);
  finish(std::nullopt);
}

void Serving::serial_ended(const session::SharedSerial::UserEnded& end) {
  if (host_ == nullptr) return;
  told(end.error.code == Errc::Closed ? "closed" : amtgate::name(end.error.code), end.by_user ? "client" : "device",
       end.error);
  LastWords words;
  if (const Bytes first = words_.view(); !first.empty()) words.emplace_back(first.begin(), first.end());
  while (true) {
    const Bytes out = host_->output(id_);
    if (out.empty()) break;
    words.emplace_back(out.begin(), out.end());
    host_->sent(id_, out.size());
  }
  finish(std::move(words));
}

void Serving::finish(std::optional<LastWords> words) {
  leave();
  on_end_(std::move(words));
}

void Serving::leave() {
  if (host_ != nullptr) std::exchange(host_, nullptr)->detach(id_);
}

void Serving::end(const Error& why) {
  if (host_ == nullptr) return;
  host_->end(id_, why);
  host_->pump();
}

Result<void> Serving::take_keyboard() {
  if (host_ == nullptr) return Error{Errc::BadValue, "the session is ending"};
  return host_->give(id_);
}

void Serving::describe(control::SessionInfo& info) const {
  info.state = "open";
  if (host_ != nullptr) info.role = host_->types(id_) ? "types" : "watches";
  info.rx_bytes = client_.rx_bytes();
  info.tx_bytes = client_.tx_bytes();
}

}  // namespace amtgate::gateway
