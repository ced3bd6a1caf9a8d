#include "amtgate/daemon/answer_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "amtgate/sys/clock.h"

namespace amtgate::daemon {
namespace {

class AnswerServerTest : public testing::Test {
 protected:
  AnswerServerTest() : path_(testing::TempDir() + "answer-" + std::to_string(::getpid()) + ".sock") {}
  ~AnswerServerTest() override { ::unlink(path_.c_str()); }

  void serve(AnswerOptions options) {
    options.end = "\n";
    server_.emplace(*loop_, std::move(*net::open_unix_listener(path_, 0600)), options,
                    [this](std::string_view request, const AnswerServer::Asking& asking) -> AnswerServer::Reply {
                      if (request == "passed") return say_passed(asking);
                      if (request == "over")
                        return [this](sys::UniqueFd connection) { taken_ = std::move(connection); };
                      return "<" + std::string(request) + ">" + std::string(300000, '.');
                    });
  }
  /// How many there are, and the first bytes of each.
  static std::string say_passed(const AnswerServer::Asking& asking) {
    std::string out = std::to_string(asking.passed.size());
    for (const int fd : asking.passed) {
      char block[8];
      const ssize_t n = ::pread(fd, block, sizeof block, 0);
      out += " " + std::string(block, n > 0 ? static_cast<std::size_t>(n) : 0);
    }
    return out;
  }
  static void send_with(int to, std::string_view text, std::span<const int> fds) {
    iovec data{const_cast<char*>(text.data()), text.size()};
    std::vector<char> parts(CMSG_SPACE(fds.size_bytes()));
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = parts.data();
    message.msg_controllen = parts.size();
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(part), fds.data(), fds.size_bytes());
    ASSERT_EQ(::sendmsg(to, &message, MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  static std::size_t open_fds() {
    std::size_t n = 0;
    for (int fd = 0; fd < 256; ++fd) n += ::fcntl(fd, F_GETFD) >= 0 ? 1U : 0U;
    return n;
  }
  sys::UniqueFd connect() { return std::move(*net::connect_unix(path_)); }
  void turn(int n = 10) {
    for (int i = 0; i < n; ++i) loop_->run_once(milliseconds(2));
  }
  // Runs the loop until the other side ends, and gives what came.
  std::string read_all(int fd) {
    std::string out;
    const TimePoint until = sys::now() + seconds(5);
    while (sys::now() < until) {
      loop_->run_once(milliseconds(1));
      char block[65536];
      const ssize_t n = ::recv(fd, block, sizeof block, MSG_DONTWAIT);
      if (n == 0) return out;
      if (n > 0) out.append(block, static_cast<std::size_t>(n));
      if (n < 0 && errno != EAGAIN) return out + " (reset)";
    }
    return out + " (still open)";
  }
  static void say(int fd, std::string_view text) {
    ASSERT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

  std::string path_;
  std::unique_ptr<net::Loop> loop_ = std::move(*net::Loop::create());
  std::optional<AnswerServer> server_;
  sys::UniqueFd taken_;
};

TEST_F(AnswerServerTest, AnswersOnceAndEnds) {
  serve({});
  const sys::UniqueFd fd = connect();
  say(fd.get(), "he");
  turn();
  say(fd.get(), "llo\nmore");
  const std::string got = read_all(fd.get());
  EXPECT_TRUE(got.starts_with("<hello>...")) << got.substr(0, 40);
  EXPECT_EQ(got.size(), 300007U) << got.substr(0, 40);
}

TEST_F(AnswerServerTest, HandsTheConnectionOver) {
  serve({.end = "\n", .max_connections = 1, .deadline = milliseconds(30), .admit = {}});
  const sys::UniqueFd fd = connect();
  say(fd.get(), "over\n");
  turn(50);  // longer than the deadline, which is no longer this connection's
  ASSERT_TRUE(taken_);
  say(taken_.get(), "hello");
  char block[16];
  ASSERT_EQ(::recv(fd.get(), block, sizeof block, MSG_DONTWAIT), 5);
  say(fd.get(), "back");
  turn();
  EXPECT_EQ(::recv(taken_.get(), block, sizeof block, MSG_DONTWAIT), 4) << "somebody else has read it";
  // Nor does it count among the server's own.
  const sys::UniqueFd another = connect();
  say(another.get(), "x\n");
  EXPECT_TRUE(read_all(another.get()).starts_with("<x>"));
}

TEST_F(AnswerServerTest, DropsLongRequests) {
  serve({.end = "\n", .max_request = 10, .admit = {}});
  const sys::UniqueFd fd = connect();
  say(fd.get(), std::string(5000, 'x'));
  const std::string got = read_all(fd.get());
  EXPECT_TRUE(got.empty() || got == " (reset)") << got;
}

TEST_F(AnswerServerTest, DropsTheSlow) {
  serve({.end = "\n", .deadline = milliseconds(30), .admit = {}});
  const sys::UniqueFd fd = connect();
  say(fd.get(), "x");
  EXPECT_EQ(read_all(fd.get()), "");
}

TEST_F(AnswerServerTest, TakesSoManyAtOnce) {
  serve({.end = "\n", .max_connections = 2, .admit = {}});
  const sys::UniqueFd a = connect();
  const sys::UniqueFd b = connect();
  const sys::UniqueFd c = connect();
  turn();
  EXPECT_EQ(read_all(c.get()), "");
  say(a.get(), "a\n");
  EXPECT_TRUE(read_all(a.get()).starts_with("<a>"));
  const sys::UniqueFd d = connect();
  say(d.get(), "d\n");
  EXPECT_TRUE(read_all(d.get()).starts_with("<d>"));
}

TEST_F(AnswerServerTest, AsksWhetherToAdmit) {
  serve({.end = "\n", .admit = [](int) { return false; }});
  const sys::UniqueFd fd = connect();
  EXPECT_EQ(read_all(fd.get()), "");
}

TEST_F(AnswerServerTest, EndsWithConnectionsOpen) {
  serve({});
  const sys::UniqueFd fd = connect();
  turn();
  server_.reset();
  turn();
}

TEST_F(AnswerServerTest, TakesDescriptorsWhereTheyAreWanted) {
  char name[] = "/tmp/amtgate-passed.XXXXXX";
  const sys::UniqueFd file(::mkstemp(name));
  ::unlink(name);
  ASSERT_EQ(::write(file.get(), "content", 7), 7);
  const std::size_t before = open_fds();
  for (const std::size_t most : {0U, 2U}) {
    serve({.end = "\n", .max_passed = most, .admit = {}});
    {
      const sys::UniqueFd fd = connect();
      const int two[] = {file.get(), file.get()};
      send_with(fd.get(), "passed\n", two);
      EXPECT_EQ(read_all(fd.get()), most == 0 ? "0" : "2 content content");
    }
    {
      const sys::UniqueFd fd = connect();
      const std::vector<int> many(30, file.get());
      send_with(fd.get(), "pas", many);
      send_with(fd.get(), "sed\n", many);
      EXPECT_EQ(read_all(fd.get()), most == 0 ? "0" : "2 content content");
    }
    server_.reset();
    turn();
    EXPECT_EQ(open_fds(), before);
  }
}

}  // namespace
}  // namespace amtgate::daemon
