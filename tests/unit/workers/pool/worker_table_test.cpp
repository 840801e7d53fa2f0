// worker_table: counts by state, the end of an entry, and orphans.
#include <gtest/gtest.h>

#include <algorithm>

#include "pool_parts.hpp"

namespace workit::test {
namespace {

class WorkerTable : public testing::Test {
 protected:
  std::shared_ptr<worker_handle> add_running(const std::shared_ptr<job>& task) {
    auto worker = add_idle(table_, group_);
    table_.give(worker, task);
    return worker;
  }
  ending_table table_;
  const std::shared_ptr<zygote_group> group_ = make_group();
  const std::shared_ptr<zygote_group> other_ = make_group();
};

TEST_F(WorkerTable, CountsAWorkerByItsStateInItsGroupAndInAll) {
  const auto worker = add_worker(table_, group_);
  EXPECT_EQ(group_->starting, 1U);
  table_.enter(worker, worker_state::preparing);
  EXPECT_EQ(group_->starting, 1U);
  table_.enter(worker, worker_state::idle);
  EXPECT_EQ(group_->starting, 0U);
  EXPECT_EQ(group_->idle.size(), 1U);
  table_.give(worker, make_job("a"));
  EXPECT_EQ(group_->idle.size(), 0U);
  EXPECT_EQ(group_->busy, 1U);
  EXPECT_EQ(table_.busy(), 1U);
  table_.enter(worker, worker_state::collecting);
  EXPECT_EQ(table_.busy(), 1U);
  EXPECT_EQ(table_.alive(), 1U);
  table_.lose(worker);
  EXPECT_EQ(group_->alive(), 0U);
  EXPECT_EQ(table_.busy(), 0U);
  EXPECT_EQ(table_.alive(), 0U);
  EXPECT_EQ(table_.dying(), 1U);
}

TEST_F(WorkerTable, CountsOneThatIsBeingAskedForBeforeItIsInTheTable) {
  const auto worker = worker_handle::make(table_.next_number(), group_, worker_output::inherit);
  table_.reserve(*worker);
  EXPECT_EQ(group_->starting, 1U);
  EXPECT_EQ(table_.alive(), 1U);
  EXPECT_EQ(table_.find(worker->number), nullptr);
  table_.forgo(*worker);
  EXPECT_EQ(group_->starting, 0U);
  EXPECT_EQ(table_.alive(), 0U);
}

TEST_F(WorkerTable, GivesNoNumberTwice) { EXPECT_NE(table_.next_number(), table_.next_number()); }

TEST_F(WorkerTable, ParksTheWarmestLast) {
  const auto first = add_idle(table_, group_);
  const auto second = add_idle(table_, group_);
  const auto task = make_job("a");
  table_.give(first, task);
  table_.park(first);
  EXPECT_EQ(group_->idle, (std::vector{second, first}));
  EXPECT_FALSE(worker_table::has_task(*first, *task));
  EXPECT_EQ(first->generation, 1U) << "a late word about the old task does not meet the next";
}

TEST_F(WorkerTable, TakesTheRightOneOfTheIdle) {
  const auto first = add_idle(table_, group_);
  const auto second = add_idle(table_, group_);
  const auto third = add_idle(table_, group_);
  table_.lose(second);
  EXPECT_EQ(group_->idle, (std::vector{first, third}));
}

TEST_F(WorkerTable, AWorkerHasItsTaskWhileItRunsOrIsCollected) {
  const auto task = make_job("a");
  const auto worker = add_running(task);
  EXPECT_TRUE(worker_table::has_task(*worker, *task));
  EXPECT_FALSE(worker_table::has_task(*worker, *make_job("b")));
  table_.enter(worker, worker_state::collecting);
  EXPECT_TRUE(worker_table::has_task(*worker, *task));
  table_.lose(worker);
  EXPECT_FALSE(worker_table::has_task(*worker, *task));
  EXPECT_EQ(worker->task, nullptr);
}

TEST_F(WorkerTable, KeepsALostWorkerUntilItsMemoryIsBack) {
  const auto worker = add_idle(table_, group_);
  table_.lose(worker);
  EXPECT_EQ(table_.find(worker->number), worker);
  table_.reclaimed(worker);
  EXPECT_EQ(table_.find(worker->number), nullptr);
}

TEST_F(WorkerTable, KeepsAReclaimedWorkerUntilItsTaskIsTakenFromIt) {
  const auto worker = add_running(make_job("a"));
  table_.reclaimed(worker);
  EXPECT_EQ(table_.find(worker->number), worker);
  table_.lose(worker);
  EXPECT_EQ(table_.find(worker->number), nullptr);
}

TEST_F(WorkerTable, DropsAWorkerThatWasNotForked) {
  const auto worker = add_worker(table_, group_);
  table_.drop(worker);
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_EQ(group_->starting, 0U);
}

TEST_F(WorkerTable, CollectsACommittedWorkerOnceAndTellsOfItsMessagesFirst) {
  const auto worker = add_running(make_job("a"));
  worker->control().messages_sent = 3;
  worker->control().word = worker->word_in(phase::committed).bits();
  const auto found = table_.collect(0);
  ASSERT_EQ(found.telling.size(), 1U);
  ASSERT_EQ(found.done.size(), 1U);
  EXPECT_EQ(found.done.front().worker, worker);
  EXPECT_EQ(worker->state, worker_state::collecting);
  EXPECT_EQ(worker->heard, 3U);
  const auto again = table_.collect(0);
  EXPECT_TRUE(again.telling.empty() && again.done.empty());
}

TEST_F(WorkerTable, CollectsACrashOnlyWithoutAResult) {
  const auto worker = add_running(make_job("a"));
  worker->control().crash.noted = SIGSEGV;
  worker->control().crash.signal = SIGSEGV;
  EXPECT_EQ(table_.collect(0).crashing.size(), 1U);
  worker->control().word = worker->word_in(phase::committed).bits();
  EXPECT_TRUE(table_.collect(0).crashing.empty());
}

TEST_F(WorkerTable, CollectsForOneLoopOnly) {
  const auto worker = add_running(make_job("a", {.loop = 1}));
  worker->control().word = worker->word_in(phase::committed).bits();
  EXPECT_TRUE(table_.collect(0).done.empty());
  EXPECT_EQ(table_.collect(1).done.size(), 1U);
}

TEST_F(WorkerTable, LosesTheParkedOfOneGroupOnly) {
  const auto parked = add_idle(table_, group_);
  const auto preparing = add_worker(table_, group_);
  table_.enter(preparing, worker_state::preparing);
  const auto starting = add_worker(table_, group_);
  const auto running = add_running(make_job("a"));
  const auto foreign = add_idle(table_, other_);
  const auto lost = table_.lose_parked(*group_);
  EXPECT_EQ(lost.size(), 2U);
  EXPECT_EQ(parked->state, worker_state::lost);
  EXPECT_EQ(preparing->state, worker_state::lost);
  EXPECT_EQ(starting->state, worker_state::starting) << "its zygote will say what became of it";
  EXPECT_EQ(running->state, worker_state::running);
  EXPECT_EQ(foreign->state, worker_state::idle);
}

TEST_F(WorkerTable, MakesOrphansOfTheWorkersOfADeadZygote) {
  const auto starting = add_worker(table_, group_);
  const auto parked = add_idle(table_, group_);
  const auto running = add_running(make_job("a"));
  const auto foreign = add_idle(table_, other_);
  const auto orphans = table_.take_orphans(*group_, worker_table::with_tasks::die);
  EXPECT_EQ(orphans.size(), 2U);
  for (const auto& o : orphans) EXPECT_FALSE(o.spared || o.dead);
  EXPECT_EQ(table_.find(starting->number), nullptr) << "the kernel kills it with its parent";
  EXPECT_EQ(parked->state, worker_state::lost);
  EXPECT_EQ(running->state, worker_state::running);
  EXPECT_TRUE(table_.is_orphan(parked->number) && table_.is_orphan(running->number));
  EXPECT_FALSE(table_.is_orphan(foreign->number));
}

TEST_F(WorkerTable, SparesTheTasksOfAZygoteThatHangs) {
  const auto parked = add_idle(table_, group_);
  const auto running = add_running(make_job("a"));
  for (const auto& o : table_.take_orphans(*group_, worker_table::with_tasks::go_on))
    EXPECT_EQ(o.spared, o.worker == running);
}

TEST_F(WorkerTable, AnOrphanThatDiedWhileItsZygoteHungGoesWithTheZygote) {
  const auto running = add_running(make_job("a"));
  ASSERT_EQ(table_.take_orphans(*group_, worker_table::with_tasks::go_on).size(), 1U);
  running->exited = true;
  table_.lose(running);
  const auto orphans = table_.take_orphans(*group_, worker_table::with_tasks::die);
  ASSERT_EQ(orphans.size(), 1U);
  EXPECT_TRUE(orphans.front().dead);
}

TEST_F(WorkerTable, AReclaimedWorkerIsNotWatchedAsAnOrphan) {
  const auto running = add_running(make_job("a"));
  table_.reclaimed(running);
  EXPECT_TRUE(table_.take_orphans(*group_, worker_table::with_tasks::die).empty());
}

TEST_F(WorkerTable, ItsWorkersKeepNoMorePayloadTogetherThanTheyMayAndGiveItBackWhenTheyAreIdle) {
  constexpr std::size_t mib = 1 << 20, large = 8 * mib;
  ending_table table(large + 4 * mib);
  const auto use = [&](const std::shared_ptr<worker_handle>& worker) {
    bytes arguments;
    arguments.resize(large);
    std::fill(arguments.begin(), arguments.end(), std::byte{1});
    table.give(worker, make_job("a"));
    ASSERT_EQ(worker->write_request({{}, std::move(arguments)}, {}), std::nullopt);
    table.park(worker);
  };
  const auto first = add_idle(table, group_), second = add_idle(table, group_);
  EXPECT_FALSE(table.keeps_payloads());
  use(first);
  use(second);
  EXPECT_GE(first->kept(), large - mib);
  EXPECT_LE(first->kept() + second->kept(), large + 4 * mib);
  EXPECT_GE(second->kept(), 3 * mib) << "there is room for that much";

  const auto now = std::chrono::steady_clock::now();
  const auto due = table.give_back_payloads(now, 1h);
  ASSERT_TRUE(due);
  EXPECT_EQ(*due, first->idle_since + 1h);
  EXPECT_GE(first->kept(), large - mib) << "it has not been idle for long";
  const auto of_both = [&] { return first->kept() + second->kept(); };
  for (auto before = of_both(); table.give_back_payloads(now + 1h, 1h); before = of_both())
    ASSERT_LE(before - of_both(), mib + 4096) << "not all at once: the caller has a mutex";
  EXPECT_FALSE(table.keeps_payloads());
  EXPECT_EQ(first->kept() + second->kept(), 0U);

  use(first);
  table.lose(first);
  EXPECT_FALSE(table.keeps_payloads()) << "what is lost is not kept";
}

TEST_F(WorkerTable, IsEmptyOnceCleared) {
  add_worker(table_, group_);
  add_running(make_job("a"));
  table_.clear();
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_EQ(table_.alive(), 0U);
  EXPECT_EQ(group_->alive(), 0U);
}

}  // namespace
}  // namespace workit::test
