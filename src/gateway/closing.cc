#include "amtgate/gateway/closing.h"

#include <array>
#include <utility>

namespace amtgate::gateway {
namespace {

constexpr std::size_t kReadSize = 8192;
// A busy client may not starve the loop.
constexpr int kReadsPerTurn = 16;

}  // namespace

Closing::Closing(net::Loop& loop, net::Stream& client, LastWords words, std::function<void()> done)
    : client_(client), words_(std::move(words)), done_(std::move(done)), timer_(loop, [this] { over(); }) {
  timer_.arm(kDeadline);
}

void Closing::pump() {
  if (!done_) return;
  while (!words_.empty()) {
    const net::IoResult put = client_.write(Bytes(words_.front()).subspan(at_));
    if (put.status == net::Io::Failed) return over();
    if (put.status != net::Io::Ok) break;
    at_ += put.bytes;
    if (at_ < words_.front().size()) continue;
    words_.pop_front();
    at_ = 0;
  }
  if (words_.empty()) client_.close_write();
  std::array<std::uint8_t, kReadSize> ignored;
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const net::IoResult got = client_.read(ignored);
    if (got.status == net::Io::Ok) continue;
    if (got.status != net::Io::Again) return over();
    break;
  }
  client_.want(true, !words_.empty());
}

void Closing::over() {
  timer_.cancel();
  if (const auto done = std::exchange(done_, nullptr)) done();
}

}  // namespace amtgate::gateway
