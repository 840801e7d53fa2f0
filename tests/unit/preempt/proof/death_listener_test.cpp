// death_listener: callbacks at the death of a life mutex's owner.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <latch>
#include <new>
#include <support/descriptor_balance.hpp>
#include <support/spinning_child.hpp>
#include <thread>
#include <vector>
#include <workit/preempt/death_listener.hpp>
#include <workit/preempt/life_mutex.hpp>

#include "life_page.hpp"

namespace workit::test {
namespace {

using preempt::death_listener;
using preempt::life_mutex;

static_assert(!std::is_copy_constructible_v<death_listener>);

class DeathListener : public descriptor_balance {
 protected:
  void SetUp() override {
    if (!death_listener::supported()) GTEST_SKIP() << "no futex_waitv on this kernel";
    descriptor_balance::SetUp();
  }
};

TEST_F(DeathListener, HearsOfAnUnrequestedDeath) {
  spinning_child child;
  death_listener listener;
  std::atomic<int> calls{0};
  ASSERT_TRUE(listener.watch(child.death_word(), [&] {
    ++calls;
    calls.notify_all();
  }));
  kill(child.pid(), SIGKILL);
  calls.wait(0);
  EXPECT_TRUE(preempt::owner_died(child.death_word()));
  EXPECT_EQ(child.reap(), SIGKILL);
  EXPECT_EQ(calls, 1);
}

TEST_F(DeathListener, HearsOfADeathBeforeItListened) {
  life_page lives(1);
  std::thread([&] { lives[0].hold(); }).join();
  death_listener listener;
  std::latch heard(1);
  ASSERT_TRUE(listener.watch(lives[0].word(), [&] { heard.count_down(); }));
  heard.wait();
}

TEST_F(DeathListener, TellsEveryWatcherOfAWordOnce) {
  life_page lives(1);
  death_listener listener;
  std::latch held(1), die(1), heard(2);
  std::thread owner([&] {
    lives[0].hold();
    held.count_down();
    die.wait();
  });
  held.wait();
  const int a = 0, b = 0;
  ASSERT_TRUE(listener.watch(
      lives[0].word(), [&] { heard.count_down(); }, &a));
  ASSERT_TRUE(listener.watch(
      lives[0].word(), [&] { heard.count_down(); }, &b));
  die.count_down();
  owner.join();
  heard.wait();  // a third call would be undefined: the latch asserts in debug builds, sanitizers complain
}

TEST_F(DeathListener, AnOwnerThatLetsGoHasNotDied) {
  life_page lives(2);
  death_listener listener;
  std::latch held(1), end(1), heard(1);
  std::atomic<bool> wrong{false};
  std::thread owner([&] {
    lives[0].hold();
    lives[1].hold();
    held.count_down();
    end.wait();
    lives[0].release();  // and takes the other one down with it
  });
  held.wait();
  ASSERT_TRUE(listener.watch(lives[0].word(), [&] { wrong = true; }));
  ASSERT_TRUE(listener.watch(lives[1].word(), [&] { heard.count_down(); }));
  end.count_down();
  owner.join();
  heard.wait();
  EXPECT_FALSE(wrong);
}

TEST_F(DeathListener, SaysWhenItCannotListen) {
  life_page lives(death_listener::capacity + 1);
  death_listener listener;
  EXPECT_FALSE(listener.watch(lives[0].word(), [] {})) << "it is not held";
  std::vector<std::thread> owners;  // of 32 each: ThreadSanitizer follows 64 locks of a thread
  std::latch held(4), end(1);
  for (std::size_t first = 0; first < lives.size(); first += 32)
    owners.emplace_back([&, first] {
      for (auto i = first; i < first + 32; ++i) lives[i].hold();
      held.count_down();
      end.wait();
      for (auto i = first; i < first + 32; ++i) lives[i].release();
    });
  held.wait();
  std::atomic<bool> wrong{false};
  for (std::size_t i = 0; i < death_listener::capacity; ++i)
    ASSERT_TRUE(listener.watch(lives[i].word(), [&] { wrong = true; }));
  EXPECT_FALSE(listener.watch(lives[death_listener::capacity].word(), [] {})) << "all places are taken";
  listener.unwatch(lives[0].word());
  EXPECT_TRUE(listener.watch(lives[death_listener::capacity].word(), [&] { wrong = true; }));
  end.count_down();
  for (auto& owner : owners) owner.join();
  EXPECT_FALSE(wrong);
}

TEST_F(DeathListener, UnwatchReturnsOnlyAfterARunningCallback) {
  life_page lives(1);
  std::thread([&] { lives[0].hold(); }).join();
  death_listener listener;
  std::latch entered(1);
  bool finished = false;  // not atomic: the order is the point
  ASSERT_TRUE(listener.watch(lives[0].word(), [&] {
    entered.count_down();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    finished = true;
  }));
  entered.wait();
  listener.unwatch(lives[0].word());
  EXPECT_TRUE(finished);
}

TEST_F(DeathListener, ACallbackMayWatchAndUnwatch) {
  life_page lives(3);
  death_listener listener;
  std::latch held(1), die(1), heard(2);
  std::atomic<int> others{0};
  std::thread owner([&] {
    for (int i = 0; i < 2; ++i) lives[static_cast<std::size_t>(i)].hold();
    held.count_down();
    die.wait();
  });
  held.wait();
  lives[2].hold();
  const auto on_death = [&](std::size_t own, std::size_t other) {
    listener.unwatch(lives[own].word());
    listener.unwatch(lives[other].word());  // its owner is dead as well: it must not be told any more
    ++others;
    ASSERT_TRUE(listener.watch(lives[2].word(), [] {}));
    heard.count_down();
  };
  ASSERT_TRUE(listener.watch(lives[0].word(), [&] { on_death(0, 1); }));
  ASSERT_TRUE(listener.watch(lives[1].word(), [&] { on_death(1, 0); }));
  die.count_down();
  owner.join();
  heard.count_down();
  heard.wait();
  listener.unwatch(lives[2].word());
  EXPECT_EQ(others, 1);
  lives[2].release();
}

TEST_F(DeathListener, WatchesComeAndGoWhileOwnersDie) {
  death_listener listener;
  for (int round = 0; round < 300; ++round) {
    life_page lives(1);
    std::latch held(1), die(1);
    std::thread owner([&] {
      lives[0].hold();
      held.count_down();
      die.wait();
    });
    held.wait();
    std::atomic<int> calls{0};
    ASSERT_TRUE(listener.watch(lives[0].word(), [&] {
      ++calls;
      calls.notify_all();
    }));
    die.count_down();
    if (round % 2 == 0) calls.wait(0);
    listener.unwatch(lives[0].word());  // races with the death in every other round
    const int told = calls;
    owner.join();
    EXPECT_EQ(calls, told);
  }
}

TEST_F(DeathListener, ForgetsWhatIsStillWatchedWhenItEnds) {
  life_page lives(1);
  lives[0].hold();
  bool wrong = false;
  {
    death_listener listener;
    ASSERT_TRUE(listener.watch(lives[0].word(), [&] { wrong = true; }));
  }
  lives[0].release();
  EXPECT_FALSE(wrong);
}

}  // namespace
}  // namespace workit::test
