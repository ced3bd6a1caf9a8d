// ViewerFilter: cuts what a viewer sends down to what AMT takes, for as long as nothing translates between them.
//
//   SetPixelFormat   RGB565 and RGB332 pass, in AMT's own bytes; anything else ends the session with a sentence,
//   since
//                    AMT would close without a word
//   SetEncodings     becomes RAW, DesktopSize if the viewer lists it, and ZRLE only if the option says so; one with
//                    RAW alone is put in front of the first request of a viewer that never sends any: AMT closes
//                    when RAW is not listed
//   FramebufferUpdateRequest, KeyEvent   pass as they are
//   PointerEvent     buttons & 0x1f (viewers send buttons 6 to 8)
//   ClientCutText    dropped: AMT has no clipboard, and a text that begins with "\0Kvm" would be a command to it
//   150, 248, 250, 251, 255   dropped by their length; any other type ends the session: its length is unknowable
#pragma once

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/rfb/client_messages.h"

namespace amtgate::rfb {

class ViewerFilter {
 public:
  struct Options {
    /// Pass on encoding 16 if the viewer lists it. AMT's framing of it is not a zlib stream on all firmware, and then
    /// stock viewers end with an error.
    bool zrle = false;
    /// The device takes kGrey8 and kGrey4 as well.
    bool grey = false;
  };

  explicit ViewerFilter(Options options) : options_(options) {}
  ViewerFilter() : ViewerFilter(Options{}) {}

  /// Appends to `out` what AMT shall get of `in`. Half a message is kept (at most kMaxClientMessage bytes) until the
  /// rest comes. What was appended before an error is whole messages and may be sent. Nothing is taken after an
  /// error. Errors: Unsupported (a pixel format or a message), TooLarge (SetEncodings with too many).
  Result<void> filter(Bytes in, Buffer& out);

 private:
  Result<void> pass(Bytes message, Buffer& out);
  Result<void> pixel_format(Bytes message, Buffer& out) const;

  Options options_;
  Buffer pending_;          // the front of a message that is not here as a whole
  std::uint64_t skip_ = 0;  // bytes of a dropped cut text still to come
  bool encodings_sent_ = false;
  bool failed_ = false;
};

}  // namespace amtgate::rfb
