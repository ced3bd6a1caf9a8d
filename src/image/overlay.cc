#include "amtgate/image/overlay.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>

namespace amtgate::image {
namespace {

Result<void> read_all(int fd, MutableBytes out, std::uint64_t at) {
  for (std::size_t got = 0; got < out.size();) {
    const ssize_t n = ::pread(fd, out.data() + got, out.size() - got, static_cast<off_t>(at + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Errc::System, std::strerror(errno)};
    if (n == 0) return Error{Errc::System, "the overlay has become shorter"};
    got += static_cast<std::size_t>(n);
  }
  return {};
}

Result<void> write_all(int fd, Bytes in, std::uint64_t at) {
  for (std::size_t put = 0; put < in.size();) {
    const ssize_t n = ::pwrite(fd, in.data() + put, in.size() - put, static_cast<off_t>(at + put));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error{Errc::System, std::strerror(n < 0 ? errno : ENOSPC)};
    put += static_cast<std::size_t>(n);
  }
  return {};
}

/// What tells this image from another; see overlay_format.h.
Result<std::uint64_t> mark_of(ider::BlockSource& base) {
  constexpr std::uint32_t kSpans = 64, kSpan = 128;
  const std::uint32_t blocks = base.blocks().value;
  std::uint64_t hash = 14695981039346656037ULL;
  const auto add = [&hash](std::uint8_t b) { hash = (hash ^ b) * 1099511628211ULL; };
  for (unsigned i = 0; i < 4; ++i) add(static_cast<std::uint8_t>(blocks >> (8 * i)));
  Buffer piece;
  const auto span = [&](std::uint32_t first, std::uint32_t count) -> Result<void> {
    piece.resize(std::size_t{count} * base.block_size());
    const Result<ider::Fetch> read = base.read({first}, piece);
    if (!read) return read.error();
    if (*read != ider::Fetch::Done) return Error{Errc::System, "the image is not here yet"};
    for (const std::uint8_t b : piece) add(b);
    return {};
  };
  if (blocks <= kSpans * kSpan) {
    for (std::uint32_t at = 0; at < blocks; at += kSpan) {
      if (const auto r = span(at, std::min(kSpan, blocks - at)); !r) return r.error();
    }
  } else {
    for (std::uint64_t i = 0; i < kSpans; ++i) {
      const auto at = static_cast<std::uint32_t>(std::uint64_t{blocks - kSpan} * i / (kSpans - 1));
      if (const auto r = span(at, kSpan); !r) return r.error();
    }
  }
  return hash;
}

}  // namespace

Result<std::unique_ptr<Overlay>> Overlay::open(const std::string& path, ider::BlockSource& base) {
  const auto named = [&path](const Error& e) { return Error{e.code, path + ": " + e.detail}; };
  if (base.blocks().value > kMaxOverlayBlocks) {
    return Error{Errc::TooLarge, path + ": the image is too large for an overlay (64 GiB)"};
  }
  const Result<std::uint64_t> mark = mark_of(base);
  if (!mark) return mark.error();
  const OverlayHeader wanted{base.block_size(), base.blocks().value, *mark};

  sys::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) return Error{Errc::System, path + ": " + std::strerror(errno)};
  if (!S_ISREG(st.st_mode)) return Error{Errc::BadValue, path + ": an overlay is a file"};
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error{Errc::Busy, path + ": somebody else writes it (" + std::strerror(errno) + ")"};
  }
  if (::fstat(fd.get(), &st) != 0) return Error{Errc::System, path + ": " + std::strerror(errno)};
  Buffer bitmap(wanted.bitmap_bytes());
  if (st.st_size == 0) {
    if (::ftruncate(fd.get(), static_cast<off_t>(wanted.data_start())) != 0)
      return Error{Errc::System, path + ": " + std::strerror(errno)};
    if (const auto r = write_all(fd.get(), overlay_header(wanted), 0); !r) return named(r.error());
  } else {
    Buffer first(std::min<std::size_t>(kOverlayHeader, static_cast<std::size_t>(st.st_size)));
    if (const auto r = read_all(fd.get(), first, 0); !r) return named(r.error());
    const Result<OverlayHeader> header = parse_overlay_header(first);
    if (!header) return named(header.error());
    if (*header != wanted) {
      return Error{Errc::BadValue, path +
                                       ": the overlay belongs to another image, or the image was changed since; "
                                       "name another file, or remove this one and what was written with it"};
    }
    if (static_cast<std::uint64_t>(st.st_size) < wanted.data_start())
      return named(Error{Errc::BadValue, "the overlay is cut short"});
    if (const auto r = read_all(fd.get(), bitmap, kOverlayHeader); !r) return named(r.error());
    const auto size = static_cast<std::uint64_t>(st.st_size);
    if (const auto r = check_overlay(*header, bitmap, size); !r) return named(r.error());
  }
  return std::unique_ptr<Overlay>(new Overlay(path, std::move(fd), base, wanted, std::move(bitmap)));
}

