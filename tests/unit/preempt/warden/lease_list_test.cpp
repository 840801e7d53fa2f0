// lease_list: which leases a stop asks, which it claims, and which it leaves.
#include "lease_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <support/descriptor_balance.hpp>
#include <vector>

#include "test_lease.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using preempt::stop_claim;

class LeaseList : public descriptor_balance {
 protected:
  std::shared_ptr<test_lease> added(const cancel_cell::ptr& below) {
    auto task = std::make_shared<test_lease>(cancel_cell::make(below, nullptr), withdrawn);
    list.add(task);
    return task;
  }
  static bool has(const std::vector<preempt::claimed_stop>& claimed, const std::shared_ptr<test_lease>& task) {
    return std::ranges::any_of(claimed, [&](const auto& c) { return c.task == task; });
  }

  manual_clock clock;
  preempt::deadline_timer graces{clock};
  preempt::lease_list list{graces};
  const cancel_cell::ptr root = cancel_cell::make(nullptr, nullptr);
};

TEST_F(LeaseList, ClaimsExactlyWhatTheCellRules) {
  const auto other = cancel_cell::make(nullptr, nullptr);
  const auto first = added(root), between = added(other), last = added(root);
  const auto claimed = list.claim_below(*root);
  EXPECT_EQ(claimed.size(), 2u);
  EXPECT_TRUE(has(claimed, first) && has(claimed, last));
  EXPECT_EQ(between->claims, 0);
  EXPECT_EQ(list.size(), 1u);
  EXPECT_TRUE(has(list.claim(*between), between)) << "its place was kept up to date while others were taken out";
  EXPECT_TRUE(list.claim_below(*root).empty());
  EXPECT_EQ(first->claims, 1);
}

TEST_F(LeaseList, DropsATaskThatHasCompletedFirst) {
  const auto task = added(root);
  ASSERT_TRUE(task->complete());
  EXPECT_TRUE(list.claim_below(*root).empty());
  EXPECT_EQ(task->claims, 1);
  EXPECT_EQ(list.size(), 0u);
  EXPECT_EQ(task.use_count(), 1) << "the list keeps what has completed";
}

TEST_F(LeaseList, ClaimsOneTaskUnlessItIsGone) {
  const auto task = added(root), other = added(root);
  EXPECT_TRUE(has(list.claim(*task), task));
  EXPECT_TRUE(list.claim(*task).empty()) << "it is not in the list any more";
  list.remove(*other);
  list.remove(*other);  // idempotent
  EXPECT_TRUE(list.claim(*other).empty());
  EXPECT_EQ(other->claims, 0);
}

TEST_F(LeaseList, AsksOnceAndClaimsWhenTheGraceIsOver) {
  const auto task = added(root);
  task->grace = 50ms;
  EXPECT_TRUE(list.claim_below(*root).empty());
  EXPECT_EQ(graces.size(), 1u) << "its cell is armed for the end of the grace";
  clock.advance_to(clock.now() + 49ms);
  EXPECT_TRUE(list.claim_below(*root).empty());
  EXPECT_TRUE(graces.take_due().empty());
  clock.advance_to(clock.now() + 1ms);
  ASSERT_EQ(graces.take_due().size(), 1u);
  EXPECT_TRUE(has(list.claim_below(*root), task));
  EXPECT_EQ(task->asked, 1);
}

TEST_F(LeaseList, ClaimsAllThatAreInTheListGraceOrNot) {
  const auto with_grace = added(root), plain = added(root), removed = added(root), not_meant = added(root);
  with_grace->grace = 1h;
  EXPECT_EQ(list.claim(*with_grace).size(), 0u);
  list.remove(*removed);
  const std::vector<std::shared_ptr<preempt::lease>> meant{with_grace, plain, removed};
  const auto claimed = list.claim_all(meant);
  EXPECT_EQ(claimed.size(), 2u);
  EXPECT_TRUE(has(claimed, with_grace) && has(claimed, plain));
  EXPECT_EQ(removed->claims, 0);
  EXPECT_EQ(list.size(), 1u);
  EXPECT_TRUE(has(list.claim(*not_meant), not_meant));
  graces.disarm(*with_grace->cell);  // as the owner of a cell does before it releases it
}

}  // namespace
}  // namespace workit::test
