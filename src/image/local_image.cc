#include "amtgate/image/local_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "amtgate/image/file.h"
#include "amtgate/image/file_stamp.h"

namespace amtgate::image {
namespace {

constexpr std::uint64_t kPiece = std::uint64_t{1} << 20U;   // read ahead of sequences
constexpr std::uint64_t kSmall = std::uint64_t{64} << 10U;  // for a single read
constexpr long kFuse = 0x65735546;

Error os_error(const std::string& name) {
  return Error{Errc::System, name + ": " + std::strerror(errno)};
}

struct Piece {
  std::uint64_t from = 0;
  Buffer bytes;
  bool holds(std::uint64_t at, std::uint64_t n) const {
    return at >= from && at - from <= bytes.size() && n <= bytes.size() - (at - from);
  }
};

class LocalImage final : public Medium {
 public:
  LocalImage(net::Loop& loop, net::Worker& reader, sys::UniqueFd fd, std::string name, std::uint64_t size,
             std::uint32_t block_size)
      : loop_(loop),
        reader_(reader),
        fd_(std::make_shared<const sys::UniqueFd>(std::move(fd))),
        name_(std::move(name)),
        size_(size),
        block_size_(block_size),
        waiting_(loop, [this] { tell(); }) {}
  ~LocalImage() override { *self_ = nullptr; }

  State state() const override { return State::Ready; }
  std::string problem() const override { return problem_; }
  std::uint64_t size() const override { return size_; }
  std::uint32_t block_size() const override { return block_size_; }
  ider::SectorCount blocks() const override {
    return {static_cast<std::uint32_t>((size_ + block_size_ - 1) / block_size_)};
  }

  Result<ider::Fetch> read(ider::Lba first, MutableBytes out) override {
    const std::uint64_t from = std::uint64_t{first.value} * block_size_;
    if (from >= size_ || out.size() > std::uint64_t{blocks().value} * block_size_ - from) {
      return Error{Errc::BadValue, name_ + ": block " + std::to_string(first.value) + " is not in the image"};
    }
    const std::uint64_t want = std::min<std::uint64_t>(out.size(), size_ - from);
    const bool follows = from == next_;
    if (!take(from, out.first(static_cast<std::size_t>(want)))) {
      // What failed may have been ahead of another read.
      if (std::optional<Error> why = std::exchange(failed_, std::nullopt); why && is_bad(from, want)) {
        waiting_.done();
        return *why;
      }
      if (waiting_.late(from)) return Error{Errc::Timeout, name_ + ": the disk does not give it in time"};
      if (!busy_) fetch(from, std::max(want, follows ? kPiece : kSmall));
      return ider::Fetch::Later;
    }
    waiting_.done();
    failed_.reset();
    next_ = from + want;
    // The other piece, while this one is being used up.
    if (follows && slow_ && !busy_ && next_ < size_ &&
        next_ - pieces_[newest_].from > pieces_[newest_].bytes.size() / 2 && pieces_[newest_].holds(from, want)) {
      const std::uint64_t ahead = pieces_[newest_].from + pieces_[newest_].bytes.size();
      if (!is_bad(ahead, 1)) fetch(ahead, kPiece);
    }
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(want), out.end(), std::uint8_t{0});
    return ider::Fetch::Done;
  }

  /// One call where all of it is the kernel's already; what is not goes the long way.
  Result<ider::Fetch> read_pieces(ider::Lba first, std::span<const MutableBytes> pieces) override {
    std::array<iovec, 16> parts;
    std::size_t all = 0;
    if (!slow_ && pieces.size() <= parts.size()) {
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        parts[i] = {pieces[i].data(), pieces[i].size()};
        all += pieces[i].size();
      }
      const std::uint64_t from = std::uint64_t{first.value} * block_size_;
      if (from < size_ && all <= size_ - from) {
        const ssize_t n = ::preadv2(fd_->get(), parts.data(), static_cast<int>(pieces.size()),
                                    static_cast<off_t>(from), RWF_NOWAIT);
        if (n >= 0 && static_cast<std::size_t>(n) == all) {
          readable(from, all);
          waiting_.done();
          next_ = from + all;
          return ider::Fetch::Done;
        }
      }
    }
    return BlockSource::read_pieces(first, pieces);
  }

  bool peek(ider::Lba first, std::span<const MutableBytes> pieces) override {
    if (slow_ || busy_) return false;
    const std::uint64_t from = std::uint64_t{first.value} * block_size_;
    if (!kept_.peek(fd_->get(), from, pieces)) return false;
    peeked_from_ = peeked_ = from;
    for (const MutableBytes& p : pieces) peeked_ += p.size();
    return true;
  }
  bool confirm() override {
    if (!kept_.still(fd_->get())) return false;
    readable(peeked_from_, peeked_ - peeked_from_);
    waiting_.done();
    next_ = peeked_;
    return true;
  }

