#include "amtgate/rfb/rectangle_encoder.h"

#include <utility>

#include "amtgate/rfb/pixel_translation.h"
#include "amtgate/rfb/server_messages.h"

namespace amtgate::rfb {

struct RectangleEncoder::State {
  PixelFormat format = kRgb888;
  ViewerEncodings encodings;
  PixelTranslation translation = *PixelTranslation::make(kRgb565, kRgb888);

  /// Makes `translation` fit.
  void translate(const PixelFormat& from) {
    if (translation.from() == from && translation.to() == format) return;
    translation = *PixelTranslation::make(from, format);
  }
};

RectangleEncoder::RectangleEncoder() : state_(std::make_unique<State>()) {}
RectangleEncoder::~RectangleEncoder() = default;
RectangleEncoder::RectangleEncoder(RectangleEncoder&&) noexcept = default;
RectangleEncoder& RectangleEncoder::operator=(RectangleEncoder&&) noexcept = default;

Result<void> RectangleEncoder::set_format(const PixelFormat& format) {
  if (!valid(format)) return Error{Errc::Unsupported, "pixel format of " + to_string(format)};
  state_->format = format;
  return {};
}
const PixelFormat& RectangleEncoder::format() const {
  return state_->format;
}
void RectangleEncoder::set_encodings(std::span<const std::int32_t> encodings) {
  state_->encodings = sort_encodings(encodings);
}
const ViewerEncodings& RectangleEncoder::encodings() const {
  return state_->encodings;
}

std::size_t RectangleEncoder::encode(Buffer& out, const PixelView& view, const Rect& wanted) {
  const Rect area = clip(wanted, view.size);
  if (area.empty()) return 0;
  state_->translate(view.format);
  encode_rectangle_header(out, area, kRaw);
  state_->translation.append(out, view, area);
  return 1;
}

}  // namespace amtgate::rfb
