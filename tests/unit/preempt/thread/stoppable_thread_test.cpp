// stoppable_thread and kick: one task on its thread, kicked from outside.
#include <workit/preempt/stoppable_thread.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <workit/preempt/no_preempt_scope.hpp>

#include "task_on_a_thread.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;

class StoppableThread : public with_stoppable_threads {};
class Kick : public with_stoppable_threads {};

// Read by loops that hold nothing and call nothing.
std::atomic<bool> goes_on{true};

void spin() {
  while (goes_on.load(std::memory_order_relaxed)) {
  }
}

TEST_F(StoppableThread, ATaskThatReturnsWasNotLeft) {
  int ran = 0;
  task_on_a_thread task([&] { ++ran; });
  EXPECT_FALSE(task.join().left);
  EXPECT_EQ(ran, 1);
  EXPECT_FALSE(task.kick()) << "a late kick finds the task over";
}

TEST_F(StoppableThread, RunsATaskAfterOneThatWasLeft) {
  std::optional<preempt::kick_handle> handle;
  std::atomic<std::uint64_t> number{0};
  preempt::run_end first, second;
  std::thread thread([&] {
    preempt::stoppable_thread here;
    handle.emplace(here);
    const auto n = preempt::next_task_number();
    number = n;
    first = here.run(
        n, {}, [](void*) { spin(); }, nullptr);
    second = here.run(
        preempt::next_task_number(), {}, [](void*) {}, nullptr);
  });
  while (number == 0) std::this_thread::yield();
  while (!handle->kick(number)) std::this_thread::yield();  // until it has begun
  while (handle->kick(number)) std::this_thread::yield();
  thread.join();
  EXPECT_TRUE(first.left);
  EXPECT_FALSE(second.left);
}

TEST_F(StoppableThread, ItsOwnTimerStopsATaskAtItsDeadline) {
  // The timer looks once, and may meet the task where it cannot be left; in a pool the ladder follows.
  for (int attempt = 0; attempt < 50; ++attempt) {
    const auto until = deadline_point::in(2ms, std::chrono::steady_clock::now());
    task_on_a_thread task(spin, until);
    while (!task.is_over() && until.overdue(std::chrono::steady_clock::now()) < 100ms) std::this_thread::yield();
    const bool by_its_timer = task.is_over();
    task.stop();
    const auto end = task.join();
    EXPECT_TRUE(end.left);
    EXPECT_GE(end.stopped, until.at());
    if (by_its_timer) return;
  }
  ADD_FAILURE() << "it took a kick each time";
}

TEST_F(Kick, LeavesATaskThatComputesInPlace) {
  std::atomic<bool> destroyed{false};
  struct guard {
    std::atomic<bool>& at;
    ~guard() { at = true; }
  };
  task_on_a_thread task([&] {
    const guard owned{destroyed};
    spin();
  });
  EXPECT_FALSE(task.handle->kick(task.number + 1'000'000)) << "the control: another number stops nothing";
  task.stop();
  const auto end = task.join();
  EXPECT_TRUE(end.left);
  EXPECT_EQ(end.how.at, leaving::in_place);
  EXPECT_GE(end.how.signals, 1u);
  EXPECT_FALSE(destroyed) << "a destructor of the task ran";
}

TEST_F(Kick, SaysWhatIsHeldAndLeavesWhenThatIsReleased) {
  std::atomic<bool> hold{true}, is_held{false};
  task_on_a_thread task([&] {
    {
      const no_preempt_scope held;
      is_held = true;
      while (hold) {
      }
    }
    spin();
  });
  while (!is_held) std::this_thread::yield();  // a kick before that would end it there
  while (task.handle->why_not().kind != obstacle::lock_held) ASSERT_TRUE(task.kick());
  hold = false;
  const auto end = task.join();
  EXPECT_TRUE(end.left);
  EXPECT_EQ(end.how.at, leaving::critical_exit);
}

}  // namespace
}  // namespace workit::test