 private:
  /// From memory: a piece of ours, or the kernel's.
  bool take(std::uint64_t from, MutableBytes out) {
    for (const Piece& p : pieces_) {
      if (!p.holds(from, out.size())) continue;
      std::copy_n(p.bytes.begin() + static_cast<std::ptrdiff_t>(from - p.from), out.size(), out.begin());
      return true;
    }
    if (slow_) return false;
    std::size_t got = 0;
    while (got < out.size()) {
      iovec to{out.data() + got, out.size() - got};
      const ssize_t n = ::preadv2(fd_->get(), &to, 1, static_cast<off_t>(from + got), RWF_NOWAIT);
      if (n > 0) {
        readable(from + got, static_cast<std::size_t>(n));
        got += static_cast<std::size_t>(n);
        continue;
      }
      if (n < 0 && errno == EINTR) continue;
      slow_ = n < 0 && errno == EOPNOTSUPP;  // a file system that cannot say: every piece by the other thread
      return false;
    }
    return true;
  }

  bool is_bad(std::uint64_t from, std::uint64_t n) const { return !problem_.empty() && bad_at_ - from < n; }
  /// The kernel has just given these.
  void readable(std::uint64_t from, std::uint64_t n) {
    if (is_bad(from, n)) problem_.clear();
  }

  void fetch(std::uint64_t from, std::uint64_t length) {
    if (from >= size_) return;
    length = std::min(length, size_ - from);
    busy_ = true;
    reader_.loop().post([fd = fd_, from, length, &loop = loop_, self = self_, name = name_] {
      auto piece = std::make_shared<Piece>(Piece{from, Buffer(static_cast<std::size_t>(length))});
      std::optional<Error> failed;
      std::size_t got = 0;
      while (got < piece->bytes.size() && !failed) {
        const ssize_t n =
            ::pread(fd->get(), piece->bytes.data() + got, piece->bytes.size() - got, static_cast<off_t>(from + got));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) failed = unreadable(name, from + got);
        if (n == 0) failed = Error{Errc::System, name + ": it has become shorter"};
        if (n > 0) got += static_cast<std::size_t>(n);
      }
      piece->bytes.resize(got);  // what comes before a place that cannot be read is good
      loop.post([self, piece, failed] {
        if (*self != nullptr) (*self)->fetched(std::move(*piece), failed);
      });
    });
  }

  void fetched(Piece piece, const std::optional<Error>& failed) {
    busy_ = false;
    const std::uint64_t end = piece.from + piece.bytes.size();
    if (failed) {
      problem_ = failed->detail + "; the machine gets errors for what cannot be read";
      bad_at_ = end;
      if (waiting_.on()) failed_ = *failed;
    } else {
      readable(piece.from, end - piece.from);
    }
    if (!piece.bytes.empty()) {
      newest_ = 1 - newest_;
      pieces_[newest_] = std::move(piece);
    }
    tell();
  }

  void tell() {
    if (news_) news_();
  }

  net::Loop& loop_;
  net::Worker& reader_;
  std::shared_ptr<const sys::UniqueFd> fd_;
  const std::string name_;
  const std::uint64_t size_;
  const std::uint32_t block_size_;
  std::string problem_;
  std::uint64_t bad_at_ = 0;  // where, while there is one
  bool slow_ = false;
  bool busy_ = false;  // the other thread reads
  std::uint64_t next_ = 0;
  FileStamp kept_;
  std::uint64_t peeked_from_ = 0, peeked_ = 0;  // where that begins and ends
  std::optional<Error> failed_;
  Piece pieces_[2];
  std::size_t newest_ = 0;
  Waiting waiting_;
  std::shared_ptr<LocalImage*> self_ = std::make_shared<LocalImage*>(this);
};

}  // namespace

Result<sys::UniqueFd> open_image_file(const std::string& path) {
  // A FIFO without a writer would keep us.
  sys::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return os_error(path);
  return fd;
}

Result<std::unique_ptr<Medium>> make_local_image(net::Loop& loop, net::Worker& reader, sys::UniqueFd fd,
                                                 const std::string& name, std::uint32_t block_size) {
  struct stat st {};
  struct statfs fs {};
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fstat(fd.get(), &st) != 0) return os_error(name);
  if ((!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) || (flags & O_PATH) != 0) {
    return Error{Errc::BadValue, name + ": neither a file nor a disk"};
  }
  if ((flags & O_ACCMODE) == O_WRONLY) return Error{Errc::BadValue, name + ": it is not open for reading"};
  if (::fstatfs(fd.get(), &fs) == 0 && fs.f_type == kFuse) {
    return Error{Errc::BadValue, name + ": it is on a file system of a user's own (FUSE): copy it"};
  }
  std::uint64_t size = static_cast<std::uint64_t>(st.st_size);
  if (S_ISBLK(st.st_mode)) {  // has no st_size
    const off_t end = ::lseek(fd.get(), 0, SEEK_END);
    if (end < 0) return os_error(name);
    size = static_cast<std::uint64_t>(end);
  }
  if (S_ISBLK(st.st_mode) && no_disc(fd.get())) return Error{Errc::BadValue, name + ": no disc in the drive"};
  if (size == 0) return Error{Errc::BadValue, name + ": it is empty"};
  // READ CAPACITY(10) gives the last block as 32 bits, and all ones means "ask with (16)", which AMT cannot.
  if ((size + block_size - 1) / block_size > std::numeric_limits<std::uint32_t>::max() - 1) {
    return Error{Errc::TooLarge, name + ": " + std::to_string(size) + " bytes are more than a drive can have"};
  }
  (void)::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);  // the kernel reads twice as far ahead
  return std::unique_ptr<Medium>(std::make_unique<LocalImage>(loop, reader, std::move(fd), name, size, block_size));
}

}  // namespace amtgate::image
