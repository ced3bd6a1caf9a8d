// Outbox: the records that OpenSSL has made and the socket has not taken yet. Not a public header.
//
// OpenSSL writes each record on its own; gathered here, a handful of them, or the end of a handshake and what is said
// first, leave with one system call, and wake the other side once.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "amtgate/base/bytes.h"
#include "openssl.h"

namespace amtgate::tls {

class Outbox {
 public:
  /// Records that fit at once, each of them full; with its header, nonce, padding and tag a record has less than
  /// kOverhead more bytes than it carries.
  static constexpr std::size_t kRecords = 4;
  static constexpr std::size_t kOverhead = 512;

  /// `fd`: a non-blocking socket that outlives the box.
  explicit Outbox(int fd) : fd_(fd) {}
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  ~Outbox() { clear(); }

  /// What OpenSSL writes to; the box must outlive it. Null when out of memory.
  BioPtr bio();

  bool empty() const { return begin_ == end_; }
  /// A full record still fits.
  bool has_room() const { return kSize - end_ >= kRecord + kOverhead; }
  /// Sends what is there. 0 when all of it is gone, EAGAIN when the socket takes no more now, another errno when it
  /// never will. `more`: something follows at once, which the kernel may put into the same segment.
  int send(bool more);
  void clear();

 private:
  static constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;
  static constexpr std::size_t kSize = kRecords * (kRecord + kOverhead);
  using Room = std::array<std::uint8_t, kSize>;

  static int on_write(BIO* bio, const char* from, std::size_t n, std::size_t* taken) noexcept;
  static long on_ctrl(BIO* bio, int what, long number, void* pointer) noexcept;
  std::size_t take(Bytes in);

  int fd_;
  std::unique_ptr<Room> room_;  // while there is something in it: an idle connection has none
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace amtgate::tls
