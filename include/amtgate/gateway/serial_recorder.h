// SerialRecorder: what the users of a serial console see, as an asciicast file, from the first of them to the last.
#pragma once

#include <memory>
#include <string>

#include "amtgate/base/inet.h"
#include "amtgate/gateway/recording_notes.h"
#include "amtgate/gateway/recordings.h"
#include "amtgate/session/shared_serial.h"
#include "amtgate/sol/charset.h"

namespace amtgate::gateway {

class SerialRecorder {
 public:
  SerialRecorder(std::shared_ptr<Recordings::Recording> recording, const std::string& target, const Endpoint& device,
                 sys::WallTime started, TimePoint now);
  ~SerialRecorder();
  SerialRecorder(const SerialRecorder&) = delete;
  SerialRecorder& operator=(const SerialRecorder&) = delete;

  void joined(session::UserId id, const Onlooker& who, TimePoint now);
  void left(session::UserId id, TimePoint now);
  std::size_t users() const { return notes_.onlookers(); }
  /// Also a mark in the film.
  void event(const std::string& what, TimePoint now);
  void said(Bytes bytes, TimePoint now);
  void typed(Bytes bytes, TimePoint now);

 private:
  void write(char code, std::string_view text, TimePoint now);

  std::shared_ptr<Recordings::Recording> recording_;
  RecordingNotes notes_;
  TimePoint last_;
  // What is no UTF-8 is a BIOS's.
  sol::CharsetDecoder said_{sol::Charset::Utf8}, typed_{sol::Charset::Utf8};
};

}  // namespace amtgate::gateway
