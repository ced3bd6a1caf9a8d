// Link: the way between a core that users of a machine share and the machine: it is opened, bytes go both ways, and
// it ends.
//
//   users <──> Owner <── events ── Core <── device_...(), receive_device() ── Link <── Dialer, net::Stream <──> AMT
//                │                      ── device_output() ──────────────────>  │
//                '── open(), read(), write(), want(), drop() ──────────────────'
//
// Core is session::SharedScreen or session::SharedSerial. Owner answers its events: open() at NeedDevice, drop() or
// finish() at DropDevice. Owner::pump() comes from the loop, never from inside a call: the device was opened, could
// not be, or is ready. What moves then, and in which order, is the owner's to say.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "amtgate/base/bytes.h"
#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/device/dialer.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/stream.h"

namespace amtgate::device {

/// One that also has takes_device() is read for only while that is true.
template <class C>
concept LinkCore = requires(C& core, const C& seen, Bytes bytes, const Error& error, std::size_t n, TimePoint now) {
  core.device_opened(bytes, now);
  core.device_failed({error, std::uint8_t{}}, now);
  core.receive_device(bytes, now);
  core.device_closed(error, now);
  { seen.device_output() } -> std::same_as<Bytes>;
  core.device_sent(n, now);
};

struct LinkOptions {
  static constexpr std::size_t kMostRead = 32U << 10U;
  enum class Reads {
    UntilAgain,  // at each read(), until the stream has no more
    UntilShort,  // a plain stream that gave less than it was asked for has no more: the loop says when it has
    WhenReady,   // the same, and nothing before the loop said that there is something
  };
  Reads reads = Reads::UntilAgain;
  std::size_t read_size = kMostRead;  // at once, no more than that
  bool last_words = false;            // to a device that has ended its direction
};

template <LinkCore Core, class Owner>
class Link {
 public:
  /// `name` is the target's. All else outlives this.
  Link(net::Loop& loop, Core& core, Owner& owner, std::string name, const LinkOptions& options)
      : loop_(loop), core_(core), owner_(owner), name_(std::move(name)), options_(options) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void open(Dialer& dialer, Request request) {
    stage_ = "connect";
    device_ = tried_ = {request.address, Port{0}};
    opening_ = dialer.open(loop_, std::move(request), [this](auto outcome) { opened(std::move(outcome)); });
  }

  /// Instead of open(): there is nothing to connect to.
  void fail(const Error& error) {
    stage_ = "connect";
    core_.device_failed({error, 0}, loop_.now());
  }

  /// Instead of open(): it has been opened already.
  void take_over(Opened opened) {
    stage_ = "join";
    device_ = tried_ = opened.device;
    tls_ = std::move(opened.tls);
    trust_ = std::move(opened.trust);
    stream_ = std::move(opened.stream);
    session_ = std::move(opened.session);
    stream_->on_ready([this](net::Ready ready) {
      readable_ = readable_ || ready.read;
      owner_.pump();
    });
    core_.device_opened(opened.rest, loop_.now());
  }

  /// What the device has said goes to the core, which is told when that was all. `after` is called behind each part;
  /// it may drop().
  template <class After>
  void read(After after) {
    if (options_.reads == LinkOptions::Reads::WhenReady && !std::exchange(readable_, false)) return;
    std::array<std::uint8_t, LinkOptions::kMostRead> buffer;
    const MutableBytes to = MutableBytes(buffer).first(options_.read_size);
    for (int i = 0; i < kReadsPerTurn && stream_ && takes(); ++i) {
      const net::IoResult got = stream_->read(to);
      if (got.status == net::Io::Again) return;
      if (got.status != net::Io::Ok) return ended(got.status);
      const bool all =
          options_.reads != LinkOptions::Reads::UntilAgain && got.bytes < to.size() && !stream_->is_tls();
      core_.receive_device(to.first(got.bytes), loop_.now());
      after();
      if (all) return;
    }
  }
  void read() {
    read([] {});
  }

  /// The core's output, until the device takes no more.
  void write() {
    while (stream_ && !core_.device_output().empty()) {
      const net::IoResult put = stream_->write(core_.device_output());
      if (put.status != net::Io::Ok) return;  // a failure shows when it is read from
      core_.device_sent(put.bytes, loop_.now());
    }
  }

  /// Behind all else: what pump() has to come for.
  void want() {
    if (stream_) stream_->want(takes(), !core_.device_output().empty());
  }

  /// Closes the device at once, or stops opening it. The core hears nothing of it.
  void drop() {
    session_.reset();
    if (opening_) loop_.retire(std::shared_ptr<Opening>(std::move(opening_)));
    if (stream_) loop_.retire(std::shared_ptr<net::Stream>(std::move(stream_)));
  }

  /// The same in order: what was written last has to arrive, and a close with unread bytes of AMT's would reset the
  /// connection.
  void finish(Duration limit) {
    if (stream_) net::finish(loop_, std::move(stream_), limit);
    drop();
  }

  /// It is open, or being opened.
  bool busy() const { return stream_ != nullptr || opening_ != nullptr; }
  /// Port 0 while it has not been opened. This and tls(), trust() stay behind the end.
  Endpoint device() const { return device_; }
  /// The same, but also with the port where an attempt failed.
  Endpoint tried() const { return tried_; }
  const std::string& tls() const { return tls_; }
  const std::string& trust() const { return trust_; }
  /// How far the last attempt came.
  const std::string& stage() const { return stage_; }

 private:
  // A busy machine may not starve the loop.
  static constexpr int kReadsPerTurn = 8;

  bool takes() const {
    if constexpr (requires(const Core& core) { core.takes_device(); }) {
      return core_.takes_device();
    } else {
      return true;
    }
  }

  void opened(std::variant<Opened, Failure> outcome) {
    loop_.retire(std::shared_ptr<Opening>(std::move(opening_)));
    if (const auto* failure = std::get_if<Failure>(&outcome)) {
      stage_ = failure->stage;
      if (failure->device.port.value != 0) tried_ = failure->device;
      core_.device_failed({failure->error, failure->start_status}, loop_.now());
    } else {
      take_over(std::move(std::get<Opened>(outcome)));
    }
    owner_.pump();
  }

  void ended(net::Io how) {
    const bool closed = how == net::Io::Closed || stream_->error().code == Errc::Closed;
    const Error why = closed ? Error{Errc::Closed, name_ + " (" + device_.to_string() + ") closed the connection"}
                             : stream_->error();
    if (options_.last_words) write();
    drop();
    core_.device_closed(why, loop_.now());
  }

  net::Loop& loop_;
  Core& core_;
  Owner& owner_;
  const std::string name_;
  const LinkOptions options_;
  std::unique_ptr<net::Stream> stream_;
  bool readable_ = false;
  std::shared_ptr<const void> session_;  // of stream_
  std::unique_ptr<Opening> opening_;
  Endpoint device_;
  Endpoint tried_;
  std::string tls_;
  std::string trust_;
  std::string stage_ = "connect";
};

}  // namespace amtgate::device
