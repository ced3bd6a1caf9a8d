#include "amtgate/net/loop.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "amtgate/net/worker.h"
#include "loop_fixture.h"

namespace amtgate::net {
namespace {

class LoopCase : public test::LoopTest {};

TEST_F(LoopCase, TimersFireInOrderAndNotEarly) {
  std::string order;
  const TimePoint start = sys::now();
  TimePoint fired{};
  Timer late(*loop, [&] { order += 'b'; });
  Timer early(*loop, [&] {
    order += 'a';
    fired = sys::now();
  });
  Timer cancelled(*loop, [&] { order += 'x'; });
  late.arm(milliseconds(30));
  early.arm(milliseconds(10));
  cancelled.arm(milliseconds(15));
  EXPECT_TRUE(early.armed());
  cancelled.cancel();
  EXPECT_FALSE(cancelled.armed());
  EXPECT_TRUE(run_until([&] { return order.size() == 2; }));
  EXPECT_EQ(order, "ab");
  EXPECT_GE(fired - start, milliseconds(10));
  EXPECT_FALSE(early.armed());
}

TEST_F(LoopCase, ATimerArmsItselfAgain) {
  int count = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(*loop, [&] {
    if (++count < 3) timer->arm(milliseconds(1));
  });
  timer->arm(Duration::zero());
  EXPECT_TRUE(run_until([&] { return count == 3; }));
}

TEST_F(LoopCase, ATimerCountsFromWhenItIsArmed) {
  TimePoint armed{};
  TimePoint fired{};
  Timer timer(*loop, [&] { fired = sys::now(); });
  Timer slow(*loop, [&] {
    ::usleep(30000);
    armed = sys::now();
    timer.arm(milliseconds(20));
  });
  slow.arm(Duration::zero());
  ASSERT_TRUE(run_until([&] { return fired != TimePoint{}; }));
  EXPECT_GE(fired - armed, milliseconds(20));
}

TEST_F(LoopCase, RetiredObjectsDieAfterTheTurn) {
  struct Noisy {
    explicit Noisy(bool& d) : dead(d) {}
    Noisy(const Noisy&) = delete;
    Noisy& operator=(const Noisy&) = delete;
    ~Noisy() { dead = true; }
    bool& dead;
  };
  bool dead = false;
  bool dead_inside = true;
  auto object = std::make_unique<Noisy>(dead);
  Timer timer(*loop, [&] {
    loop->retire(std::move(object));
    dead_inside = dead;
  });
  timer.arm(Duration::zero());
  EXPECT_TRUE(run_until([&] { return dead; }));
  EXPECT_FALSE(dead_inside);
}

TEST_F(LoopCase, WatchIsLevelTriggered) {
  auto [a, b] = test::socket_pair();
  int reads = 0;
  int writes = 0;
  Watch watch(*loop, a.get(), [&](Ready r) {
    reads += r.read ? 1 : 0;
    writes += r.write ? 1 : 0;
  });
  watch.want(false, true);
  EXPECT_TRUE(run_until([&] { return writes >= 2; }));
  watch.want(true, false);
  run_for(milliseconds(5));
  EXPECT_EQ(reads, 0);
  ASSERT_EQ(::write(b.get(), "x", 1), 1);
  EXPECT_TRUE(run_until([&] { return reads >= 2; })) << "the byte is still there";
  watch.want(false, false);
  const int before = reads;
  run_for(milliseconds(5));
  EXPECT_EQ(reads, before);
}

TEST_F(LoopCase, DeferredWorkRunsAfterTheTurnsEvents) {
  std::string order;
  Timer timer(*loop, [&] {
    loop->defer([&] {
      order += 'b';
      loop->defer([&] { order += 'c'; });
    });
    order += 'a';
  });
  timer.arm(Duration::zero());
  EXPECT_TRUE(run_until([&] { return order == "abc"; }));
}

TEST_F(LoopCase, SignalsAreEvents) {
  int count = 0;
  Signal signal(*loop, SIGUSR2, [&] { ++count; });
  ::kill(::getpid(), SIGUSR2);
  EXPECT_TRUE(run_until([&] { return count == 1; }));
}

TEST(Worker, RunsWorkPostedFromManyThreads) {
  auto worker = Worker::start("test-worker");
  ASSERT_TRUE(worker);
  std::atomic<int> count{0};
  std::thread::id where;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) (*worker)->loop().post([&] { ++count; });
    });
  }
  for (std::thread& t : threads) t.join();
  (*worker)->run_there([&] { where = std::this_thread::get_id(); });
  EXPECT_EQ(count, 4000);
  EXPECT_NE(where, std::this_thread::get_id());
  (*worker)->stop();
}

TEST(Worker, WorkPostedBeforeStopIsDone) {
  std::atomic<int> count{0};
  for (int i = 0; i < 50; ++i) {
    auto worker = Worker::start("test-worker");
    ASSERT_TRUE(worker);
    (*worker)->loop().post([&] { ++count; });
  }
  EXPECT_EQ(count, 50);
}

}  // namespace
}  // namespace amtgate::net
