// A pseudo-terminal of the daemon, and what programs do to it: the session's end of it is this test's.
#include "amtgate/gateway/serial_door.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/net/loop_fixture.h"

namespace amtgate::gateway {
namespace {

class PtyDoorTest : public net::test::LoopTest {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    config::SerialDoor at;
    at.kind = config::SerialDoor::Kind::Pty;
    at.path = folder_ + "/pc1";
    path_ = at.path;
    door_ =
        SerialDoor::open(*loop, at, [this](sys::UniqueFd fd, const Endpoint&) { calls_.push_back(std::move(fd)); });
    ASSERT_EQ(door_->problem(), "");
  }
  void TearDown() override {
    door_.reset();
    std::filesystem::remove_all(folder_);
  }

  sys::UniqueFd program() { return sys::UniqueFd(::open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)); }
  bool called(std::size_t times) {
    return run_until([&] { return calls_.size() >= times; });
  }

  static constexpr tcflag_t kLines = ICANON | ECHO;
  static termios settings(const sys::UniqueFd& fd) {
    termios now{};
    EXPECT_EQ(::tcgetattr(fd.get(), &now), 0);
    return now;
  }
  static void set_lines(const sys::UniqueFd& fd) {
    termios now = settings(fd);
    now.c_lflag |= kLines;
    now.c_oflag |= OPOST;
    EXPECT_EQ(::tcsetattr(fd.get(), TCSANOW, &now), 0);
  }

  /// Writes until nothing goes any more, while the door has time to carry it away. Gives what went.
  std::string fill(const sys::UniqueFd& fd, char with) {
    std::string all;
    const std::string part(1000, with);
    for (int idle = 0; idle < 5;) {
      const ssize_t n = ::write(fd.get(), part.data(), part.size());
      if (n > 0) all.append(static_cast<std::size_t>(n), with);
      idle = n > 0 ? 0 : idle + 1;
      loop->run_once(milliseconds(2));
    }
    return all;
  }
  /// What can be read from it until it ends, or until `size` bytes are there.
  std::string read_all(const sys::UniqueFd& fd, std::size_t size, bool* ended = nullptr) {
    std::string all;
    char part[4096];
    bool end = false;
    run_until([&] {
      ssize_t n = 0;
      while (all.size() < size && (n = ::read(fd.get(), part, std::min(sizeof part, size - all.size()))) > 0) {
        all.append(part, static_cast<std::size_t>(n));
      }
      end = all.size() < size && (n == 0 || (n < 0 && errno != EAGAIN));
      return end || all.size() >= size;
    });
    if (ended != nullptr) *ended = end;
    return all;
  }
  bool ends(const sys::UniqueFd& fd) {
    bool ended = false;
    read_all(fd, std::string::npos, &ended);
    return ended;
  }

  std::string folder_ = "/tmp/amtgate-door-test.XXXXXX";
  std::string path_;
  std::vector<sys::UniqueFd> calls_;
  std::unique_ptr<SerialDoor> door_;
};

TEST_F(PtyDoorTest, ASessionLastsFromOpenToClose) {
  sys::UniqueFd screen = program();
  ASSERT_TRUE(screen);
  ASSERT_TRUE(called(1));
  ASSERT_EQ(::write(screen.get(), "typed\r", 6), 6);
  EXPECT_EQ(read_all(calls_[0], 6), "typed\r");
  ASSERT_EQ(::write(calls_[0].get(), "said\r\n", 6), 6);
  EXPECT_EQ(read_all(screen, 6), "said\r\n");
  screen.reset();
  EXPECT_TRUE(ends(calls_[0]));
}

TEST_F(PtyDoorTest, WhatOneProgramSetIsUndoneForTheNext) {
  sys::UniqueFd first = program();
  ASSERT_TRUE(called(1));
  set_lines(first);
  first.reset();
  ASSERT_TRUE(ends(calls_[0]));
  const sys::UniqueFd second = program();
  ASSERT_TRUE(called(2));
  EXPECT_EQ(settings(second).c_lflag & kLines, 0u);
  EXPECT_EQ(settings(second).c_oflag & OPOST, 0u);
}

