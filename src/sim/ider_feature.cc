// IDE-R: ider::HostRole with the exercise behind it that uses the client's drives.

#include <algorithm>
#include <array>

#include "amtgate/base/earliest.h"
#include "amtgate/base/hex.h"
#include "amtgate/ider/host_role.h"
#include "amtgate/sim/features.h"
#include "amtgate/sim/ider_exercise.h"

namespace amtgate::sim {
namespace {

constexpr std::size_t kSurplus = 4096;  // longer than any table of an image server

ider::HostRole::Options role_options(const Options& o) {
  ider::HostRole::Options out;
  out.open_timeout = std::chrono::duration_cast<milliseconds>(o.session_timeout);
  if (o.heartbeat > Duration{}) out.heartbeat = std::chrono::duration_cast<milliseconds>(o.heartbeat);
  if (!o.hold_clients_timers) out.rx_timeout = milliseconds(0);
  return out;
}

class IderFeature final : public Feature {
 public:
  IderFeature(FeatureHost& host, TimePoint now)
      : host_(host),
        role_(role_options(host.machine().options()), now),
        exercise_(host.machine().options().ider),
        resets_left_(host.machine().options().ider_resets) {}

  Result<void> receive(Bytes in, TimePoint now) override {
    const Result<void> r = role_.receive(in, now);
    take_events(now);
    // The others when some of its bytes have moved.
    if (r && role_.moved() > 0 && reset_due()) reset(now);
    flush();
    return r;
  }

  void produce(TimePoint now) override {
    while (role_.enabled() && role_.pending() == 0) {
      const std::optional<IderExercise::Command> command = exercise_.next(now);
      report();
      if (!command) break;
      const ider::Drive drive = command->drive == Drive::Cd ? ider::Drive::Cd : ider::Drive::Floppy;
      // The Mesh family's servers do not cut their tables to the allocation length; hosts drop what is too much.
      role_.submit(drive, command->cdb, command->expect + kSurplus, now, command->write);
      // Every other reset goes out with its command, so that the whole of the transfer lies before the client.
      if (reset_due() && resets_left_ % 2 == 0) reset(now);
      flush();
    }
  }

  std::optional<TimePoint> deadline() const override {
    return earliest({role_.enabled() ? exercise_.deadline() : std::nullopt, role_.deadline()});
  }

  Result<void> tick(TimePoint now) override {
    const Result<void> r = role_.tick(now);
    take_events(now);
    produce(now);
    flush();
    return r;
  }

  void ended(TimePoint /*now*/) override { report(); }

 private:
  /// Not one after the other: the command that was hit is to get through in between.
  bool reset_due() {
    if (resets_left_ == 0 || !exercise_.transferring() || role_.pending() == 0) return false;
    return ++looked_ % 5 == 0;
  }
  void reset(TimePoint now) {
    --resets_left_;
    host_.log(JsonLine("ider.reset").add("moved", std::uint64_t{role_.moved()}));
    role_.reset(1, now);
    take_events(now);
  }

  void flush() {
    while (!role_.output().empty()) {
      const Bytes message = role_.output();
      const std::size_t n = message.size();
      host_.send(message);
      role_.sent(n);
    }
  }

  void report() {
    while (const std::optional<IderExercise::Answer> a = exercise_.next_answer()) {
      constexpr std::size_t kShown = 64;
      JsonLine line("ider.answer");
      line.add("drive", name(a->drive)).add("command", a->what);
      line.add("sense", to_hex(std::array{a->sense.key, a->sense.asc, a->sense.ascq}));
      line.add("bytes", std::uint64_t{a->data.size()});
      line.add("data", to_hex(Bytes(a->data).first(std::min(a->data.size(), kShown))));
      host_.log(line);
    }
    while (const std::optional<IderExercise::Report> r = exercise_.next_report()) {
      JsonLine line("ider.result");
      line.add("drive", name(r->drive))
          .add("ready", r->ready)
          .add("blocks", r->blocks)
          .add("block_size", r->block_size);
      line.add("bytes", r->bytes).add("seconds", r->seconds).add("mb_per_s", r->mb_per_s);
      if (!r->sha256.empty()) line.add("sha256", r->sha256);
      if (r->match) line.add("match", *r->match);
      line.add("random_reads", r->random_reads).add("random_wrong", r->random_wrong);
      if (!r->sample_sha256.empty()) line.add("sample_sha256", r->sample_sha256);
      if (r->protected_) line.add("protected", *r->protected_);
      line.add("writes", r->writes).add("write_wrong", r->write_wrong).add("resets", r->resets);
      line.add("commands", r->commands).add("errors", r->errors);
      if (r->error_sense)
        line.add("error_sense", to_hex(std::array{r->error_sense->key, r->error_sense->asc, r->error_sense->ascq}));
      line.add("p50_us", r->p50_us).add("p90_us", r->p90_us).add("p99_us", r->p99_us).add("max_us", r->max_us);
      host_.log(line);
    }
  }

  void take_events(TimePoint now) {
    while (std::optional<ider::HostRole::Event> event = role_.next_event()) {
      std::visit([&](const auto& e) { on(e, now); }, *event);
    }
  }

  void on(const ider::HostRole::Opened& e, TimePoint) {
    flush();  // 0x41
    host_.log(JsonLine("ider").add("rx_timeout_ms", e.asked.rx_timeout).add("heartbeat_ms", e.asked.heartbeat));
    host_.opened();
  }
  void on(const ider::HostRole::FeaturesSet& e, TimePoint) {
    host_.log(JsonLine("ider.features").add("value", e.value).add("enabled", e.enabled));
  }
  void on(const ider::HostRole::CommandDone& e, TimePoint now) {
    if (e.status == ider::HostRole::Status::Aborted) return exercise_.reset();
    exercise_.data(e.data);
    const bool good = e.status == ider::HostRole::Status::Good;
    exercise_.finished(good ? Sense{} : Sense{e.sense.key, e.sense.asc, e.sense.ascq}, now);
    report();
  }
  void on(const ider::HostRole::ResetAnswered&, TimePoint) {}
  void on(const ider::HostRole::PingAnswered&, TimePoint) {}
  void on(const ider::HostRole::CloseRequested&, TimePoint) { flush(); }
  void on(const ider::HostRole::Ended&, TimePoint) {
    flush();
    host_.close("client ended the session");
  }

  FeatureHost& host_;
  ider::HostRole role_;
  IderExercise exercise_;
  unsigned resets_left_;
  unsigned looked_ = 0;
};

}  // namespace

std::unique_ptr<Feature> make_ider(FeatureHost& host, TimePoint now) {
  return std::make_unique<IderFeature>(host, now);
}

}  // namespace amtgate::sim