Result<void> Overlay::check_range(ider::Lba first, std::size_t n) const {
  const std::size_t count = n / header_.block_size;
  if (n % header_.block_size == 0 && first.value <= header_.blocks && count <= header_.blocks - first.value)
    return {};
  return Error{Errc::BadValue, path_ + ": block " + std::to_string(first.value) + " is not in the image"};
}

Result<ider::Fetch> Overlay::read(ider::Lba first, MutableBytes out) {
  if (const auto r = check_range(first, out.size()); !r) return r.error();
  const auto end = static_cast<std::uint32_t>(first.value + out.size() / header_.block_size);
  // Run by run of blocks that are in the same file.
  for (std::uint32_t at = first.value; at < end;) {
    const bool here = has(at);
    std::uint32_t to = at + 1;
    while (to < end && has(to) == here) ++to;
    const MutableBytes part =
        out.subspan(std::size_t{at - first.value} * header_.block_size, std::size_t{to - at} * header_.block_size);
    if (here) {
      if (const auto r = read_all(fd_.get(), part, place(at)); !r)
        return Error{r.error().code, path_ + ": " + r.error().detail};
    } else if (const auto r = base_.read({at}, part); !r || *r != ider::Fetch::Done) {
      return r;
    }
    at = to;
  }
  return ider::Fetch::Done;
}

bool Overlay::peek(ider::Lba first, std::span<const MutableBytes> pieces) {
  std::size_t all = 0;
  for (const MutableBytes& p : pieces) all += p.size();
  if (!check_range(first, all)) return false;
  const auto end = static_cast<std::uint32_t>(first.value + all / header_.block_size);
  for (std::uint32_t block = first.value; block < end; ++block) {
    if (has(block)) return false;
  }
  return base_.peek(first, pieces);
}

Result<void> Overlay::write(ider::Lba first, Bytes in) {
  if (const auto r = check_range(first, in.size()); !r) return r.error();
  if (in.empty()) return {};
  if (const auto r = write_all(fd_.get(), in, place(first.value)); !r)
    return Error{r.error().code, path_ + ": " + r.error().detail};
  const auto last = static_cast<std::uint32_t>(first.value + in.size() / header_.block_size - 1);
  bool news = false;
  for (std::uint32_t b = first.value; b <= last; ++b) {
    std::uint8_t& byte = bitmap_[b / 8];
    const auto with = static_cast<std::uint8_t>(byte | 1U << (b % 8));
    news = news || with != byte;
    byte = with;
  }
  if (!news) return {};
  const std::size_t from = first.value / 8;
  const Bytes bits = Bytes(bitmap_).subspan(from, last / 8 - from + 1);
  if (const auto r = write_all(fd_.get(), bits, kOverlayHeader + from); !r)
    return Error{r.error().code, path_ + ": " + r.error().detail};
  return {};
}

Result<void> Overlay::flush() {
  if (::fdatasync(fd_.get()) == 0) return {};
  return Error{Errc::System, path_ + ": " + std::strerror(errno)};
}

std::uint64_t Overlay::written() const {
  std::uint64_t n = 0;
  for (const std::uint8_t b : bitmap_) n += static_cast<std::uint64_t>(std::popcount(b));
  return n;
}

}  // namespace amtgate::image
