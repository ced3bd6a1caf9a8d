#include "amtgate/sys/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "amtgate/sys/fd.h"

namespace amtgate::sys {
namespace {

class Files : public testing::Test {
 protected:
  Files() {
    char name[] = "/tmp/amtgate-file-test.XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~Files() override { std::filesystem::remove_all(folder_); }
  std::string at(const std::string& name) const { return folder_ + "/" + name; }
  std::string folder_;
};

TEST_F(Files, ReadsBackWhatWasWritten) {
  ASSERT_TRUE(write_file(at("a"), "hello", 0640));
  const auto text = read_file(at("a"), 100);
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "hello");
  struct stat st {};
  ASSERT_EQ(::stat(at("a").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0640U);
  ASSERT_TRUE(write_file(at("a"), "other", 0600));
  EXPECT_EQ(*read_file(at("a"), 5), "other");
  ASSERT_TRUE(append_file(at("a"), "!", 0600));
  EXPECT_EQ(*read_file(at("a"), 6), "other!");
  EXPECT_EQ(list_directory(folder_, "")->size(), 1U) << "a temporary file was left";
}

TEST_F(Files, SaysWhatIsWrong) {
  EXPECT_EQ(read_file(at("none"), 10).error().code, Errc::Unreachable);
  ASSERT_TRUE(write_file(at("big"), "0123456789", 0600));
  EXPECT_EQ(read_file(at("big"), 9).error().code, Errc::TooLarge);
  EXPECT_EQ(read_file(folder_, 9).error().code, Errc::System);
  EXPECT_EQ(write_file(at("no/such/folder"), "", 0600).error().code, Errc::Unreachable);
}

TEST_F(Files, LinksAndDevicesStay) {
  ASSERT_TRUE(write_file(at("a"), "old", 0600));
  ASSERT_EQ(::symlink("a", at("link").c_str()), 0);
  ASSERT_TRUE(write_file(at("link"), "new", 0600));
  EXPECT_TRUE(std::filesystem::is_symlink(at("link")));
  EXPECT_EQ(*read_file(at("a"), 10), "new");

  ASSERT_EQ(::symlink("/dev/null", at("nowhere").c_str()), 0);
  ASSERT_TRUE(write_file(at("nowhere"), "x", 0600));
  EXPECT_TRUE(std::filesystem::is_symlink(at("nowhere")));

  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  const UniqueFd reader(::open(at("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(write_file(at("pipe"), "hello", 0600));
  char got[8] = {};
  EXPECT_EQ(::read(reader.get(), got, sizeof got), 5);
  EXPECT_STREQ(got, "hello");
  EXPECT_TRUE(std::filesystem::is_fifo(at("pipe")));
  EXPECT_EQ(list_directory(folder_, "")->size(), 4U) << "a temporary file was left";
}

TEST_F(Files, ALinkOfAnotherAccountIsReplaced) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give a link away";
  ASSERT_TRUE(write_file(at("precious"), "keep", 0600));
  ASSERT_EQ(::symlink("precious", at("trap").c_str()), 0);
  ASSERT_EQ(::lchown(at("trap").c_str(), 65534, 65534), 0);
  ASSERT_TRUE(write_file(at("trap"), "new", 0600));
  EXPECT_EQ(*read_file(at("precious"), 10), "keep");
  EXPECT_FALSE(std::filesystem::is_symlink(at("trap")));
  EXPECT_EQ(*read_file(at("trap"), 10), "new");
}

TEST_F(Files, SecretsMustNotBeReadableByOthers) {
  ASSERT_TRUE(write_file(at("s"), "x", 0600));
  EXPECT_TRUE(check_private(at("s")));
  ::chmod(at("s").c_str(), 0640);
  EXPECT_TRUE(check_private(at("s")));
  for (const mode_t bad : {0644U, 0602U, 0660U}) {
    ::chmod(at("s").c_str(), bad);
    const auto r = check_private(at("s"));
    ASSERT_FALSE(r);
    EXPECT_NE(r.error().detail.find("chmod"), std::string::npos) << r.error().detail;
  }
  if (::geteuid() == 0) {
    ::chmod(at("s").c_str(), 0600);
    ASSERT_EQ(::chown(at("s").c_str(), 12345, 0), 0);
    EXPECT_FALSE(check_private(at("s")));
    EXPECT_TRUE(check_private(at("s"), 12345));
  }
}

TEST_F(Files, FoldersAndLists) {
  ASSERT_TRUE(make_directories(at("x/y/z"), 0750));
  ASSERT_TRUE(make_directories(at("x/y/z"), 0750));
  ASSERT_TRUE(write_file(at("x/b.conf"), "", 0600));
  ASSERT_TRUE(write_file(at("x/a.conf"), "", 0600));
  ASSERT_TRUE(write_file(at("x/.hidden.conf"), "", 0600));
  const auto list = list_directory(at("x"), ".conf");
  ASSERT_TRUE(list);
  EXPECT_EQ(*list, (std::vector<std::string>{at("x/a.conf"), at("x/b.conf")}));
  EXPECT_TRUE(list_directory(at("none"), "")->empty());
  EXPECT_FALSE(make_directories(at("x/a.conf/y"), 0750));
}

TEST(Fd, ClosesWhatItOwns) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  {
    UniqueFd a(fds[0]);
    UniqueFd b(std::move(a));
    EXPECT_FALSE(a);
    EXPECT_EQ(b.get(), fds[0]);
    UniqueFd c(fds[1]);
    b = std::move(c);
    EXPECT_EQ(::fcntl(fds[0], F_GETFD), -1);
  }
  EXPECT_EQ(::fcntl(fds[1], F_GETFD), -1);
}

}  // namespace
}  // namespace amtgate::sys
