// watch_set: whose callback runs, and when it does not run any more.
#include "watch_set.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <array>
#include <latch>
#include <support/descriptor_balance.hpp>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace workit::test {
namespace {

class WatchSet : public descriptor_balance {
 protected:
  static int rung() { return eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK); }
  preempt::watch_set watches;
  const unique_fd a{rung()}, b{rung()};
};

TEST_F(WatchSet, CallsAtEachTurnForADescriptorThatIsReadable) {
  int calls = 0;
  watches.watch(a.get(), [&] { ++calls; });
  watches.turn();
  watches.turn();
  EXPECT_EQ(calls, 2);
}

TEST_F(WatchSet, CallsNoMoreForWhatIsUnwatched) {
  int gone = 0, kept = 0;
  watches.watch(a.get(), [&] { ++gone; });
  watches.watch(b.get(), [&] { ++kept; });
  watches.unwatch(a.get());
  watches.unwatch(a.get());  // one that is not watched is fine
  watches.turn();
  EXPECT_EQ(gone, 0);
  EXPECT_EQ(kept, 1);
}

// Both events are fetched by one epoll_wait.
TEST_F(WatchSet, AnEventThatWasFetchedBeforeItsWatchWasTakenOutIsDropped) {
  int calls = 0;
  const auto unwatch_both = [&] {
    ++calls;
    watches.unwatch(a.get());
    watches.unwatch(b.get());
  };
  watches.watch(a.get(), unwatch_both);
  watches.watch(b.get(), unwatch_both);
  watches.turn();
  EXPECT_EQ(calls, 1);
}

TEST_F(WatchSet, AnEventOfAnEarlierWatchIsNotTheNextOnes) {
  bool wrong = false, first = true;
  const auto renew = [&](const unique_fd& other) {
    if (!std::exchange(first, false)) return;
    watches.unwatch(other.get());
    watches.watch(other.get(), [&] { wrong = true; });
  };
  watches.watch(a.get(), [&] { renew(b); });
  watches.watch(b.get(), [&] { renew(a); });
  watches.turn();
  EXPECT_FALSE(wrong) << "the event was fetched for the watch that had this descriptor before";
  watches.turn();
  EXPECT_TRUE(wrong) << "the control: the new watch is called for an event of its own";
}

TEST_F(WatchSet, UnwatchReturnsOnlyAfterTheRunningCallbackAndItsCaptures) {
  std::latch entered(1);
  auto captured = std::make_shared<bool>(false);
  const std::weak_ptr<bool> alive = captured;
  watches.watch(a.get(), [&entered, captured = std::move(captured)] {
    entered.count_down();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    *captured = true;
  });
  std::thread turning([&] { watches.turn(); });
  entered.wait();
  watches.unwatch(a.get());
  EXPECT_TRUE(alive.expired());
  turning.join();
}

TEST_F(WatchSet, DoesNotRememberADescriptorThatCannotBeWatched) {
  EXPECT_THROW(watches.watch(-1, [] {}), std::system_error);
  EXPECT_THROW(watches.watch(-1, [] {}), std::system_error) << "a second one would assert if the first were remembered";
}

}  // namespace
}  // namespace workit::test
