#include "amtgate/gateway/serial_recorder.h"

#include <nlohmann/json.hpp>

#include "amtgate/record/asciicast.h"

namespace amtgate::gateway {
namespace {

std::string dumped(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::int64_t ms_between(TimePoint from, TimePoint to) {
  return std::chrono::duration_cast<milliseconds>(to - from).count();
}

}  // namespace

SerialRecorder::SerialRecorder(std::shared_ptr<Recordings::Recording> recording, const std::string& target,
                               const Endpoint& device, sys::WallTime started, TimePoint now)
    : recording_(std::move(recording)), began_(now), last_(now) {
  recording_->note(dumped({{"version", 1},
                           {"id", recording_->id()},
                           {"target", target},
                           {"service", "sol"},
                           {"device", device.to_string()},
                           {"started", sys::to_iso8601(started)}}));
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
  recording_->note(dumped({{"at", ms_between(began_, last_)}, {"event", "end"}}));
  recording_->end();
}

void SerialRecorder::joined(session::UserId id, const User& who, TimePoint now) {
  users_[id] = who;
  recording_->note(dumped({{"at", ms_between(began_, now)},
                           {"event", "join"},
                           {"session", id.value},
                           {"client", who.client},
                           {"user", who.login}}));
  write('m', (who.login.empty() ? "" : who.login + " from ") + who.client + " joins", now);
}

void SerialRecorder::left(session::UserId id, TimePoint now) {
  const auto found = users_.find(id);
  if (found == users_.end()) return;
  recording_->note(dumped({{"at", ms_between(began_, now)}, {"event", "leave"}, {"session", id.value}}));
  write('m', found->second.client + " leaves", now);
  users_.erase(found);
}

void SerialRecorder::event(const std::string& what, TimePoint now) {
  recording_->note(dumped({{"at", ms_between(began_, now)}, {"event", what}}));
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
  const std::string line = record::cast_event(static_cast<double>(ms_between(began_, now)) / 1000, code, text);
  recording_->write(Buffer(line.begin(), line.end()));
}

}  // namespace amtgate::gateway