TEST_F(PtyDoorTest, WhatOneDidNotReadTheNextDoesNotGet) {
  sys::UniqueFd first = program();
  ASSERT_TRUE(called(1));
  ASSERT_EQ(::write(calls_[0].get(), "old", 3), 3);
  run_for(milliseconds(20));
  first.reset();
  ASSERT_TRUE(ends(calls_[0]));
  const sys::UniqueFd second = program();
  ASSERT_TRUE(called(2));
  ASSERT_EQ(::write(calls_[1].get(), "new", 3), 3);
  EXPECT_EQ(read_all(second, 3), "new");
}

TEST_F(PtyDoorTest, WhatWasTypedBeforeItLeftArrives) {
  sys::UniqueFd script = program();
  ASSERT_TRUE(called(1));
  const std::string typed = fill(script, 't');
  ASSERT_GT(typed.size(), 16384u);
  script.reset();
  EXPECT_EQ(read_all(calls_[0], std::string::npos), typed);
}

TEST_F(PtyDoorTest, WhatAScriptTypesAndLeavesAtOnceArrives) {
  sys::UniqueFd script = program();
  ASSERT_EQ(::write(script.get(), "reboot\r", 7), 7);
  script.reset();
  ASSERT_TRUE(called(1));
  EXPECT_EQ(read_all(calls_[0], std::string::npos), "reboot\r");
  const sys::UniqueFd next = program();
  EXPECT_TRUE(called(2));
}

TEST_F(PtyDoorTest, WhoOnlyLooksInStartsNothing) {
  program().reset();
  run_for(milliseconds(50));
  EXPECT_TRUE(calls_.empty());
}

// A program with an echo at a machine with an echo fills both ways, and then is killed. The machine takes no more
// before it has said what it has to say.
TEST_F(PtyDoorTest, WithBothWaysFullItsLeavingIsNoticed) {
  sys::UniqueFd program_with_echo = program();
  ASSERT_TRUE(called(1));
  const std::string typed = fill(program_with_echo, 't');
  fill(calls_[0], 's');
  program_with_echo.reset();
  std::size_t more = 1 << 20;
  EXPECT_TRUE(run_until([&] {
    const std::string part(std::min<std::size_t>(more, 1000), 's');
    const ssize_t n = ::write(calls_[0].get(), part.data(), part.size());
    if (n > 0) more -= static_cast<std::size_t>(n);
    return more == 0;
  }));
  bool ended = false;
  EXPECT_EQ(read_all(calls_[0], std::string::npos, &ended), typed);
  EXPECT_TRUE(ended);
  const sys::UniqueFd next = program();
  EXPECT_TRUE(called(2));
}

TEST_F(PtyDoorTest, ATerminalLeftForOneProgramAloneIsReplaced) {
  const std::filesystem::path old = std::filesystem::read_symlink(path_);
  sys::UniqueFd first = program();
  ASSERT_TRUE(called(1));
  ASSERT_EQ(::ioctl(first.get(), TIOCEXCL), 0);
  first.reset();
  ASSERT_TRUE(ends(calls_[0]));
  const sys::UniqueFd second = program();  // root may open either
  ASSERT_TRUE(second);
  EXPECT_TRUE(called(2));
  if (::geteuid() != 0) {
    EXPECT_NE(std::filesystem::read_symlink(path_), old);
  }
}

TEST_F(PtyDoorTest, TheLinkGoesWithTheDoorAndAFileIsLeftAlone) {
  door_.reset();
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(path_)));
  const sys::UniqueFd file(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  config::SerialDoor at;
  at.kind = config::SerialDoor::Kind::Pty;
  at.path = path_;
  door_ = SerialDoor::open(*loop, at, [](sys::UniqueFd, const Endpoint&) {});
  EXPECT_NE(door_->problem().find("is no symbolic link"), std::string::npos) << door_->problem();
  door_.reset();
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

}  // namespace
}  // namespace amtgate::gateway
