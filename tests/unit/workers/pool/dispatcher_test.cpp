// dispatcher: which job is given to which worker, and which is answered.
#include "dispatcher.hpp"

#include <gtest/gtest.h>

#include "pool_parts.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using notes = std::vector<std::string>;

class Dispatcher : public testing::Test {
 protected:
  static constexpr std::size_t no_limit = 1000;

  Dispatcher() { zygotes_.add(group_, zygote_roles::role::serving); }
  std::shared_ptr<counted_job> submit(dispatcher& to, const char* name, job_terms on = {}) {
    auto task = make_job(name, on);
    to.arrived(*task);
    to.enqueue(task);
    return task;
  }
  notes launched(dispatcher& by) {
    deferred_actions todo;
    by.launch(table_, zygotes_, queue_wait_, todo);
    return notes_of(todo);
  }

  ending_table table_;
  zygote_roles zygotes_;
  log2_histogram queue_wait_;
  const std::shared_ptr<zygote_group> group_ = make_group();
};

TEST_F(Dispatcher, GivesTheMostUrgentJobToTheWarmestWorker) {
  dispatcher d(2, no_limit, when_full::wait);
  add_idle(table_, group_);
  const auto warmest = add_idle(table_, group_);
  submit(d, "low", {.priority = task_priority::low});
  const auto urgent = submit(d, "high", {.priority = task_priority::high});
  EXPECT_EQ(launched(d), (notes{"start high on 2", "start low on 1"}));
  EXPECT_EQ(warmest->task, urgent);
  EXPECT_EQ(warmest->tasks, 1U);
  EXPECT_EQ(queue_wait_.count(), 2U);
}

TEST_F(Dispatcher, GivesNoMoreThanWorkersTasksAtOnceAlthoughSparesAreIdle) {
  dispatcher d(1, no_limit, when_full::wait);
  add_idle(table_, group_);
  add_idle(table_, group_);
  submit(d, "first");
  submit(d, "second");
  EXPECT_EQ(launched(d), (notes{"start first on 2"}));
  EXPECT_EQ(d.waiting(), 1U);
}

TEST_F(Dispatcher, GivesNothingToWorkersOfAGroupThatDoesNotServe) {
  dispatcher d(2, no_limit, when_full::wait);
  const auto next = make_group();
  zygotes_.add(next, zygote_roles::role::next);
  add_idle(table_, next);
  submit(d, "a");
  EXPECT_EQ(launched(d), notes{});
  static_cast<void>(zygotes_.promote_next());
  EXPECT_EQ(launched(d), (notes{"start a on 1"}));
}

TEST_F(Dispatcher, SkipsAJobThatAStopHasWithdrawn) {
  dispatcher d(2, no_limit, when_full::wait);
  add_idle(table_, group_);
  const auto stopped = submit(d, "stopped");
  submit(d, "next");
  EXPECT_EQ(stopped->claim_stop().what, preempt::stop_claim::answer::withdrawn);
  EXPECT_EQ(launched(d), (notes{"start next on 1"}));
}

TEST_F(Dispatcher, RefusesAJobThatFoundTheQueueFullWhereThePoolDoes) {
  dispatcher d(1, 1, when_full::refuse);
  const auto first = submit(d, "first");
  const auto second = submit(d, "second");
  EXPECT_FALSE(d.refuse_overflow(*first));
  EXPECT_TRUE(d.refuse_overflow(*second));
  EXPECT_EQ(d.waiting(), 1U) << "it is out of the queue";
  dispatcher waits(1, 1, when_full::wait);
  submit(waits, "first");
  EXPECT_FALSE(waits.refuse_overflow(*submit(waits, "second")));
}

TEST_F(Dispatcher, AnswersAllThatWaitInsideAndOutside) {
  dispatcher d(1, 1, when_full::wait);
  submit(d, "inside");
  const auto stopped = submit(d, "stopped");
  submit(d, "outside");
  static_cast<void>(stopped->claim_stop());
  deferred_actions todo;
  d.answer_all({"no worker"}, todo);
  EXPECT_EQ(notes_of(todo), (notes{"settle inside", "settle outside"})) << "the stop settles the other";
  EXPECT_EQ(d.waiting(), 0U);
}

TEST_F(Dispatcher, CountsJobsFromTheirArrivalToTheirSettlement) {
  dispatcher d(1, no_limit, when_full::wait);
  submit(d, "a");
  EXPECT_EQ(d.unsettled(), 1U);
  d.settled();
  EXPECT_EQ(d.unsettled(), 0U);
}

TEST_F(Dispatcher, ExpectsATaskAfterALossOnceOneCameShortlyAfterALoss) {
  dispatcher d(1, no_limit, when_full::wait);
  const auto now = std::chrono::steady_clock::now();
  d.submitted(now);
  EXPECT_FALSE(d.expects_task()) << "it followed upon no loss";
  d.worker_lost(now);
  d.submitted(now + 499us);
  EXPECT_TRUE(d.expects_task());
  d.submitted(now + 1h);
  EXPECT_TRUE(d.expects_task()) << "a task after no loss says nothing";
  d.worker_lost(now);
  d.submitted(now + 500us);
  EXPECT_FALSE(d.expects_task());
}

TEST_F(Dispatcher, ExpectsNoTaskWhileOneWaits) {
  dispatcher d(1, no_limit, when_full::wait);
  const auto now = std::chrono::steady_clock::now();
  d.worker_lost(now);
  d.submitted(now);
  ASSERT_TRUE(d.expects_task());
  submit(d, "a");
  EXPECT_FALSE(d.expects_task());
}

}  // namespace
}  // namespace workit::test
