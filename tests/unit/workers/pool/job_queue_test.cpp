// job_queue: the order of jobs, its limit, and jobs that are taken out of the middle.
#include "job_queue.hpp"

#include <gtest/gtest.h>

#include "pool_parts.hpp"

namespace workit::test {
namespace {

class JobQueue : public testing::Test {
 protected:
  static std::vector<std::string> emptied(job_queue& queue) {
    std::vector<std::string> names;
    while (!queue.empty()) names.push_back(queue.pop()->name);
    return names;
  }
  using names = std::vector<std::string>;
};

TEST_F(JobQueue, IsFirstInFirstOutAmongEqualsAndTheMostUrgentComeFirst) {
  job_queue queue(10);
  queue.push(make_job("normal 1"));
  queue.push(make_job("low", {.priority = task_priority::low}));
  queue.push(make_job("high 1", {.priority = task_priority::high}));
  queue.push(make_job("normal 2"));
  queue.push(make_job("high 2", {.priority = task_priority::high}));
  EXPECT_EQ(emptied(queue), (names{"high 1", "high 2", "normal 1", "normal 2", "low"}));
}

TEST_F(JobQueue, APriorityThatIsNoneIsTheLeastUrgent) {
  job_queue queue(10);
  queue.push(make_job("odd", {.priority = static_cast<task_priority>(200)}));
  queue.push(make_job("low", {.priority = task_priority::low}));
  queue.push(make_job("normal"));
  EXPECT_EQ(emptied(queue), (names{"normal", "odd", "low"}));
}

TEST_F(JobQueue, KeepsWhatComesBeyondItsLimitOutsideInTheOrderOfArrival) {
  job_queue queue(1);
  EXPECT_TRUE(queue.push(make_job("inside")));
  EXPECT_FALSE(queue.push(make_job("first outside", {.priority = task_priority::low})));
  EXPECT_FALSE(queue.push(make_job("second outside", {.priority = task_priority::high})));
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue.outside(), 2U);
  EXPECT_EQ(emptied(queue), (names{"inside", "first outside", "second outside"}));
}

TEST_F(JobQueue, LetsTheNextOneInWhenAPlaceFallsFree) {
  job_queue queue(2);
  const auto first = make_job("first");
  queue.push(first);
  queue.push(make_job("second"));
  queue.push(make_job("urgent", {.priority = task_priority::high}));
  queue.remove(*first);
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.outside(), 0U);
  EXPECT_EQ(emptied(queue), (names{"urgent", "second"})) << "inside, its priority counts";
}

TEST_F(JobQueue, TakesOneOutFromWhereverItWaits) {
  job_queue queue(2);
  const auto inside = make_job("inside");
  const auto outside = make_job("outside");
  queue.push(make_job("first"));
  queue.push(inside);
  queue.push(outside);
  queue.remove(*outside);
  EXPECT_EQ(queue.outside(), 0U);
  queue.remove(*inside);
  queue.remove(*inside);
  EXPECT_EQ(emptied(queue), (names{"first"})) << "taken out twice is once";
}

TEST_F(JobQueue, WithoutAPlaceInsideHandsOutWhatIsOutside) {
  job_queue queue(0);
  EXPECT_FALSE(queue.push(make_job("a")));
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(emptied(queue), (names{"a"}));
}

TEST_F(JobQueue, SaysSinceWhenTheOldestWaits) {
  job_queue queue(1);
  const auto now = time_point::max();
  EXPECT_EQ(queue.oldest(now), now) << "when none waits";
  queue.push(make_job("a"));
  EXPECT_EQ(queue.oldest(now), time_point{}) << "it was submitted at the epoch";
  job_queue outside_only(0);
  outside_only.push(make_job("b"));
  EXPECT_EQ(outside_only.oldest(now), time_point{});
}

}  // namespace
}  // namespace workit::test
