#include "amtgate/cli/recorded.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "amtgate/cli/cast_player.h"
#include "amtgate/record/asciicast.h"
#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

class RecordedTest : public testing::Test {
 protected:
  RecordedTest() {
    char name[] = "/tmp/amtgate-recorded-test.XXXXXX";
    folder = ::mkdtemp(name);
  }
  ~RecordedTest() override { std::filesystem::remove_all(folder); }
  void file(const std::string& name, const std::string& text, std::int64_t written = 0) const {
    ASSERT_TRUE(sys::write_file(folder + "/" + name, text, 0600));
    const timespec times[2] = {{written, 0}, {written, 0}};
    ASSERT_TRUE(written == 0 || ::utimensat(AT_FDCWD, (folder + "/" + name).c_str(), times, 0) == 0);
  }

  std::string folder;
};

constexpr std::int64_t kNoon = 1'769'860'800;
const std::string kHead =
    R"({"device":"10.0.0.9:16995","service":"sol","started":"2026-01-31T12:00:00.500Z","target":"pc1","version":1})"
    "\n";
const std::string kJoin = R"({"at":10,"client":"10.0.0.5:5","event":"join","session":7,"user":"ann"})"
                          "\n";

TEST_F(RecordedTest, OfADaemonThatDiedIsListedWithItsLength) {
  file("a.cast", record::cast_head({}) + record::cast_event(1, 'o', "words\r\n") + "[2.000, \"o\", \"cut o",
       kNoon + 3600);
  file("a.json", kHead + kJoin + "{\"at\":1200,\"ev");
  const auto all = find_recordings(folder);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 1u);
  const Recorded& r = (*all)[0];
  EXPECT_EQ(r.target, "pc1");
  EXPECT_EQ(r.service, "sol");
  ASSERT_EQ(r.who.size(), 1u);
  EXPECT_EQ(r.who[0].user, "ann");
  EXPECT_FALSE(r.ended);
  EXPECT_EQ(r.cut, "");
  EXPECT_EQ(r.length_ms, 3'600'000u);
  const auto shown = text_of_cast(r.file);
  ASSERT_TRUE(shown) << shown.error().detail;
  EXPECT_EQ(*shown, "words\r\n");
  EXPECT_EQ(play_cast(r.file, {.speed = 100}), 0);
}

TEST_F(RecordedTest, SaysWhatCutItOff) {
  file("a.cast", record::cast_head({}), kNoon + 3600);
  file("a.json", kHead + kJoin + "{\"at\":9000,\"event\":\"cut\",\"why\":\"the disk does not follow\"}\n");
  const auto r = find_recording(folder, "a");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->cut, "the disk does not follow");
  EXPECT_FALSE(r->ended);
  EXPECT_EQ(r->length_ms, 9000u);
}

TEST_F(RecordedTest, WithoutItsNotesOrWithNothingElseIsListedToo) {
  file("a.fbs", "FBS 001.000\n");
  file("b.json", kHead);
  file("c.json", "");
  const auto all = find_recordings(folder);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 3u);
  const auto notes_alone = find_recording(folder, "b");
  ASSERT_TRUE(notes_alone);
  EXPECT_EQ(notes_alone->file, "");
  EXPECT_EQ(notes_alone->length_ms, 0u);
  EXPECT_EQ(find_recording(folder, "a")->file, folder + "/a.fbs");
  EXPECT_EQ(find_recording(folder, "").error().code, Errc::Refused);
}

}  // namespace
}  // namespace amtgate::cli
