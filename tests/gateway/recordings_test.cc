#include "amtgate/gateway/recordings.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "amtgate/cli/cast_player.h"
#include "amtgate/cli/recorded.h"
#include "amtgate/record/asciicast.h"
#include "amtgate/sys/file.h"

namespace amtgate::gateway {
namespace {

using Recording = std::shared_ptr<Recordings::Recording>;

const sys::WallTime kStarted = sys::WallTime(std::chrono::seconds(1'769'860'800));  // 2026-01-31T12:00:00Z
constexpr Duration kDay = std::chrono::hours(24);

Buffer bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

/// A disk that is held up, or full, when the test says so.
class Disk {
 public:
  Recordings::Disk writer() {
    return [this](int fd, const void* bytes, std::size_t n) -> ssize_t {
      std::unique_lock lock(mutex_);
      ++writes_;
      moved_.wait(lock, [&] { return !held_; });
      if (room_ == 0) {
        errno = ENOSPC;
        return -1;
      }
      const ssize_t put = ::write(fd, bytes, std::min(n, room_));
      if (put > 0 && room_ != kEndless) room_ -= static_cast<std::size_t>(put);
      return put;
    };
  }
  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    moved_.notify_all();
  }
  void leave_room(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    room_ = bytes;
  }
  unsigned writes() {
    const std::lock_guard lock(mutex_);
    return writes_;
  }
  static constexpr std::size_t kEndless = SIZE_MAX;

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  bool held_ = false;
  std::size_t room_ = kEndless;
  unsigned writes_ = 0;
};

class RecordingsTest : public testing::Test {
 protected:
  RecordingsTest() {
    char name[] = "/tmp/amtgate-recordings-test.XXXXXX";
    root_ = ::mkdtemp(name);
    folder = root_ + "/recordings";
  }
  ~RecordingsTest() override { std::filesystem::remove_all(root_); }

  std::string text(const std::string& name) const {
    const Result<std::string> all = sys::read_file(folder + "/" + name, 100U << 20U);
    return all ? *all : "(none)";
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    const Result<std::vector<std::string>> paths = sys::list_directory(folder, "");
    for (const std::string& path : *paths) out.push_back(path.substr(path.rfind('/') + 1));
    return out;
  }
  /// One of a time before this daemon's.
  void old_one(const std::string& id, std::size_t bytes, Duration age, const std::string& suffix = ".cast") {
    ASSERT_TRUE(sys::make_directories(folder, 0700));
    for (const std::string& path : {folder + "/" + id + suffix, folder + "/" + id + ".json"}) {
      ASSERT_TRUE(sys::write_file(path, std::string(path.ends_with(".json") ? 10 : bytes - 10, 'x'), 0600));
      const auto at = std::chrono::duration_cast<std::chrono::seconds>(
          (sys::wall_now() - std::chrono::duration_cast<sys::WallTime::duration>(age)).time_since_epoch());
      const timespec times[2] = {{at.count(), 0}, {at.count(), 0}};
      ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    }
  }
  template <class Condition>
  static bool within_a_minute(Condition condition) {
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
         std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(milliseconds(5))) {
      if (condition()) return true;
    }
    return false;
  }

  std::string folder;
  Disk disk;

 private:
  std::string root_;
};

TEST_F(RecordingsTest, AreTheDaemonsAlone) {
  {
    Recordings all(folder);
    const Recording r = all.begin("pc1", 7, kStarted, ".cast");
    EXPECT_EQ(r->id(), "pc1-20260131T120000Z-7");
    r->write(bytes_of("shown\n"));
    r->note("{\"event\":\"join\"}");
    r->write(bytes_of("more\n"));
    r->end();
    r->write(bytes_of("too late\n"));
    EXPECT_FALSE(r->failed());
  }
  EXPECT_EQ(text("pc1-20260131T120000Z-7.cast"), "shown\nmore\n");
  EXPECT_EQ(text("pc1-20260131T120000Z-7.json"), "{\"event\":\"join\"}\n");
  struct stat st {};
  ASSERT_EQ(::stat(folder.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0700u);
  for (const std::string& name : names()) {
    ASSERT_EQ(::stat((folder + "/" + name).c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0600u) << name;
  }
}

TEST_F(RecordingsTest, OfATargetWithOddLettersStaysInTheFolder) {
  {
    Recordings all(folder);
    for (const auto& [target, session] : {std::pair{"../../etc/x", 1}, {".hidden", 2}, {"", 3}}) {
      const Recording r = all.begin(target, static_cast<std::uint64_t>(session), kStarted, ".cast");
      r->write(bytes_of("x"));
      r->end();
    }
  }
  EXPECT_EQ(names(), (std::vector<std::string>{"_-20260131T120000Z-3.cast", "_.._.._etc_x-20260131T120000Z-1.cast",
                                               "_.hidden-20260131T120000Z-2.cast"}));
}

// --- names

TEST_F(RecordingsTest, OfTheSameNameAreKeptApart) {
  // A daemon that is restarted begins to count anew, and a clock may be set back.
  for (const char* said : {"first\n", "second\n", "third\n"}) {
    Recordings all(folder);
    const Recording r = all.begin("pc1", 1, kStarted, said[0] == 's' ? ".fbs" : ".cast");
    r->note(said);
    r->write(bytes_of(said));
    r->end();
  }
  EXPECT_EQ(text("pc1-20260131T120000Z-1.cast"), "first\n");
  EXPECT_EQ(text("pc1-20260131T120000Z-1.json"), "first\n\n");
  EXPECT_EQ(text("pc1-20260131T120000Z-1-2.fbs"), "second\n");
  EXPECT_EQ(text("pc1-20260131T120000Z-1-2.json"), "second\n\n");
  EXPECT_EQ(text("pc1-20260131T120000Z-1-3.cast"), "third\n");
}

TEST_F(RecordingsTest, OfTargetsThatAreNamedAlikeAreKeptApart) {
  {
    Recordings all(folder);
    const Recording a = all.begin("pc/1", 1, kStarted, ".cast"), b = all.begin("pc_1", 1, kStarted, ".cast");
    for (int i = 0; i < 3; ++i) {
      a->write(bytes_of("a"));
      b->write(bytes_of("b"));
    }
    a->end();
    b->end();
  }
  EXPECT_EQ(text("pc_1-20260131T120000Z-1.cast"), "aaa");
  EXPECT_EQ(text("pc_1-20260131T120000Z-1-2.cast"), "bbb");
}

// --- limits

TEST_F(RecordingsTest, TheOldestGoForNewOnes) {
  old_one("oldest", 40'000, kDay * 3);
  old_one("older", 40'000, kDay * 2);
  old_one("newer", 40'000, kDay, ".fbs");
  ASSERT_TRUE(sys::write_file(folder + "/notes.txt", std::string(100'000, 'x'), 0600));
  {
    Recordings all(folder);
    all.keep({.bytes = 100'000, .age = {}});
    const Recording r = all.begin("pc1", 1, kStarted, ".cast");
    r->write(Buffer(30'000, 'x'));
    r->end();
  }
  EXPECT_EQ(names(),
            (std::vector<std::string>{"newer.fbs", "newer.json", "notes.txt", "pc1-20260131T120000Z-1.cast"}))
      << "70 kB, and what is none of ours";
}

TEST_F(RecordingsTest, OldOnesGoAlsoWhereNothingIsRecorded) {
  old_one("old", 100, kDay * 8);
  old_one("young", 100, kDay * 6);
  Recordings all(folder);
  all.keep({.bytes = 0, .age = kDay * 7});
  EXPECT_TRUE(within_a_minute([&] { return names() == std::vector<std::string>{"young.cast", "young.json"}; }));
}

TEST_F(RecordingsTest, OneThatAloneIsTooMuchEndsAndStays) {
  old_one("old", 100, kDay);
  {
    Recordings all(folder);
    all.keep({.bytes = 500'000, .age = {}});
    const Recording r = all.begin("pc1", 1, sys::wall_now(), ".cast");
    r->note("{}");
    r->write(bytes_of(record::cast_head({})));
    const std::string line = record::cast_event(0, 'o', std::string(9'000, 'x'));
    for (int i = 0; i < 100; ++i) r->write(bytes_of(line));
    ASSERT_TRUE(within_a_minute([&] { return r->failed(); }));
    r->end();
  }
  const std::vector<cli::Recorded> found = *cli::find_recordings(folder);
  ASSERT_EQ(found.size(), 1u) << "the old one went for it";
  EXPECT_FALSE(found[0].ended);
  EXPECT_EQ(found[0].cut, "record_limit is reached by those that are being made");
  EXPECT_GT(found[0].bytes, 400'000u);
  EXPECT_LT(found[0].bytes, 700'000u);
  EXPECT_TRUE(cli::text_of_cast(found[0].file));
  {
    Recordings all(folder);
    all.keep({.bytes = 500'000, .age = {}});
    const Recording r = all.begin("pc2", 1, kStarted, ".cast");
    r->write(bytes_of("x"));
    r->end();
  }
  EXPECT_EQ(names(), std::vector<std::string>{"pc2-20260131T120000Z-1.cast"}) << "with another one it goes";
}

TEST_F(RecordingsTest, OneThatWasEndedByTheLimitIsNotInTheWayOfTheNext) {
  {
    Recordings all(folder);
    all.keep({.bytes = 500'000, .age = {}});
    const Recording much = all.begin("pc1", 1, kStarted, ".fbs");
    for (int i = 0; i < 10; ++i) much->write(Buffer(100'000, 'x'));
    ASSERT_TRUE(within_a_minute([&] { return much->failed(); }));
    // Its session goes on.
    const Recording next = all.begin("pc2", 2, kStarted, ".fbs");
    for (int i = 0; i < 20; ++i) next->write(Buffer(10'000, 'y'));
    next->end();
    much->end();
    EXPECT_FALSE(next->failed());
  }
  EXPECT_EQ(text("pc2-20260131T120000Z-2.fbs"), std::string(200'000, 'y'));
}

// --- the disk

TEST_F(RecordingsTest, ASlowDiskHoldsUpNoSession) {
  disk.hold(true);
  constexpr std::size_t kPiece = 64 * 1024;
  std::size_t pieces = 0;
  {
    Recordings all(folder, disk.writer());
    const Recording r = all.begin("pc1", 1, sys::wall_now(), ".cast");
    r->note("{}");
    const std::string line = record::cast_event(0, 'o', std::string(kPiece, 'x'));
    r->write(bytes_of(record::cast_head({})));
    // Each of these returns while the disk does nothing at all.
    for (; !r->failed() && pieces < 100 * Recordings::kMaxWaiting / kPiece; ++pieces) r->write(bytes_of(line));
    EXPECT_TRUE(r->failed());
    EXPECT_LE(disk.writes(), 1u);
    EXPECT_GE(pieces * line.size() + kPiece, Recordings::kMaxWaiting);
    // One that is begun meanwhile is told the same, and comes to no harm.
    const Recording other = all.begin("pc2", 2, sys::wall_now(), ".cast");
    other->write(bytes_of(line));
    EXPECT_TRUE(other->failed());
    disk.hold(false);
    ASSERT_TRUE(within_a_minute([&] { return text(r->id() + ".json").find("cut") != std::string::npos; }));
    r->end();
    other->end();
  }
  const std::vector<cli::Recorded> found = *cli::find_recordings(folder);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].cut, "the disk does not follow");
  const Result<std::string> all = cli::text_of_cast(found[0].file);
  ASSERT_TRUE(all) << all.error().detail;
  EXPECT_EQ(all->size(), (pieces - 1) * kPiece) << "all that waited is there";
  EXPECT_NE(text(found[0].file.substr(folder.size() + 1)).find("the recording ends: the disk does not follow"),
            std::string::npos);
}

TEST_F(RecordingsTest, AFullDiskLeavesWhatIsWhole) {
  const std::string head = record::cast_head({}), line = record::cast_event(0, 'o', "0123456789");
  {
    Recordings all(folder, disk.writer());
    const Recording r = all.begin("pc1", 1, sys::wall_now(), ".cast");
    disk.leave_room(3 + head.size() + 2 * line.size() + line.size() / 2);
    r->note("{}");
    r->write(bytes_of(head));
    for (int i = 0; i < 5; ++i) r->write(bytes_of(line));
    ASSERT_TRUE(within_a_minute([&] { return r->failed(); }));
    r->end();
    // The next one has room again.
    disk.leave_room(Disk::kEndless);
    const Recording next = all.begin("pc2", 2, kStarted, ".cast");
    next->write(bytes_of(line));
    next->end();
  }
  const std::vector<cli::Recorded> found = *cli::find_recordings(folder);
  ASSERT_EQ(found.size(), 2u);
  const auto pc1 = std::ranges::find_if(found, [](const auto& r) { return r.id.starts_with("pc1"); });
  EXPECT_EQ(text(pc1->id + ".cast").substr(0, head.size() + 2 * line.size()), head + line + line);
  const Result<std::string> shown = cli::text_of_cast(pc1->file);
  ASSERT_TRUE(shown) << shown.error().detail;
  EXPECT_EQ(*shown, "01234567890123456789") << "no half of a line";
  EXPECT_EQ(text("pc2-20260131T120000Z-2.cast"), line);
}

/// Only what was shown finds no room: a file's last block often has some for its end.
TEST_F(RecordingsTest, AFullDiskIsSaidInTheNotes) {
  {
    Recordings all(folder, [](int fd, const void* bytes, std::size_t n) -> ssize_t {
      if (n < 1000) return ::write(fd, bytes, n);
      errno = ENOSPC;
      return -1;
    });
    const Recording r = all.begin("pc1", 1, sys::wall_now(), ".fbs");
    r->note("{}");
    r->write(bytes_of("block"));
    r->write(Buffer(1000, 'x'));
    r->end();
  }
  const std::vector<cli::Recorded> found = *cli::find_recordings(folder);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].cut, found[0].file + ": No space left on device");
  EXPECT_EQ(text(found[0].id + ".fbs"), "block");
}

TEST_F(RecordingsTest, AFolderThatCannotBeMadeEndsTheRecordingAlone) {
  ASSERT_TRUE(sys::write_file(folder, "a file", 0600));
  Recordings all(folder);
  all.keep({.bytes = 1000, .age = kDay});
  const Recording r = all.begin("pc1", 1, kStarted, ".cast");
  r->write(bytes_of("x"));
  EXPECT_TRUE(within_a_minute([&] { return r->failed(); }));
  r->end();
}

}  // namespace
}  // namespace amtgate::gateway
