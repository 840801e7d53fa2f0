// pool_size: how many workers there are to be, and when one has to go.
#include "pool_size.hpp"

#include <gtest/gtest.h>

#include <set>

#include "pool_parts.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;

TEST(PoolSize, WithoutShrinkingWantsAllWorkersAndSpares) {
  const process_options options{.name = "p", .workers = 4, .spares = 2};
  EXPECT_EQ(pool_size(options).wanted(0), 6U);
}

TEST(PoolSize, WithShrinkingFollowsTheDemandBetweenItsBounds) {
  const process_options options{.name = "p", .workers = 4, .spares = 1, .idle_shrink = 1s, .min_workers = 2};
  const pool_size size(options);
  EXPECT_EQ(size.wanted(0), 3U);
  EXPECT_EQ(size.wanted(3), 4U);
  EXPECT_EQ(size.wanted(9), 5U);
}

TEST(PoolSize, WantsOneWorkerOfAGroupThatHasToShowThatThereCanBeAny) {
  const process_options options{.name = "p", .workers = 4, .spares = 0, .idle_shrink = 1s, .min_workers = 0};
  EXPECT_EQ(pool_size(options).wanted_from(true, 0), 0U);
  EXPECT_EQ(pool_size(options).wanted_from(false, 0), 1U);
}

TEST(PoolSize, WaitsForSixteenDyingWorkersOrFourTimesThePool) {
  EXPECT_EQ(pool_size::most_dying(1), 16U);
  EXPECT_EQ(pool_size::most_dying(10), 40U);
}

TEST(PoolSize, SharesALimitBetweenThreeQuartersAndAllOfItDifferentlyForEachWorker) {
  std::set<std::uint64_t> shares;
  for (std::uint32_t worker = 0; worker < 100; ++worker) {
    const auto share = pool_size::share_of(1000, worker, "p");
    EXPECT_GE(share, 750U);
    EXPECT_LE(share, 1000U);
    shares.insert(share);
  }
  EXPECT_GT(shares.size(), 50U);
  EXPECT_EQ(pool_size::share_of(1, 7, "p"), 1U) << "a limit of one is one";
}

class SpentWorker : public testing::Test {
 protected:
  ending_table table_;
  const std::shared_ptr<worker_handle> worker_ = add_worker(table_, make_group());
};

TEST_F(SpentWorker, HasLeftSomethingBehind) {
  const process_options options{.name = "p"};
  EXPECT_FALSE(pool_size(options).is_spent(*worker_));
  worker_->control().result.left_behind = 1;
  EXPECT_TRUE(pool_size(options).is_spent(*worker_));
}

TEST_F(SpentWorker, HasRunItsShareOfTasks) {
  const process_options options{.name = "p", .max_tasks = 100};
  const auto share = pool_size::share_of(100, worker_->number, "p");
  worker_->tasks = share - 1;
  EXPECT_FALSE(pool_size(options).is_spent(*worker_));
  worker_->tasks = share;
  EXPECT_TRUE(pool_size(options).is_spent(*worker_));
}

TEST_F(SpentWorker, HasGrownByItsShare) {
  const process_options options{.name = "p", .max_growth = 1 << 20};
  worker_->pid = ::getpid();  // of some megabytes
  worker_->first_memory = std::uint64_t{1} << 40;
  EXPECT_FALSE(pool_size(options).is_spent(*worker_)) << "it has shrunk";
  const std::vector<char> ballast(4 << 20, 1);
  worker_->first_memory = 0;
  EXPECT_TRUE(pool_size(options).is_spent(*worker_));
}

TEST(PoolSize, LetsTheColdestWorkerGoWhenThereAreTooMany) {
  const process_options options{.name = "p", .workers = 2, .spares = 0, .idle_shrink = 1s, .min_workers = 1};
  ending_table table;
  const auto group = make_group();
  const auto coldest = add_idle(table, group);
  EXPECT_EQ(pool_size(options).shrink_at(*group, 0), std::nullopt) << "one is wanted";
  add_idle(table, group);
  EXPECT_EQ(pool_size(options).shrink_at(*group, 0), coldest->idle_since + 1s);
  EXPECT_EQ(pool_size(options).shrink_at(*group, 2), std::nullopt);
  process_options never = options;
  never.idle_shrink = duration::max();
  EXPECT_EQ(pool_size(never).shrink_at(*group, 0), std::nullopt) << "the greatest idle time has no end";
  const process_options fixed{.name = "p", .workers = 1, .spares = 0};
  EXPECT_EQ(pool_size(fixed).shrink_at(*group, 0), std::nullopt);
}

}  // namespace
}  // namespace workit::test
