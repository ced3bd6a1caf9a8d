#include "amtgate/cli/screen_match.h"

#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

std::string words(rfb::Size size) {
  return std::to_string(size.width) + "x" + std::to_string(size.height);
}

}  // namespace

Result<WantedScreen> read_wanted_screen(const std::string& file, const std::string& region, unsigned tolerance) {
  WantedScreen out;
  out.tolerance = tolerance;
  const Result<std::string> bytes = sys::read_file(file, Picture::kMaxFile);
  if (!bytes) return bytes.error();
  Result<Picture> picture = from_png(*bytes);
  if (!picture) return Error{Errc::BadValue, file + ": " + picture.error().detail};
  out.picture = std::move(*picture);
  if (region.empty()) return out;
  const Result<rfb::Rect> area = parse_region(region);
  if (!area) return area.error();
  out.region = *area;
  // A picture of the region, or of the whole screen.
  if (out.picture.size == rfb::Size{area->width, area->height}) return out;
  std::optional<Picture> part = part_of(out.picture, *area);
  if (!part) return Error{Errc::BadValue, "the region " + region + " does not lie inside of " + file};
  out.picture = std::move(*part);
  return out;
}

ScreenVerdict compare(const Picture& screen, const WantedScreen& wanted) {
  std::optional<Picture> part;
  if (wanted.region) part = part_of(screen, *wanted.region);
  if (wanted.region && !part) return {std::nullopt, "the screen is " + words(screen.size) + " and lacks the region"};
  const Picture& seen = part ? *part : screen;
  if (seen.size != wanted.picture.size) {
    return {std::nullopt, "the screen is " + words(seen.size) + ", the picture " + words(wanted.picture.size)};
  }
  const std::size_t n = different_pixels(seen, wanted.picture, wanted.tolerance);
  const std::size_t all = std::size_t{seen.size.width} * seen.size.height;
  return {n, std::to_string(n) + " of " + std::to_string(all) + " pixels differ"};
}

}  // namespace amtgate::cli
