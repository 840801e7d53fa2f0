// mutex: exclusion, order, and waits that can be cancelled.
#include <gtest/gtest.h>

#include <mutex>
#include <random>
#include <string>
#include <support/fixture.hpp>
#include <support/seed.hpp>
#include <thread>
#include <vector>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/wait/mutex.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

static_assert(!std::is_copy_constructible_v<mutex> && !std::is_move_constructible_v<mutex>);

class Mutex : public test::runtime_test {};
using MutexDeathTest = Mutex;

// How many fibers were at most inside the critical section; 1 if they exclude each other.
template <class Enter>
int most_inside(Enter enter) {
  manual_runtime rt;
  int inside = 0, most = 0;
  rt.run([&](scope& s) {
    for (int i = 0; i < 8; ++i)
      s.spawn([&](context& ctx) {
        enter([&] {
          most = std::max(most, ++inside);
          ctx.sleep_for(1s);
          --inside;
        });
      });
  });
  return most;
}

TEST_F(Mutex, ExcludesFibersAcrossTheirSuspensions) {
  mutex m;
  EXPECT_EQ(most_inside([&](auto&& body) {
              const std::lock_guard lock(m);
              body();
            }),
            1);
  EXPECT_EQ(most_inside([](auto&& body) { body(); }), 8) << "without it they are all inside";
}

TEST_F(Mutex, IsHandedOnInTheOrderOfWaiting) {
  manual_runtime rt;
  rt.run([](scope& s) {
    mutex m;
    std::string order;
    std::unique_lock held(m);
    for (const char name : {'a', 'b', 'c'})
      s.spawn([&, name](context& ctx) {
        const std::lock_guard lock(m);
        order += name;
        ctx.yield();
      });
    s.sleep_for(1s);
    held.unlock();
    EXPECT_FALSE(m.try_lock()) << "it is handed over, not thrown open";
    held.lock();
    EXPECT_EQ(order, "abc");
  });
}

TEST_F(Mutex, IsTriedWithoutWaiting) {
  manual_runtime rt;
  rt.run([](scope& s) {
    mutex m;
    ASSERT_TRUE(m.try_lock());
    EXPECT_FALSE(m.try_lock());
    s.spawn([&] { EXPECT_FALSE(m.try_lock()); }).get();
    m.unlock();
    s.spawn([&] {
       EXPECT_TRUE(m.try_lock());
       m.unlock();
     }).get();
  });
}

TEST_F(Mutex, IsLeftByACancelledWaiter) {
  manual_runtime rt;
  rt.run([](scope& s) {
    mutex m;
    m.lock();
    auto waits = s.spawn([&] { const std::lock_guard lock(m); });
    s.sleep_for(1h);
    EXPECT_EQ(waits.status(), task_status::running);
    waits.cancel("leave");
    EXPECT_TRUE(waits.result().is_cancelled());
    m.unlock();
    EXPECT_TRUE(m.try_lock()) << "it was handed to a waiter that was gone";
    m.unlock();
  });
}

TEST_F(Mutex, BelongsToACancelledWaiterThatWasChosenBefore) {
  manual_runtime rt;
  rt.run([](scope& s) {
    mutex m;
    m.lock();
    bool had_it = false;
    auto waits = s.spawn([&](context& ctx) {
      const std::lock_guard lock(m);
      had_it = true;
      ctx.check();
    });
    s.sleep_for(1s);
    m.unlock();
    waits.cancel("too late");
    EXPECT_TRUE(waits.result().is_cancelled());
    EXPECT_TRUE(had_it);
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

TEST_F(Mutex, IsACancelPointAlsoWhenItIsFree) {
  manual_runtime rt;
  mutex m;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.cancel("before");
    m.lock();
  }),
               scope_cancelled);
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

TEST_F(Mutex, IsLockedByADestructorWhileItsFiberUnwinds) {
  manual_runtime rt;
  rt.run([](scope& s) {
    mutex m;
    bool locked = false;
    struct locks_in_destructor {
      mutex& m;
      bool& locked;
      ~locks_in_destructor() {
        const std::lock_guard lock(m);
        locked = true;
      }
    };
    auto t = s.spawn([&](context& ctx) {
      const locks_in_destructor guard{m, locked};
      ctx.sleep_for(1h);
    });
    s.sleep_for(1s);
    std::unique_lock held(m);
    t.cancel("stop");
    s.sleep_for(1min);  // longer than any bound
    EXPECT_FALSE(locked);
    held.unlock();
    t.wait();
    EXPECT_TRUE(locked);
  });
}

TEST_F(Mutex, ExcludesFibersOfSeveralLoopsAndThreadsOfWhichSomeAreCancelled) {
  std::mt19937_64 random(test::seed());
  mutex m;
  std::int64_t counter = 0, expected = 0;  // ThreadSanitizer reports an access outside the mutex
  runtime rt({.io_threads = 3});
  for (int round = 0; round < 60; ++round) {
    std::atomic<int> done{0};
    std::vector<task<void>> fibers;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i)
      fibers.push_back(rt.spawn({}, [&](scope& s) {
        for (int n = 0; n < 40; ++n) {
          const std::lock_guard lock(m);
          ++counter;
          ++done;
          if (n % 8 == 0) s.yield();
        }
      }));
    for (int i = 0; i < 2; ++i)
      threads.emplace_back([&] {
        for (int n = 0; n < 40; ++n) {
          const std::lock_guard lock(m);
          ++counter;
          ++done;
        }
      });
    for (auto& f : fibers) {
      for (auto spin = random() % 3000; spin > 0; --spin) std::atomic_signal_fence(std::memory_order_seq_cst);
      if (random() % 2 == 0) f.cancel("race");
    }
    for (auto& f : fibers) f.wait();
    threads.clear();
    expected += done;
    ASSERT_TRUE(m.try_lock()) << "round " << round << ": it is still held by a fiber that is gone";
    m.unlock();
  }
  EXPECT_EQ(counter, expected);
}

TEST_F(MutexDeathTest, LockedAgainByItsHolderIsMisuse) {
  EXPECT_DEATH(manual_runtime().run([](scope&) {
    mutex m;
    m.lock();
    m.lock();
  }),
               "locked again by the fiber or thread that holds it");
}

TEST_F(MutexDeathTest, UnlockedByAnotherIsMisuse) {
  EXPECT_DEATH(manual_runtime().run([](scope& s) {
    mutex m;
    m.lock();
    s.spawn([&] { m.unlock(); }).get();
  }),
               "unlocked by a fiber or thread that does not hold it");
}

TEST_F(MutexDeathTest, DestroyedWhileItIsLockedIsMisuse) {
  EXPECT_DEATH(
      {
        mutex m;
        m.lock();
      },
      "destroyed while it was locked");
}

TEST_F(MutexDeathTest, LockedOnTheLoopsOwnStackIsMisuse) {
  EXPECT_DEATH(manual_runtime().run([](scope& s) {
    mutex m;
    s.node().home->post([&] { m.lock(); });
    s.sleep_for(1s);
  }),
               "locking a mutex suspends, and only a fiber can");
}

}  // namespace
}  // namespace workit
