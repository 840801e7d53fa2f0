// semaphore: permits, first come, first served.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <support/seed.hpp>
#include <thread>
#include <vector>
#include <workit/scope/runtime.hpp>
#include <workit/wait/semaphore.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Semaphore : public test::runtime_test {};
using SemaphoreDeathTest = Semaphore;

int most_at_once(std::size_t permits) {
  manual_runtime rt;
  int inside = 0, most = 0;
  rt.run([&](scope& s) {
    semaphore places(permits);
    s.scope([&](scope& all) {
      for (int i = 0; i < 10; ++i)
        all.spawn([&](context& ctx) {
          const semaphore::permit held(places);
          most = std::max(most, ++inside);
          ctx.sleep_for(1s);
          --inside;
        });
    });
    EXPECT_EQ(places.available(), permits);
  });
  return most;
}

TEST_F(Semaphore, LetsAsManyInAsItHasPermits) {
  EXPECT_EQ(most_at_once(1), 1);
  EXPECT_EQ(most_at_once(3), 3);
  EXPECT_EQ(most_at_once(100), 10) << "the others are held up by nothing else";
}

TEST_F(Semaphore, ServesFirstComeFirstServedWithoutOvertaking) {
  manual_runtime rt;
  rt.run([](scope& s) {
    semaphore places(0);
    std::string order;
    for (const char name : {'a', 'b', 'c'})
      s.spawn([&, name](context&) {
        places.acquire();
        order += name;
      });
    s.sleep_for(1h);
    EXPECT_EQ(order, "");
    places.release();
    EXPECT_FALSE(places.try_acquire()) << "the permit is handed over, not thrown open";
    s.sleep_for(1s);
    EXPECT_EQ(order, "a");
    places.release(3);
    EXPECT_EQ(places.available(), 1u);
    s.sleep_for(1s);
    EXPECT_EQ(order, "abc");
    EXPECT_TRUE(places.try_acquire());
    EXPECT_FALSE(places.try_acquire());
  });
}

TEST_F(Semaphore, KeepsThePermitOfACancelledWaiter) {
  manual_runtime rt;
  rt.run([](scope& s) {
    semaphore places(0);
    auto waits = s.spawn([&] { places.acquire(); });
    s.sleep_for(1s);
    waits.cancel("leave");
    EXPECT_TRUE(waits.result().is_cancelled());
    places.release();
    EXPECT_EQ(places.available(), 1u);
  });
}

TEST_F(Semaphore, GivesAPermitToACancelledWaiterThatWasChosenBefore) {
  manual_runtime rt;
  rt.run([](scope& s) {
    semaphore places(0);
    auto waits = s.spawn([&](context& ctx) {
      const semaphore::permit held(places);
      ctx.check();
    });
    s.sleep_for(1s);
    places.release();
    waits.cancel("too late");
    EXPECT_EQ(places.available(), 0u);
    EXPECT_TRUE(waits.result().is_cancelled());
    EXPECT_EQ(places.available(), 1u) << "given back by the one that had it";
  });
}

TEST_F(Semaphore, IsACancelPointAlsoWhenAPermitIsFree) {
  manual_runtime rt;
  semaphore places(1);
  EXPECT_THROW(rt.run([&](scope& s) {
    s.cancel("before");
    places.acquire();
  }),
               scope_cancelled);
  EXPECT_EQ(places.available(), 1u);
}

TEST_F(Semaphore, LosesNoPermitToFibersOfSeveralLoopsThatAreCancelledMeanwhile) {
  std::mt19937_64 random(test::seed());
  runtime rt({.io_threads = 3});
  semaphore places(2);
  for (int round = 0; round < 60; ++round) {
    std::vector<task<void>> fibers;
    for (int i = 0; i < 6; ++i)
      fibers.push_back(rt.spawn({}, [&](scope& s) {
        for (int n = 0; n < 40; ++n) {
          const semaphore::permit held(places);
          if (n % 4 == 0) s.yield();
        }
      }));
    std::jthread thread([&] {
      for (int n = 0; n < 40; ++n) const semaphore::permit held(places);
    });
    for (auto& f : fibers) {
      for (auto spin = random() % 3000; spin > 0; --spin) std::atomic_signal_fence(std::memory_order_seq_cst);
      if (random() % 2 == 0) f.cancel("race");
    }
    for (auto& f : fibers) f.wait();
    thread.join();
    ASSERT_EQ(places.available(), 2u) << "round " << round;
  }
}

TEST_F(SemaphoreDeathTest, RefusesPermitsThatCannotBe) {
  EXPECT_REFUSED(semaphore(static_cast<std::size_t>(-1)), "made with 18446744073709551615 permits");
  EXPECT_DEATH(semaphore(1).release(semaphore::most), "released with 2147483648 permits while 1 are free");
  semaphore(1).release(semaphore::most - 1);
}

}  // namespace
}  // namespace workit
