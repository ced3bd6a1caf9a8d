#include "amtgate/net/busy_wait.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "loop_fixture.h"

namespace amtgate::net {
namespace {

constexpr Duration kShort = BusyWait::kNear, kLong = BusyWait::kNear + std::chrono::microseconds(1);

TEST(BusyWait, LooksOnlyAfterAShortWait) {
  BusyWait wait;
  EXPECT_EQ(wait.patience(), Duration::zero());
  wait.slept(kLong, false);
  EXPECT_EQ(wait.patience(), Duration::zero());
  wait.slept(kShort, false);
  EXPECT_EQ(wait.patience(), BusyWait::kMost);
  for (int i = 0; i < 1000; ++i) wait.found();
  EXPECT_EQ(wait.patience(), BusyWait::kMost) << "as long as it pays";
  wait.slept(kLong, true);
  EXPECT_EQ(wait.patience(), Duration::zero());
}

TEST(BusyWait, IsTriedLessAndLessWhereItIsInVain) {
  BusyWait wait;
  wait.slept(kShort, false);
  unsigned tries = 0;
  for (unsigned i = 0; i < 20 * BusyWait::kMostPause; ++i) {
    const bool looks = wait.patience() > Duration::zero();
    tries += looks ? 1 : 0;
    wait.slept(kShort, looks);
  }
  EXPECT_GE(tries, 20U);
  EXPECT_LE(tries, 32U);
  while (wait.patience() == Duration::zero()) wait.slept(kShort, false);
  wait.found();
  wait.slept(kShort, true);
  wait.slept(kShort, false);
  EXPECT_EQ(wait.patience(), BusyWait::kMost) << "once it has paid, one failure is one failure";
}

class BusyLoop : public test::LoopTest {
 protected:
  BusyLoop() { loop->wait_busily(); }
};

TEST_F(BusyLoop, AnswersAsOthersDo) {
  auto [here, there] = test::socket_pair();
  constexpr int kRounds = 3000;
  std::thread other([fd = there.get()] {
    char c = 0;
    for (int i = 0; i < kRounds; ++i) {
      while (::send(fd, &c, 1, MSG_NOSIGNAL) != 1) std::this_thread::yield();
      while (::recv(fd, &c, 1, 0) != 1) std::this_thread::yield();
      if (i % 500 == 0) std::this_thread::sleep_for(milliseconds(2));  // then it takes its time
    }
  });
  int answered = 0;
  Watch watch(*loop, here.get(), [&, fd = here.get()](Ready) {
    char c = 0;
    ASSERT_EQ(::recv(fd, &c, 1, 0), 1);
    ASSERT_EQ(::send(fd, &c, 1, MSG_NOSIGNAL), 1);
    if (++answered == kRounds) loop->stop();
  });
  watch.want(true, false);
  bool late = false;
  Timer timer(*loop, [&] {
    late = true;
    loop->stop();
  });
  timer.arm(seconds(20));
  loop->run();
  other.join();
  EXPECT_EQ(answered, kRounds);
  EXPECT_FALSE(late);
}

TEST_F(BusyLoop, TimersSignalsAndOtherThreadsAreHeard) {
  std::string order;
  Signal signal(*loop, SIGUSR2, [&] { order += 's'; });
  Timer second(*loop, [&] { loop->stop(); });
  Timer first(*loop, [&] {
    order += 't';
    ::raise(SIGUSR2);
    second.arm(milliseconds(20));
  });
  first.arm(milliseconds(1));
  std::thread other([&] {
    for (int i = 0; i < 50; ++i) loop->post([&] { order += order.ends_with('p') ? "" : "p"; });
  });
  loop->run();
  other.join();
  EXPECT_NE(order.find('t'), std::string::npos);
  EXPECT_NE(order.find('s'), std::string::npos);
  EXPECT_NE(order.find('p'), std::string::npos);
}

}  // namespace
}  // namespace amtgate::net
