#include "amtgate/rfb/viewer_filter.h"

#include <algorithm>

namespace amtgate::rfb {
namespace {

constexpr std::uint8_t kButtonMask = 0x1f;  // AMT knows buttons 1 to 5

bool lists(const SetEncodings& m, std::int32_t encoding) {
  return std::find(m.encodings.begin(), m.encodings.end(), encoding) != m.encodings.end();
}

}  // namespace

Result<void> ViewerFilter::filter(Bytes in, Buffer& out) {
  if (failed_) return {};
  while (!in.empty()) {
    if (skip_ > 0) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, in.size()));
      skip_ -= n;
      in = in.subspan(n);
      continue;
    }
    Bytes source = in;
    const std::size_t before = pending_.size();
    if (before > 0) {  // only as much as can matter; the rest is looked at where it lies
      append(pending_, in.first(std::min(in.size(), kMaxClientMessage)));
      source = pending_;
    }
    const auto length = client_message_length(source);
    if (!length) {
      failed_ = true;
      return length.error();
    }
    const bool text = *length && source[0] == static_cast<std::uint8_t>(ClientType::ClientCutText);
    if (!text && (!*length || **length > source.size())) {
      if (before == 0) pending_.assign(in.begin(), in.end());
      return {};
    }
    // From here on the message is known as a whole, or it is a text that is thrown away as it comes.
    const auto used = static_cast<std::size_t>(std::min<std::uint64_t>(**length, source.size()));
    skip_ = **length - used;
    if (Result<void> r; !text && !(r = pass(source.first(used), out))) {
      failed_ = true;
      return r.error();
    }
    pending_.clear();
    in = in.subspan(used - before);
  }
  return {};
}

Result<void> ViewerFilter::pass(Bytes message, Buffer& out) {
  switch (static_cast<ClientType>(message[0])) {
    case ClientType::SetPixelFormat: return pixel_format(message, out);
    case ClientType::SetEncodings: {
      const auto m = std::get<SetEncodings>(decode_client_message(message));
      SetEncodings ours;
      if (options_.zrle && lists(m, kZrle)) ours.encodings.push_back(kZrle);
      ours.encodings.push_back(kRaw);
      if (lists(m, kDesktopSize)) ours.encodings.push_back(kDesktopSize);
      encode(out, ours);
      encodings_sent_ = true;
      return {};
    }
    case ClientType::FramebufferUpdateRequest:
      if (!encodings_sent_) encode(out, SetEncodings{{kRaw}});
      encodings_sent_ = true;
      append(out, message);
      return {};
    case ClientType::KeyEvent: append(out, message); return {};
    case ClientType::PointerEvent: {
      const std::size_t at = out.size();
      append(out, message);
      out[at + 1] &= kButtonMask;
      return {};
    }
    case ClientType::ClientCutText:
    case ClientType::EnableContinuousUpdates:
    case ClientType::ClientFence:
    case ClientType::Xvp:
    case ClientType::SetDesktopSize:
    case ClientType::Qemu: return {};
  }
  return {};
}

Result<void> ViewerFilter::pixel_format(Bytes message, Buffer& out) const {
  const PixelFormat asked = std::get<SetPixelFormat>(decode_client_message(message)).format;
  for (const PixelFormat& format : {kRgb565, kRgb332}) {
    if (same_pixels(asked, format)) {
      encode(out, SetPixelFormat{format});
      return {};
    }
  }
  if (options_.grey && (asked == kGrey8 || asked == kGrey4)) {
    encode(out, SetPixelFormat{asked});
    return {};
  }
  return Error{Errc::Unsupported, "the viewer asked for " + to_string(asked) +
                                      "; AMT takes RGB565 (16 bits a pixel, 31/63/31 at 11/5/0) or RGB332 (8 bits, "
                                      "7/7/3 at 5/2/0) only: use a viewer that keeps the server's own format, or set "
                                      "it to one of these"};
}

}  // namespace amtgate::rfb
