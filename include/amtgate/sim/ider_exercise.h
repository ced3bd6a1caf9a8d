// IderExercise: what the simulated machine's BIOS and operating system do with the drives that an IDE-R session gives
// them. It hands out SCSI commands one at a time, takes their data and outcome, and at the end reports how fast and
// how right it was. It knows nothing of the redirection protocol's framing.
//
// Order: for each chosen drive the commands a BIOS sends to look for a boot sector, those of the Linux sr and sd
// drivers, those of Windows' cdrom and disk drivers, then the whole medium in sequence (64 KiB reads), blocks of 2
// KiB at random, compared with what the sequential pass saw, single blocks evenly spread (READ(12)), and on a floppy
// writes, each read again.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/time.h"
#include "amtgate/sim/sha256.h"

namespace amtgate::sim {

enum class Drive : std::uint8_t { Cd, Floppy };
std::string_view name(Drive drive);  // "cd", "floppy"

/// Sense key, additional code and qualifier of a command that failed; all zero when it was good.
struct Sense {
  std::uint8_t key = 0;
  std::uint8_t asc = 0;
  std::uint8_t ascq = 0;
  bool good() const { return key == 0 && asc == 0 && ascq == 0; }
  bool operator==(const Sense&) const = default;
};

/// Whose commands look at a drive first.
enum class Probe : std::uint8_t { Bios, Linux, Windows };

struct IderPlan {
  std::vector<Drive> drives = {Drive::Cd, Drive::Floppy};
  bool probe = true;  // those of `probes`; without it only what reading needs
  // Not Windows': MeshCentral's server gives no answer at all to one of its questions (the full table of contents).
  std::vector<Probe> probes = {Probe::Bios, Probe::Linux};
  bool sequential = true;  // the whole medium
  unsigned random = 64;    // reads of 2 KiB at random places
  unsigned sample = 0;     // single blocks from the first to the last, evenly spread; 0 or at least 2
  unsigned writes = 0;     // of up to 8 KiB at random places of a floppy
  std::uint32_t seed = 1;
  std::string sha256{};         // of the CD's image, what it must come to; empty: only logged
  std::string sha256_floppy{};  // the same for the floppy
  unsigned repeat = 1;          // how often everything is done; 0 = until the session ends
};

class IderExercise {
 public:
  struct Command {
    Drive drive = Drive::Cd;
    std::array<std::uint8_t, 12> cdb{};
    std::uint32_t expect = 0;  // bytes at most
    const char* what = "";     // for the log
    Buffer write{};            // what goes to the drive
  };
  /// What a drive answered to a command of a probe.
  struct Answer {
    Drive drive;
    std::string what;
    Sense sense;
    Buffer data;
  };

  /// The result of one drive in one round.
  struct Report {
    Drive drive = Drive::Cd;
    bool ready = false;  // a medium is there
    std::uint32_t blocks = 0;
    std::uint32_t block_size = 0;
    std::uint64_t bytes = 0;    // read in sequence
    double seconds = 0;         // the sequential pass
    double mb_per_s = 0;        // 10^6 bytes
    std::string sha256{};       // of the sequential pass; empty when it did not finish
    std::optional<bool> match;  // with the digest asked for
    std::uint64_t random_reads = 0;
    std::uint64_t random_wrong = 0;    // other bytes than the sequential pass saw
    std::string sample_sha256{};       // of the single blocks that could be read
    std::optional<bool> protected_{};  // with writes: the drive says that it takes none
    std::uint64_t writes = 0;          // that were taken
    std::uint64_t write_wrong = 0;     // that read differently
    std::uint64_t resets = 0;          // of the bus, with a command under way
    std::uint64_t commands = 0;
    std::uint64_t errors = 0;                                      // READs that failed or came short
    std::optional<Sense> error_sense{};                            // of the last single block that failed
    std::uint64_t p50_us = 0, p90_us = 0, p99_us = 0, max_us = 0;  // time from command to its end, READs only
  };

  /// A medium larger than this is not hashed block by block: 8 bytes for each 2 KiB are kept.
  static constexpr std::uint64_t kMaxComparedBlocks = 8 * 1024 * 1024;
  static constexpr std::uint32_t kSequentialBytes = 64 * 1024;
  static constexpr std::uint32_t kRandomBytes = 2 * 1024;
  /// How often and how far apart a drive is asked whether it is ready.
  static constexpr unsigned kReadyTries = 20;
  static constexpr milliseconds kReadyPause{100};

  explicit IderExercise(IderPlan plan);

  /// The command to send now; empty while one runs, during a pause (see deadline()), and when all is done.
  std::optional<Command> next(TimePoint now);
  /// Data of the running command, in order. More than it asked for is counted as an error.
  void data(Bytes bytes);
  /// The running command ended.
  void finished(Sense sense, TimePoint now);
  /// The machine's drives were reset: a command that ran is lost and will be sent again.
  void reset();
  std::optional<TimePoint> deadline() const { return pause_; }
  bool done() const { return done_; }

  /// A drive is through; once each.
  std::optional<Report> next_report();
  /// The answers to a probe's commands, in order; a few dozen for each drive.
  std::optional<Answer> next_answer();
  /// It moves blocks now: a reset would hit a transfer.
  bool transferring() const { return running_ && phase_ >= Phase::Sequential; }

 private:
  enum class Phase { Ready, Probe, Sequential, Random, Sample, Write };

  void begin_drive();
  void end_drive();
  void begin_phase(Phase phase, TimePoint now);
  void next_phase(TimePoint now);
  void queue_bios();
  void queue_linux();
  void queue_windows();
  bool queue_more();
  void queue_write();
  void take_write(const Command& command, Sense sense);
  void take_sample(const Command& command, Sense sense);
  void queue(const char* what, std::initializer_list<std::uint8_t> cdb, std::uint32_t expect);
  Command read10(std::uint32_t lba, std::uint32_t blocks, const char* what) const;
  void take_result(const Command& command, Sense sense, TimePoint now);
  void take_read(const Command& command, Sense sense, TimePoint now);
  std::uint32_t blocks_of(std::uint32_t bytes) const { return std::max(1U, bytes / report_.block_size); }

  IderPlan plan_;
  unsigned round_ = 0;
  std::size_t drive_index_ = 0;
  bool done_ = false;
  Phase phase_ = Phase::Ready;
  std::deque<Command> queue_;
  std::optional<Command> running_;
  TimePoint started_;
  Buffer data_;
  bool overrun_ = false;
  std::optional<TimePoint> pause_;

  unsigned tries_ = 0;
  std::uint32_t next_lba_ = 0;
  unsigned random_left_ = 0;
  std::uint32_t random_lba_ = 0;
  unsigned sample_at_ = 0;
  Sha256 sample_hash_;
  unsigned writes_left_ = 0;
  Buffer written_;  // and to be read again
  TimePoint phase_started_;
  Sha256 hash_;
  std::vector<std::uint64_t> block_hashes_;  // of each kRandomBytes of the sequential pass
  std::vector<std::uint32_t> latencies_;     // µs
  std::mt19937 random_;
  Report report_;
  std::deque<Report> reports_;
  std::deque<Answer> answers_;
};

}  // namespace amtgate::sim
