// Stop receipts: names, and the slot that is filled later.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>
#include <vector>
#include <workit/base/receipt.hpp>

#include "noon.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;

using test::noon;

stop_receipt a_kill() {
  return {.where = boundary::process, .method = stop_method::killed, .proof = stop_proof::pidfd, .worker = 4711};
}

TEST(StopMethodAndProof, HaveAWordForEachOfTheirKinds) {
  EXPECT_EQ(to_string(stop_method::withdrawn), "withdrawn");
  EXPECT_EQ(to_string(stop_method::cooperative), "cooperative");
  EXPECT_EQ(to_string(stop_method::killed), "killed");
  EXPECT_EQ(to_string(stop_proof::none), "none");
  EXPECT_EQ(to_string(stop_proof::returned), "returned");
  EXPECT_EQ(to_string(stop_proof::barrier), "barrier");
  EXPECT_EQ(to_string(stop_proof::notice), "notice");
  EXPECT_EQ(to_string(stop_proof::pidfd), "pidfd");
}

TEST(ReceiptSlot, IsReadableBeforeItIsComplete) {
  receipt_slot slot(a_kill());
  EXPECT_EQ(slot.get().worker, 4711);
  EXPECT_FALSE(slot.get().reclaimed);
}

TEST(ReceiptSlot, IsCompletedOnceAndTheFirstInstantStays) {
  receipt_slot slot(a_kill());
  slot.set_reclaimed(noon);
  slot.set_reclaimed(noon + 1h);
  EXPECT_EQ(slot.get().reclaimed, noon);
}

TEST(ReceiptSlot, CallsBackWhenItIsCompletedAndAtOnceAfterwards) {
  receipt_slot slot(a_kill());
  std::vector<int> called;
  slot.when_reclaimed([&] { called.push_back(1); });
  slot.when_reclaimed([&] { called.push_back(2); });
  EXPECT_TRUE(called.empty());
  slot.set_reclaimed(noon);
  EXPECT_EQ(called, (std::vector{1, 2}));
  slot.when_reclaimed([&] { called.push_back(3); });
  EXPECT_EQ(called, (std::vector{1, 2, 3}));
  slot.set_reclaimed(noon);
  EXPECT_EQ(called.size(), 3u) << "a second completion calls no one back";
}

TEST(ReceiptSlot, ThatIsGivenUpIsCompleteWithoutAnInstant) {
  receipt_slot slot(stop_receipt{});
  int called = 0;
  slot.when_reclaimed([&] { ++called; });
  slot.give_up();
  slot.give_up();
  slot.set_reclaimed(time_point{});
  slot.when_reclaimed([&] { ++called; });
  EXPECT_EQ(called, 2);
  EXPECT_FALSE(slot.get().reclaimed);
}

TEST(ReceiptSlot, CallsBackOutsideItsLock) {
  receipt_slot slot(a_kill());
  std::optional<time_point> seen;
  slot.when_reclaimed([&] { seen = slot.get().reclaimed; });  // would deadlock under the lock
  slot.set_reclaimed(noon);
  EXPECT_EQ(seen, noon);
}

TEST(ReceiptSlot, LosesNoCallbackThatRegistersWhileAnotherThreadCompletes) {
  for (int round = 0; round < 500; ++round) {
    receipt_slot slot(a_kill());
    std::atomic<int> called{0};
    std::barrier start(2);
    std::jthread completes([&] {
      start.arrive_and_wait();
      slot.set_reclaimed(noon);
    });
    start.arrive_and_wait();
    for (int i = 0; i < 4; ++i) slot.when_reclaimed([&] { ++called; });
    completes.join();
    ASSERT_EQ(called, 4) << "round " << round;
  }
}

}  // namespace
}  // namespace workit
