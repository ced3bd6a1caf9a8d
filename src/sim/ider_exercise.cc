#include "amtgate/sim/ider_exercise.h"

#include <algorithm>
#include <utility>

#include "amtgate/base/reader.h"
#include "amtgate/base/take_front.h"

namespace amtgate::sim {
namespace {

// A read of 64 KiB takes a fraction of a millisecond at best; of so many the percentiles are exact, of more a sample.
constexpr std::size_t kMaxLatencies = 1'000'000;
constexpr std::size_t kMaxAnswers = 1024;  // of probes, where nobody asks for them

std::uint64_t fnv1a(Bytes bytes) {
  std::uint64_t h = 14695981039346656037ULL;
  for (const std::uint8_t b : bytes) h = (h ^ b) * 1099511628211ULL;
  return h;
}

std::uint64_t percentile(const std::vector<std::uint32_t>& sorted, unsigned percent) {
  if (sorted.empty()) return 0;
  const std::size_t rank = (sorted.size() * percent + 99) / 100;
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

constexpr std::uint8_t u8(std::uint32_t v) {
  return static_cast<std::uint8_t>(v & 0xff);
}

}  // namespace

std::string_view name(Drive drive) {
  return drive == Drive::Cd ? "cd" : "floppy";
}

IderExercise::IderExercise(IderPlan plan) : plan_(std::move(plan)), random_(plan_.seed) {
  done_ = plan_.drives.empty();
  if (!done_) begin_drive();
}

void IderExercise::begin_drive() {
  report_ = Report{};
  report_.drive = plan_.drives[drive_index_];
  latencies_.clear();
  block_hashes_.clear();
  tries_ = 0;
  phase_ = Phase::Ready;
  queue("test unit ready", {0x00}, 0);
}

void IderExercise::queue(const char* what, std::initializer_list<std::uint8_t> cdb, std::uint32_t expect) {
  Command c;
  c.drive = report_.drive;
  c.what = what;
  c.expect = expect;
  std::ranges::copy(cdb, c.cdb.begin());
  queue_.push_back(c);
}

IderExercise::Command IderExercise::read10(std::uint32_t lba, std::uint32_t blocks, const char* what) const {
  Command c;
  c.drive = report_.drive;
  c.what = what;
  c.expect = blocks * report_.block_size;
  c.cdb = {0x28, 0, u8(lba >> 24), u8(lba >> 16), u8(lba >> 8), u8(lba), 0, u8(blocks >> 8), u8(blocks)};
  return c;
}

void IderExercise::begin_phase(Phase phase, TimePoint now) {
  phase_ = phase;
  phase_started_ = now;
  switch (phase) {
    case Phase::Ready: break;
    case Phase::Probe:
      for (const Probe p : plan_.probes) {
        if (p == Probe::Bios) queue_bios();
        if (p == Probe::Linux) queue_linux();
        if (p == Probe::Windows) queue_windows();
      }
      break;
    case Phase::Sequential:
      hash_ = Sha256{};
      next_lba_ = 0;
      break;
    case Phase::Random: random_left_ = plan_.random; break;
    case Phase::Sample:
      sample_hash_ = Sha256{};
      sample_at_ = 0;
      break;
    case Phase::Write:
      writes_left_ = plan_.writes;
      written_.clear();
      queue("mode sense 6, write protection", {0x1a, 0, 0x3f, 0, 4, 0}, 4);
      break;
  }
}

void IderExercise::next_phase(TimePoint now) {
  if (phase_ == Phase::Ready && plan_.probe) return begin_phase(Phase::Probe, now);
  if (phase_ < Phase::Sequential && plan_.sequential) return begin_phase(Phase::Sequential, now);
  if (phase_ < Phase::Random && plan_.random > 0) return begin_phase(Phase::Random, now);
  if (phase_ < Phase::Sample && plan_.sample >= 2) return begin_phase(Phase::Sample, now);
  if (phase_ < Phase::Write && plan_.writes > 0 && report_.drive == Drive::Floppy)
    return begin_phase(Phase::Write, now);
  end_drive();
}

void IderExercise::end_drive() {
  std::ranges::sort(latencies_);
  report_.p50_us = percentile(latencies_, 50);
  report_.p90_us = percentile(latencies_, 90);
  report_.p99_us = percentile(latencies_, 99);
  report_.max_us = latencies_.empty() ? 0 : latencies_.back();
  const std::string& wanted = report_.drive == Drive::Cd ? plan_.sha256 : plan_.sha256_floppy;
  if (!wanted.empty() && plan_.sequential) report_.match = report_.sha256 == wanted;
  reports_.push_back(std::exchange(report_, Report{}));
  queue_.clear();
  if (++drive_index_ == plan_.drives.size()) {
    drive_index_ = 0;
    ++round_;
  }
  done_ = drive_index_ == 0 && plan_.repeat != 0 && round_ >= plan_.repeat;
  if (!done_) begin_drive();
}

std::optional<IderExercise::Report> IderExercise::next_report() {
  return take_front(reports_);
}

std::optional<IderExercise::Answer> IderExercise::next_answer() {
  return take_front(answers_);
}

std::optional<IderExercise::Command> IderExercise::next(TimePoint now) {
  if (done_ || running_) return std::nullopt;
  if (pause_) {
    if (now < *pause_) return std::nullopt;
    pause_.reset();
  }
  if (queue_.empty() && !queue_more()) {
    next_phase(now);
    return next(now);
  }
  running_ = queue_.front();
  queue_.pop_front();
  started_ = now;
  data_.clear();
  overrun_ = false;
  ++report_.commands;
  return running_;
}

/// The next command of a phase that makes them one by one.
bool IderExercise::queue_more() {
  if (phase_ == Phase::Sequential && next_lba_ < report_.blocks) {
    const std::uint32_t n = std::min(blocks_of(kSequentialBytes), report_.blocks - next_lba_);
    queue_.push_back(read10(next_lba_, n, "read"));
  } else if (phase_ == Phase::Random && random_left_ > 0) {
    const std::uint32_t n = std::min(blocks_of(kRandomBytes), report_.blocks);
    const std::uint32_t places = report_.blocks / n;  // aligned to what the sequential pass remembered
    random_lba_ = std::uniform_int_distribution<std::uint32_t>(0, places - 1)(random_) * n;
    queue_.push_back(read10(random_lba_, n, "random read"));
  } else if (phase_ == Phase::Sample && sample_at_ < plan_.sample) {
    const auto lba = static_cast<std::uint32_t>(std::uint64_t{report_.blocks - 1} * sample_at_ / (plan_.sample - 1));
    queue("read 12", {0xa8, 0, u8(lba >> 24), u8(lba >> 16), u8(lba >> 8), u8(lba), 0, 0, 0, 1}, report_.block_size);
  } else if (phase_ == Phase::Write && writes_left_ > 0 && report_.protected_) {
    queue_write();
  } else {
    return false;
  }
  return true;
}

void IderExercise::data(Bytes bytes) {
  if (!running_) return;
  const std::size_t room = running_->expect - data_.size();
  if (bytes.size() > room) overrun_ = true;
  append(data_, bytes.first(std::min(bytes.size(), room)));
}

void IderExercise::finished(Sense sense, TimePoint now) {
  if (!running_) return;
  const Command command = *std::exchange(running_, std::nullopt);
  take_result(command, sense, now);
}

void IderExercise::reset() {
  if (!running_) return;
  ++report_.resets;
  queue_.push_front(*std::exchange(running_, std::nullopt));
}

void IderExercise::take_result(const Command& command, Sense sense, TimePoint now) {
  if (phase_ == Phase::Ready && command.cdb[0] == 0x00) {
    if (sense.good()) {
      queue("read capacity", {0x25}, 8);
      return;
    }
    const bool unit_attention = sense.key == 6;
    const bool becoming_ready = sense.key == 2 && sense.asc == 4;
    // "No medium" may be a drive whose image comes a moment later; a few tries decide.
    const unsigned most = unit_attention || becoming_ready ? kReadyTries : 3;
    if (++tries_ >= most) return end_drive();
    if (!unit_attention) pause_ = now + kReadyPause;
    queue("test unit ready", {0x00}, 0);
    return;
  }
  if (phase_ == Phase::Ready) {  // READ CAPACITY
    Reader in(data_);
    const std::uint32_t last = in.be32();
    const std::uint32_t size = in.be32();
    // Block sizes that a drive may claim; anything else would make nonsense of every count that follows.
    const bool sane = sense.good() && !in.failed() && size >= 256 && size <= 4096 && last < 0xffff'fffe;
    if (!sane) {
      // The Mesh family's servers say "ready" of an empty drive and tell only here that there is no medium.
      const bool no_medium = sense.key == 2 && sense.asc == 0x3a;
      report_.errors += no_medium ? 0 : 1;
      return end_drive();
    }
    report_.ready = true;
    report_.blocks = last + 1;
    report_.block_size = size;
    next_phase(now);
    return;
  }
  if (phase_ == Phase::Probe && answers_.size() < kMaxAnswers)
    answers_.push_back({report_.drive, command.what, sense, command.cdb[0] == 0x28 ? Buffer{} : data_});
  if (phase_ == Phase::Sample) return take_sample(command, sense);
  if (phase_ == Phase::Write) return take_write(command, sense);
  if (command.cdb[0] == 0x28) take_read(command, sense, now);
}

void IderExercise::take_read(const Command& command, Sense sense, TimePoint now) {
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - started_).count();
  if (latencies_.size() < kMaxLatencies) {
    latencies_.push_back(static_cast<std::uint32_t>(std::clamp<std::int64_t>(took, 0, 0xffff'ffff)));
  }
  const bool good = sense.good() && data_.size() == command.expect && !overrun_;
  if (phase_ == Phase::Sequential) {
    if (!good) {  // a hole would make the digest meaningless
      ++report_.errors;
      return end_drive();
    }
    hash_.update(data_);
    report_.bytes += data_.size();
    for (std::size_t at = 0; at < data_.size() && block_hashes_.size() < kMaxComparedBlocks; at += kRandomBytes) {
      const std::size_t n = std::min<std::size_t>(kRandomBytes, data_.size() - at);
      block_hashes_.push_back(fnv1a(Bytes(data_).subspan(at, n)));
    }
    next_lba_ += command.expect / report_.block_size;
    if (next_lba_ < report_.blocks) return;
    report_.sha256 = hash_.finish();
    report_.seconds = std::chrono::duration<double>(now - phase_started_).count();
    report_.mb_per_s = report_.seconds > 0 ? static_cast<double>(report_.bytes) / 1e6 / report_.seconds : 0;
  } else if (phase_ == Phase::Random) {
    --random_left_;
    ++report_.random_reads;
    if (!good) {
      ++report_.errors;
      return;
    }
    const std::size_t index = static_cast<std::size_t>(random_lba_) * report_.block_size / kRandomBytes;
    if (plan_.sequential && index < block_hashes_.size() && block_hashes_[index] != fnv1a(data_))
      ++report_.random_wrong;
  } else if (!good && command.cdb[4] == 0 && command.cdb[5] == 0) {
    ++report_.errors;  // a boot sector must be readable; what lies behind the end of a tiny CD need not be
  }
}

}  // namespace amtgate::sim
