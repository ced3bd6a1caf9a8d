#include "amtgate/cli/film_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "amtgate/cli/picture.h"

namespace amtgate::cli {

Result<FilmReader> FilmReader::open(const std::string& path) {
  sys::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Error{Errc::System, path + ": " + std::strerror(errno)};
  return FilmReader(path, std::move(fd));
}

FilmReader::FilmReader(std::string path, sys::UniqueFd fd)
    : path_(std::move(path)), fd_(std::move(fd)), film_(std::make_unique<record::Film>()) {}

Result<std::optional<record::Film::Frame>> FilmReader::next() {
  while (true) {
    Result<std::optional<record::Film::Frame>> frame = film_->next();
    if (!frame) return Error{frame.error().code, path_ + ": " + frame.error().detail};
    if (*frame) return frame;
    std::array<std::uint8_t, 64 * 1024> buffer;
    const ssize_t n = ::read(fd_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Errc::System, path_ + ": " + std::strerror(errno)};
    if (n == 0) return std::optional<record::Film::Frame>();
    film_->receive(Bytes(buffer).first(static_cast<std::size_t>(n)));
  }
}

Picture picture_of(const record::Film& film) {
  const rfb::PixelView view = film.screen().view();
  Picture out;
  out.size = view.size;
  out.rgb.resize(std::size_t{view.size.width} * view.size.height * 3);
  std::uint8_t* to = out.rgb.data();
  for (unsigned y = 0; y < view.size.height; ++y) {
    const std::uint8_t* from = view.at(0, y);
    for (unsigned x = 0; x < view.size.width; ++x, from += 2, to += 3) {
      const unsigned v = from[0] | static_cast<unsigned>(from[1]) << 8U;
      const unsigned r = v >> 11U, g = v >> 5U & 63U, b = v & 31U;
      to[0] = static_cast<std::uint8_t>(r << 3U | r >> 2U);
      to[1] = static_cast<std::uint8_t>(g << 2U | g >> 4U);
      to[2] = static_cast<std::uint8_t>(b << 3U | b >> 2U);
    }
  }
  return out;
}

}  // namespace amtgate::cli
