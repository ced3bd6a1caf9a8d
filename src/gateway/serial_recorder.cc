#include "amtgate/gateway/serial_recorder.h"

#include "amtgate/record/asciicast.h"

namespace amtgate::gateway {

SerialRecorder::SerialRecorder(std::shared_ptr<Recordings::Recording> recording, const std::string& target,
                               const Endpoint& device, sys::WallTime started, TimePoint now)
    : recording_(recording), notes_(std::move(recording), target, Service::Sol, device, started, now), last_(now) {
  record::CastHead head;
  head.timestamp = std::chrono::duration_cast<std::chrono::seconds>(started.time_since_epoch()).count();
  head.title = target + ", recorded " + sys::to_iso8601(started);
  const std::string line = record::cast_head(head);
  recording_->write(Buffer(line.begin(), line.end()));
}

SerialRecorder::~SerialRecorder() {
  for (auto [decoder, code] : {std::pair{&said_, 'o'}, {&typed_, 'i'}}) {
    Buffer rest;
    decoder->finish(rest);
    if (!rest.empty()) write(code, as_text(rest), last_);
  }
  notes_.event("end", last_);
  recording_->end();
}

void SerialRecorder::joined(session::UserId id, const Onlooker& who, TimePoint now) {
  notes_.joined(id.value, who, now);
  write('m', (who.user.empty() ? "" : who.user + " from ") + who.client + " joins", now);
}

void SerialRecorder::left(session::UserId id, TimePoint now) {
  if (const auto who = notes_.left(id.value, now)) write('m', who->client + " leaves", now);
}

void SerialRecorder::event(const std::string& what, TimePoint now) {
  notes_.event(what, now);
  write('m', what, now);
}

void SerialRecorder::said(Bytes bytes, TimePoint now) {
  Buffer text;
  said_.decode(bytes, text);
  if (!text.empty()) write('o', as_text(text), now);
}

void SerialRecorder::typed(Bytes bytes, TimePoint now) {
  Buffer text;
  typed_.decode(bytes, text);
  if (!text.empty()) write('i', as_text(text), now);
}

void SerialRecorder::write(char code, std::string_view text, TimePoint now) {
  last_ = now;
  const std::string line = record::cast_event(notes_.ms(now) / 1000.0, code, text);
  recording_->write(Buffer(line.begin(), line.end()));
}

}  // namespace amtgate::gateway
