// A stock viewer: libvncclient. What it reads goes through an Inbox, which knows when each byte has come and how many
// there were; libvncclient itself reads as its decoder goes.
#pragma once

#include <rfb/rfbclient.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "amtgate/base/bytes.h"
#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/pixel_format.h"

namespace amtgate::bench {

class Inbox {
 public:
  enum class Reads { AtOnce, WhenAsked };
  /// AtOnce: a thread takes what comes as it comes.
  Inbox(int fd, Reads reads);
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  bool read(char* out, std::size_t n);
  /// False when nothing has come within so many ms, or the connection has ended.
  bool wait(int ms);
  std::uint64_t received() const;
  /// When the last of them came, by monotonic_ns().
  std::int64_t last() const;

 private:
  std::size_t left() const { return end_ - at_; }
  void pull();
  void keep(Bytes in);

  int fd_;
  mutable std::mutex lock_;
  std::condition_variable came_;
  Buffer buffer_;
  std::size_t at_ = 0, end_ = 0;
  std::uint64_t received_ = 0;
  std::int64_t last_ = 0;
  bool over_ = false;
  std::thread puller_;
};

class LibraryViewer {
 public:
  /// Connects; dies where that fails. `setting`: see screen.cc.
  LibraryViewer(const std::string& host, const std::string& port, const std::string& setting, Inbox::Reads reads);
  ~LibraryViewer();

  void request_all();
  /// Takes what has come of the next message and waits for its end; an update is asked for behind each. False when
  /// none has begun within so many ms.
  bool update(int ms);

  rfb::Size size() const;
  rfb::PixelFormat format() const;
  const std::uint8_t* pixel(unsigned x, unsigned y) const;
  const Inbox& inbox() const { return inbox_; }
  std::uint64_t updates() const { return updates_; }
  bool lossy() const { return lossy_; }

 private:
  int fd_;
  Inbox inbox_;
  rfbClient* client_;
  std::uint64_t updates_ = 0;
  bool lossy_ = false;
};

}  // namespace amtgate::bench
