#include "amtgate/gateway/joining.h"

#include <array>
#include <utility>

namespace amtgate::gateway {
namespace {

constexpr std::size_t kReadSize = 8192;
// A busy side may not starve the loop.
constexpr int kReadsPerTurn = 16;
constexpr std::uint8_t kBusyStatus = 2;  // of 0x11

}  // namespace

Joining::Joining(Shard& shard, const Policy& policy, SessionRecord& record, net::Stream& client, const Aim& aim,
                 std::unique_ptr<session::Joint> joint, Provide provide, OnJoined on_joined, OnEnd on_end)
    : shard_(shard),
      policy_(policy),
      record_(record),
      client_(client),
      aim_(aim),
      joint_(std::move(joint)),
      provide_(std::move(provide)),
      on_joined_(std::move(on_joined)),
      on_end_(std::move(on_end)),
      timer_(shard.loop(), [this] { on_timer(); }) {}

Joining::~Joining() {
  if (!login_.empty()) shard_.shared().dialer.login_undecided(login_);
}

void Joining::pump(bool client_readable, bool device_readable) {
  if (state_ == State::Over) return;
  if (!pump_client(client_readable) || !pump_device(device_readable)) return;
  if (state_ == State::Join) {
    const TimePoint now = shard_.loop().now();
    if (const auto due = joint_->deadline(); due && now >= *due) {
      joint_->tick(now);
      handle_events();
      if (state_ != State::Join) return pump(false, false);
    }
  } else if (joint_->client_output().empty() && joint_->device_output().empty()) {
    return joined();
  }
  arm();
}

/// False when it is over, and the caller must touch nothing more.
bool Joining::pump_client(bool readable) {
  std::array<std::uint8_t, kReadSize> buffer;
  for (int i = 0; readable && i < kReadsPerTurn && state_ == State::Join; ++i) {
    const net::IoResult got = client_.read(buffer);
    if (got.status == net::Io::Again) break;
    if (got.status == net::Io::Ok) {
      readable = got.bytes == buffer.size();  // a short read has emptied it
      joint_->receive_client(Bytes(buffer).first(got.bytes), shard_.loop().now());
      handle_events();
      continue;
    }
    gone(got.status == net::Io::Closed ? Error{Errc::Closed, "the client closed the connection"} : client_.error());
  }
  return state_ != State::Over && write_client();
}

bool Joining::write_client() {
  while (!joint_->client_output().empty()) {
    const net::IoResult put = client_.write(joint_->client_output());
    if (put.status == net::Io::Again) break;
    if (put.status != net::Io::Ok) {
      gone(client_.error());
      return false;
    }
    joint_->client_sent(put.bytes);
  }
  return true;
}

bool Joining::pump_device(bool readable) {
  std::array<std::uint8_t, kReadSize> buffer;
  for (int i = 0; readable && device_.stream && i < kReadsPerTurn && state_ == State::Join; ++i) {
    const net::IoResult got = device_.stream->read(buffer);
    if (got.status == net::Io::Again) break;
    const TimePoint now = shard_.loop().now();
    if (got.status == net::Io::Ok) {
      readable = got.bytes == buffer.size();
      joint_->receive_device(Bytes(buffer).first(got.bytes), now);
    } else {
      const bool closed = got.status == net::Io::Closed || device_.stream->error().code == Errc::Closed;
      joint_->fail(closed ? Error{Errc::Closed, record_.target->name + " (" + record_.device.to_string() +
                                                    ") closed the connection"}
                          : device_.stream->error(),
                   now);
      shard_.loop().retire(std::shared_ptr<net::Stream>(std::move(device_.stream)));
    }
    handle_events();
    if (state_ != State::Over) write_device();
  }
  if (state_ == State::Over) return false;
  write_device();
  return write_client();
}

void Joining::write_device() {
  while (device_.stream && !joint_->device_output().empty()) {
    const net::IoResult put = device_.stream->write(joint_->device_output());
    if (put.status != net::Io::Ok) return;  // reading tells why
    joint_->device_sent(put.bytes);
  }
}

void Joining::arm() {
  client_.want(state_ == State::Join, !joint_->client_output().empty());
  if (device_.stream) device_.stream->want(state_ == State::Join, !joint_->device_output().empty());
  if (state_ == State::Flush) {
    if (!timer_.armed()) timer_.arm(Closing::kDeadline);
  } else if (const auto due = joint_->deadline()) {
    timer_.arm_at(*due);
  } else {
    timer_.cancel();
  }
}

void Joining::on_timer() {
  if (state_ == State::Join) return pump(false, false);
  if (state_ == State::Flush) gone({Errc::Timeout, "the client takes no bytes"});
}

void Joining::handle_events() {
  while (state_ == State::Join) {
    auto event = joint_->next_event();
    if (!event) return;
    std::visit([this](auto& e) { handle(e); }, *event);
  }
}

void Joining::handle(session::NeedDevice& need) {
  record_.service = need.service;
  record_.stage = "connect";
  if (provide_ && provide_(need)) return;
  const Result<IpAddress> address = policy_.directory->device(*record_.target, aim_.destination);
  const TimePoint now = shard_.loop().now();
  if (!address) return joint_->device_failed({address.error(), 0}, now);
  // AMT has one such session. Whoever wants it for an image of his own takes the gateway's away first.
  if (need.service == Service::Ider && shard_.shared().image_holders.holds(record_.target->name)) {
    const std::string& name = record_.target->name;
    const Error busy{Errc::Busy,
                     name + ": the gateway itself serves an image to it (amtgate images detach " + name + ")"};
    return joint_->device_failed({busy, kBusyStatus}, now);
  }
  if (need.depth == session::Depth::Transport) {
    const std::string login = record_.target->name + "|" + address->to_string() + "|" + aim_.client.to_string();
    std::string why;
    if (!shard_.shared().dialer.may_log_in(login, why)) {
      return joint_->device_failed({{Errc::AuthFailed, record_.target->name + ": " + why}, 0}, now);
    }
    login_ = login;
  }
  device::Request request;
  request.target = record_.target;
  request.address = *address;
  request.service = need.service;
  request.log_in = need.depth == session::Depth::Authenticated;
  record_.device = {*address, Port{0}};
  opening_ = shard_.shared().dialer.open(shard_.loop(), std::move(request),
                                         [this](auto outcome) { device_done(std::move(outcome)); });
}

void Joining::provided(const std::optional<session::DeviceFailure>& failure) {
  if (state_ != State::Join) return;
  const TimePoint now = shard_.loop().now();
  if (failure) {
    joint_->device_failed(*failure, now);
  } else {
    record_.stage = "join";
    joint_->device_opened({}, now);
  }
  handle_events();
  pump(false, false);
}

void Joining::device_done(std::variant<device::Opened, device::Failure> outcome) {
  const TimePoint now = shard_.loop().now();
  if (state_ != State::Join) return;
  if (auto* failure = std::get_if<device::Failure>(&outcome)) {
    record_.stage = failure->stage;
    if (failure->device.port.value != 0) record_.device = failure->device;
    joint_->device_failed({failure->error, failure->start_status}, now);
  } else {
    device_ = std::move(std::get<device::Opened>(outcome));
    record_.stage = "join";
    record_.device = device_.device;
    record_.tls = device_.tls;
    record_.trust = device_.trust;
    device_.stream->on_ready([this](net::Ready ready) { pump(false, ready.read); });
    joint_->device_opened(device_.rest, now);
  }
  shard_.loop().retire(std::shared_ptr<device::Opening>(std::move(opening_)));
  handle_events();
  pump(false, false);
}

void Joining::handle(session::ClientKnown& who) {
  // With client_auth = none a client's name is only its claim.
  if (record_.target->client_auth != config::ClientAuth::None) record_.user = std::move(who.user);
  record_.method = std::move(who.method);
}

void Joining::handle(session::HandOff& hand_off) {
  judge_login(true);
  hand_off_ = std::move(hand_off);
  state_ = State::Flush;
  timer_.cancel();
}

void Joining::handle(session::End& end) {
  if (end.error.code == Errc::AuthFailed) judge_login(false);
  failed(end.error);
  write_device();
  LastWords words;
  while (!joint_->client_output().empty()) {
    const Bytes unit = joint_->client_output();
    words.emplace_back(unit.begin(), unit.end());
    joint_->client_sent(unit.size());
  }
  finish(std::move(words));
}

void Joining::judge_login(bool accepted) {
  if (login_.empty()) return;
  shard_.shared().dialer.login_judged(login_, accepted);
  login_.clear();
}

void Joining::failed(const Error& why) {
  record_.failed(shard_.mutable_counters(), why, shard_.loop().now());
}

void Joining::gone(const Error& why) {
  failed(why);
  finish(std::nullopt);
}

void Joining::finish(std::optional<LastWords> words) {
  state_ = State::Over;
  timer_.cancel();
  if (opening_) shard_.loop().retire(std::shared_ptr<device::Opening>(std::move(opening_)));
  if (device_.stream) {
    device_.stream->want(false, false);
    shard_.loop().retire(std::shared_ptr<net::Stream>(std::move(device_.stream)));
  }
  on_end_(std::move(words));
}

void Joining::joined() {
  state_ = State::Over;
  timer_.cancel();
  on_joined_(std::move(*hand_off_), std::move(device_));
}

void Joining::end(const Error& why) {
  if (state_ == State::Over) return;
  if (state_ == State::Flush) return gone(why);
  joint_->fail(why, shard_.loop().now());
  handle_events();
  if (state_ == State::Join) return gone(why);  // the client has not spoken yet, so it cannot be told
  pump(false, false);
}

}  // namespace amtgate::gateway
