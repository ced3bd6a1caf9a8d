// What firmware and operating systems ask a drive before they use it, and the writes of an exercise.
//
// Source: Linux sr.c, sd.c, cdrom.c and udev's cdrom_id; Windows' cdrom.sys and disk.sys as traces of USB CD drives
// show them; a BIOS as El Torito wants it.

#include <algorithm>

#include "amtgate/sim/ider_exercise.h"

namespace amtgate::sim {
namespace {

constexpr std::uint32_t kMaxWrite = 8 * 1024;

constexpr std::uint8_t u8(std::uint32_t v) {
  return static_cast<std::uint8_t>(v & 0xff);
}

}  // namespace

/// Is it there, how large, does it boot.
void IderExercise::queue_bios() {
  queue("inquiry", {0x12, 0, 0, 0, 36, 0}, 36);
  if (report_.drive == Drive::Cd) {
    queue("read toc", {0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0}, 12);
    queue_.push_back(read10(16, 1, "read volume descriptor"));
    queue_.push_back(read10(17, 1, "read boot record"));
  } else {
    queue("read format capacities", {0x23, 0, 0, 0, 0, 0, 0, 0, 0xfc, 0}, 0xfc);
    queue_.push_back(read10(0, 1, "read boot sector"));
  }
}

/// sr_probe and the capability pages of cdrom.c, udev; sd_revalidate_disk for the floppy. Then read-ahead.
void IderExercise::queue_linux() {
  queue("test unit ready", {0x00}, 0);
  queue("inquiry", {0x12, 0, 0, 0, 36, 0}, 36);
  queue("request sense", {0x03, 0, 0, 0, 18, 0}, 18);
  if (report_.drive == Drive::Cd) {
    queue("mode sense 10, capabilities", {0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 128, 0}, 128);
    queue("get configuration", {0x46, 0, 0, 0, 0, 0, 0, 0, 8, 0}, 8);
    queue("get configuration, all", {0x46, 0, 0, 0, 0, 0, 0, 0, 128, 0}, 128);
    queue("get event status", {0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0}, 8);
    queue("prevent removal", {0x1e, 0, 0, 0, 1, 0}, 0);
    queue("read toc, sessions", {0x43, 0, 1, 0, 0, 0, 0, 0, 12, 0}, 12);
    queue("read toc, msf", {0x43, 2, 0, 0, 0, 0, 0, 0, 20, 0}, 20);
    queue("read disc information", {0x51, 0, 0, 0, 0, 0, 0, 0, 34, 0}, 34);
    queue("read track information", {0x52, 1, 0, 0, 0, 1, 0, 0, 36, 0}, 36);
    queue("allow removal", {0x1e, 0, 0, 0, 0, 0}, 0);
  } else {
    queue("read capacity 16", {0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 32);
    queue("mode sense 6, all pages", {0x1a, 0, 0x3f, 0, 192, 0}, 192);
    queue("mode sense 6, cache", {0x1a, 0, 0x08, 0, 4, 0}, 4);
    queue("mode sense 10, all pages", {0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 192, 0}, 192);
    queue("prevent removal", {0x1e, 0, 0, 0, 1, 0}, 0);
    queue("allow removal", {0x1e, 0, 0, 0, 0, 0}, 0);
  }
  for (const std::uint32_t bytes : {4096U, 65536U, 245760U})  // the last: 240 sectors, what usb-storage joins
    queue_.push_back(read10(0, std::min(blocks_of(bytes), report_.blocks), "read ahead"));
}

/// cdrom.sys with its class driver, disk.sys; and the shell, which polls.
void IderExercise::queue_windows() {
  queue("inquiry, 5 bytes", {0x12, 0, 0, 0, 5, 0}, 5);
  queue("inquiry", {0x12, 0, 0, 0, 36, 0}, 36);
  queue("inquiry, supported pages", {0x12, 1, 0, 0, 0xff, 0}, 0xff);
  queue("test unit ready", {0x00}, 0);
  queue("request sense", {0x03, 0, 0, 0, 18, 0}, 18);
  queue("read capacity", {0x25}, 8);
  if (report_.drive == Drive::Cd) {
    queue("get configuration", {0x46, 0, 0, 0, 0, 0, 0, 0, 8, 0}, 8);
    queue("get configuration, profiles", {0x46, 2, 0, 0, 0, 0, 0, 0, 16, 0}, 16);
    queue("get configuration, all", {0x46, 0, 0, 0, 0, 0, 0, 4, 0, 0}, 1024);
    queue("mode sense 10, capabilities", {0x5a, 8, 0x2a, 0, 0, 0, 0, 0, 64, 0}, 64);
    queue("get event status, classes", {0x4a, 1, 0, 0, 0x5e, 0, 0, 0, 8, 0}, 8);
    queue("get event status, operational", {0x4a, 1, 0, 0, 0x02, 0, 0, 0, 8, 0}, 8);
    queue("read toc, msf", {0x43, 2, 0, 0, 0, 0, 0, 3, 0x24, 0}, 804);
    queue("read toc, sessions", {0x43, 0, 1, 0, 0, 0, 0, 0, 12, 0}, 12);
    queue("read toc, full", {0x43, 2, 2, 0, 0, 0, 0, 1, 0, 0}, 256);
    queue("read disc information", {0x51, 0, 0, 0, 0, 0, 0, 0, 34, 0}, 34);
    queue("read track information", {0x52, 1, 0, 0, 0, 1, 0, 0, 36, 0}, 36);
    queue("read dvd structure", {0xad, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x04, 0, 0}, 2052);
    queue("start unit", {0x1b, 0, 0, 0, 1, 0}, 0);
    queue_.push_back(read10(16, 1, "read volume descriptor"));
    queue_.push_back(read10(256, 1, "read udf anchor"));
  } else {
    queue("read format capacities", {0x23, 0, 0, 0, 0, 0, 0, 0, 0xfc, 0}, 0xfc);
    queue("mode sense 10, all pages", {0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 192, 0}, 192);
    queue("mode sense 10, geometry", {0x5a, 0, 0x05, 0, 0, 0, 0, 0, 40, 0}, 40);
    queue("verify", {0x2f, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 0);
    queue_.push_back(read10(0, 1, "read boot sector"));
  }
}

/// A write at random, with the command whose turn it is.
void IderExercise::queue_write() {
  const std::uint32_t most = std::min(blocks_of(kMaxWrite), report_.blocks);
  const std::uint32_t n = std::uniform_int_distribution<std::uint32_t>(1, most)(random_);
  const std::uint32_t lba = std::uniform_int_distribution<std::uint32_t>(0, report_.blocks - n)(random_);
  Command c;
  c.drive = report_.drive;
  c.what = "write";
  c.write.resize(std::size_t{n} * report_.block_size);
  for (std::uint8_t& b : c.write) b = static_cast<std::uint8_t>(random_() & 0xff);
  const auto address = [&](std::size_t at, std::uint32_t v) {
    for (unsigned i = 0; i < 4; ++i) c.cdb[at + i] = u8(v >> (24 - 8 * i));
  };
  address(2, lba);
  switch (writes_left_ % 4) {
    case 0: c.cdb[0] = 0xaa; break;  // (12)
    case 1: c.cdb[0] = 0x2e; break;  // and verify
    default: c.cdb[0] = 0x2a;
  }
  if (c.cdb[0] == 0xaa) {
    address(6, n);
  } else {
    c.cdb[8] = u8(n);
  }
  written_ = c.write;
  random_lba_ = lba;
  queue_.push_back(std::move(c));
}

void IderExercise::take_write(const Command& command, Sense sense) {
  switch (command.cdb[0]) {
    case 0x1a:
      if (!sense.good() || data_.size() < 4) {
        ++report_.errors;
        writes_left_ = 0;
        return;
      }
      report_.protected_ = (data_[2] & 0x80) != 0;
      if (*report_.protected_) writes_left_ = 1;  // to see that it is meant
      return;
    case 0x2a:
    case 0x2e:
    case 0xaa:
      --writes_left_;
      if (*report_.protected_) {
        if (!(sense == Sense{7, 0x27, 0})) ++report_.errors;
        return;
      }
      if (!sense.good()) {
        ++report_.errors;
        return;
      }
      ++report_.writes;
      queue_.push_back(
          read10(random_lba_, static_cast<std::uint32_t>(written_.size() / report_.block_size), "read again"));
      if (writes_left_ == 0) queue("synchronize cache", {0x35}, 0);
      return;
    case 0x28:
      if (!sense.good() || data_ != written_) ++report_.write_wrong;
      return;
    default:
      if (!sense.good()) ++report_.errors;
  }
}

void IderExercise::take_sample(const Command& command, Sense sense) {
  if (!sense.good() || data_.size() != command.expect || overrun_) {
    ++report_.errors;  // and goes on, as who rescues a disk does
    report_.error_sense = sense;
  } else {
    sample_hash_.update(data_);
  }
  if (++sample_at_ == plan_.sample) report_.sample_sha256 = sample_hash_.finish();
}

}  // namespace amtgate::sim
