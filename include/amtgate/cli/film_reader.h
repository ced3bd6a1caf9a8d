// FilmReader: a film from a file, picture after picture.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "amtgate/base/result.h"
#include "amtgate/record/film.h"
#include "amtgate/sys/fd.h"

namespace amtgate::cli {

class FilmReader {
 public:
  /// Errors: System with the path.
  static Result<FilmReader> open(const std::string& path);

  /// The next update; empty at the end. Errors: as Film::next(), and System; each names the file. What came before
  /// an error is good: a recording that was cut off has a last picture.
  Result<std::optional<record::Film::Frame>> next();
  const record::Film& film() const { return *film_; }

 private:
  FilmReader(std::string path, sys::UniqueFd fd);
  std::string path_;
  sys::UniqueFd fd_;
  std::unique_ptr<record::Film> film_;
};

/// The picture that is on it now, as RGB.
struct Picture;
Picture picture_of(const record::Film& film);

}  // namespace amtgate::cli
