#include "outbox.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace amtgate::tls {
namespace {

using MethodPtr = Handle<BIO_METHOD, &BIO_meth_free>;

}  // namespace

BioPtr Outbox::bio() {
  static BIO_METHOD* const method = [] {
    MethodPtr made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "amtgate outbox"));
    if (made) {
      BIO_meth_set_write_ex(made.get(), &Outbox::on_write);
      BIO_meth_set_ctrl(made.get(), &Outbox::on_ctrl);
    }
    return made.release();  // for as long as the program runs
  }();
  BioPtr out(method != nullptr ? BIO_new(method) : nullptr);
  if (out) {
    BIO_set_data(out.get(), this);
    BIO_set_init(out.get(), 1);
  }
  return out;
}

int Outbox::on_write(BIO* bio, const char* from, std::size_t n, std::size_t* taken) noexcept {
  BIO_clear_retry_flags(bio);
  *taken = static_cast<Outbox*>(BIO_get_data(bio))->take({reinterpret_cast<const std::uint8_t*>(from), n});
  if (*taken > 0) return 1;
  BIO_set_retry_write(bio);
  return 0;
}

long Outbox::on_ctrl(BIO*, int what, long, void*) noexcept {
  return what == BIO_CTRL_FLUSH ? 1 : 0;  // the engine decides when to send
}

namespace {
// The one that was given back last serves the next box that fills: they are full in turns.
template <class Room>
std::unique_ptr<Room>& spare() {
  thread_local std::unique_ptr<Room> one;
  return one;
}
}  // namespace

std::size_t Outbox::take(Bytes in) {
  if (!room_) room_ = spare<Room>() ? std::move(spare<Room>()) : std::unique_ptr<Room>(new Room);
  const std::size_t n = std::min(in.size(), kSize - end_);
  std::copy_n(in.begin(), n, room_->begin() + static_cast<std::ptrdiff_t>(end_));
  end_ += n;
  return n;
}

int Outbox::send(bool more) {
  while (!empty()) {
    const ssize_t n = ::send(fd_, room_->data() + begin_, end_ - begin_, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (n >= 0) {
      begin_ += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      return errno == EWOULDBLOCK ? EAGAIN : errno;
    }
  }
  clear();
  return 0;
}

void Outbox::clear() {
  begin_ = end_ = 0;
  if (room_) spare<Room>() = std::move(room_);
}

}  // namespace amtgate::tls
