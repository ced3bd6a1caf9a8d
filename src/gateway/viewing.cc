#include "amtgate/gateway/viewing.h"

#include <array>
#include <utility>

#include "amtgate/control/protocol.h"

namespace amtgate::gateway {
namespace {

// A person may have to look at the gateway's certificate first.
constexpr Duration kTlsDeadline = seconds(120);
constexpr std::size_t kReadSize = 8192;
// A busy viewer may not starve the loop.
constexpr int kReadsPerTurn = 16;

}  // namespace

Viewing::Viewing(Shard& shard, ScreenHost& screen, SessionRecord& record, net::Stream& client,
                 const session::ViewerOptions& options, OnEnd on_end)
    : shard_(shard),
      screen_(&screen),
      record_(record),
      client_(client),
      id_{record.id.value},
      script_(options.script),
      on_end_(std::move(on_end)) {
  screen.attach(*this, id_, options, record.client);
}

Viewing::~Viewing() {
  leave();
}

void Viewing::pump() {
  if (screen_ == nullptr || tls_ == Tls::Handshake) return;
  std::array<std::uint8_t, kReadSize> buffer;
  for (int i = 0; i < kReadsPerTurn && screen_ != nullptr && screen_->takes(id_); ++i) {
    const net::IoResult got = client_.read(buffer);
    if (got.status == net::Io::Again) break;
    if (got.status == net::Io::Closed) return gone("closed", {Errc::Closed, "the client closed the connection"});
    if (got.status == net::Io::Failed) return gone("reset", client_.error());
    screen_->receive(id_, Bytes(buffer).first(got.bytes));
  }
  screen_output();
  if (screen_ != nullptr) screen_->pump();
}

void Viewing::screen_output() {
  if (screen_ == nullptr || tls_ == Tls::Handshake) return;
  if (script_) {
    if (!joined_) return client_.want(true, false);  // not before it is answered
    while (!first_words_.view().empty()) {
      const net::IoResult put = client_.write(first_words_.view());
      if (put.status != net::Io::Ok) return client_.want(true, true);
      first_words_.sent(put.bytes);
    }
  }
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const Bytes out = screen_->output(id_);
    if (out.empty()) break;
    const net::IoResult put = client_.write(out);
    if (put.status == net::Io::Failed && !screen_->takes(id_)) return gone("reset", client_.error());
    if (put.status != net::Io::Ok) break;  // a failure shows when it is read from
    screen_->sent(id_, put.bytes);
  }
  const bool all_out = screen_->output(id_).empty();
  if (tls_ == Tls::Due && all_out) return secure();
  client_.want(screen_->takes(id_), !all_out);
}

void Viewing::screen_start_tls() {
  tls_ = Tls::Due;
  screen_output();
}

/// VeNCrypt: the rest of RFB's opening, and all behind it, inside of TLS.
void Viewing::secure() {
  tls_ = Tls::Handshake;
  client_.start_tls(*shard_.shared().viewer_tls, kTlsDeadline, [this](Result<void> done) {
    if (screen_ == nullptr) return;
    tls_ = Tls::None;
    if (!done) {
      const Error why{done.error().code, "TLS with the client failed: " + done.error().detail};
      record_.failed(shard_.mutable_counters(), why, shard_.loop().now());
      client_.reset();
      return finish(std::nullopt);
    }
    screen_->tls_started(id_);
    pump();
  });
}

void Viewing::screen_known(const session::SharedScreen::ViewerKnown& who) {
  if (script_) return;
  record_.method = std::string(who.tls ? "tls-" : "") + std::string(rfb::name(who.security));
  record_.user = who.user;
}

void Viewing::screen_joined() {
  joined_ = true;
  record_.device = screen_->device();
  record_.tls = screen_->tls();
  record_.trust = screen_->trust();
  if (script_) {
    append(first_words_.buffer(), as_bytes(control::viewer_accepted({.target = record_.target->name,
                                                                     .device = record_.device.to_string(),
                                                                     .tls = record_.tls,
                                                                     .keyboard = record_.target->keyboard})));
  }
  record_.opened(shard_.mutable_counters(), client_, shard_.loop().now());
}

void Viewing::gone(std::string_view cause, const Error& why) {
  if (joined_) {
    record_.ended(shard_.mutable_counters(), {cause, "client", why.detail, client_.rx_bytes(), client_.tx_bytes()},
                  shard_.loop().now());
  } else {
    record_.stage = screen_->stage();
    record_.failed(shard_.mutable_counters(), why, shard_.loop().now());
  }
  finish(std::nullopt);
}

void Viewing::screen_ended(const Error& error) {
  if (screen_ == nullptr) return;
  LastWords words;
  if (joined_) {
    record_.ended(shard_.mutable_counters(),
                  {error.code == Errc::Closed ? "closed" : amtgate::name(error.code), "device", error.detail,
                   client_.rx_bytes(), client_.tx_bytes()},
                  shard_.loop().now());
  } else {
    record_.stage = screen_->stage();
    if (const Endpoint device = screen_->device(); device.port.value != 0) record_.device = device;
    record_.failed(shard_.mutable_counters(), error, shard_.loop().now());
    if (script_) {
      const std::string refused = control::viewer_refused(error);
      words.emplace_back(refused.begin(), refused.end());
    } else if (const Bytes out = screen_->output(id_); !out.empty()) {
      words.emplace_back(out.begin(), out.end());
    }
  }
  // In the middle of a handshake there is nothing to be said.
  if (tls_ == Tls::Handshake) return finish(std::nullopt);
  finish(std::move(words));
}

void Viewing::finish(std::optional<LastWords> words) {
  leave();
  on_end_(std::move(words));
}

void Viewing::leave() {
  if (screen_ == nullptr) return;
  std::exchange(screen_, nullptr)->detach(id_);
}

void Viewing::end(const Error& why) {
  if (screen_ == nullptr) return;
  screen_->end(id_, why);
  screen_->pump();
}

Result<void> Viewing::take_keyboard() {
  if (screen_ == nullptr || !joined_) {
    return Error{Errc::BadValue, "session " + std::to_string(id_.value) + " is no viewer of a screen"};
  }
  return screen_->give(id_);
}

void Viewing::describe(control::SessionInfo& info) const {
  info.state = joined_ ? "open" : "connecting";
  info.rx_bytes = client_.rx_bytes();
  info.tx_bytes = client_.tx_bytes();
  if (screen_ == nullptr) return;
  if (screen_->device().port.value != 0) info.device = screen_->device().to_string();
  info.tls = screen_->tls();
  if (joined_) info.role = script_ ? "script" : screen_->types(id_) ? "types" : "watches";
}

}  // namespace amtgate::gateway
