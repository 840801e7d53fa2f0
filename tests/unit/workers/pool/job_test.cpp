// job: who decides between a stop and a result, on the worker's shared word.
#include <gtest/gtest.h>

#include "dispatcher.hpp"
#include "pool_parts.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using answer = preempt::stop_claim::answer;

class Job : public testing::Test {
 protected:
  Job() {
    zygotes_.add(group_, zygote_roles::role::serving);
    worker_->pid = 4711;
    task_ = make_job("a", {.grace = 5ms});
    dispatch_.arrived(*task_);
    dispatch_.enqueue(task_);
  }
  void launch() {
    deferred_actions todo;
    log2_histogram wait;
    dispatch_.launch(table_, zygotes_, wait, todo);
    ASSERT_EQ(worker_->task, task_);
  }
  void publish() {
    ASSERT_TRUE(task_->publish());
    ASSERT_TRUE(worker_->change_word(worker_->word_in(phase::idle), worker_->word_in(phase::running)));
  }
  void commit() {
    ASSERT_TRUE(worker_->change_word(worker_->word_in(phase::running), worker_->word_in(phase::committed)));
  }

  ending_table table_;
  zygote_roles zygotes_;
  dispatcher dispatch_{1, 10, when_full::wait};
  const std::shared_ptr<zygote_group> group_ = make_group();
  const std::shared_ptr<worker_handle> worker_ = add_idle(table_, group_);
  std::shared_ptr<counted_job> task_;
};

TEST_F(Job, ThatWaitsIsWithdrawnOnce) {
  EXPECT_EQ(task_->claim_stop().what, answer::withdrawn);
  EXPECT_EQ(task_->claim_stop().what, answer::completed);
}

TEST_F(Job, ThatIsBoundAndNotPublishedIsWithdrawnAndCannotBePublishedAnyMore) {
  launch();
  EXPECT_EQ(task_->claim_stop().what, answer::withdrawn);
  EXPECT_FALSE(task_->publish());
}

TEST_F(Job, WhoseWorkerSaysThatItHasNotBegunIsToBeKilled) {
  launch();
  publish();
  worker_->control().word.store(worker_->word_in(phase::idle).bits());
  EXPECT_EQ(task_->claim_stop().what, answer::kill);
}

TEST_F(Job, ThatTheHostIsAboutToShowToItsWorkerIsKilledAndCannotBegin) {
  launch();
  ASSERT_TRUE(task_->publish());
  EXPECT_EQ(task_->claim_stop().what, answer::kill);
  EXPECT_FALSE(worker_->change_word(worker_->word_in(phase::idle), worker_->word_in(phase::running)));
}

TEST_F(Job, ThatRunsIsToBeKilledAndCannotCommitAnyMore) {
  launch();
  publish();
  const auto claim = task_->claim_stop();
  EXPECT_EQ(claim.what, answer::kill);
  EXPECT_EQ(claim.worker, 4711);
  EXPECT_EQ(claim.death_word, worker_->control().life.word());
  EXPECT_FALSE(worker_->change_word(worker_->word_in(phase::running), worker_->word_in(phase::committed)));
}

TEST_F(Job, ThatHasCommittedIsNotStopped) {
  launch();
  publish();
  commit();
  EXPECT_EQ(task_->claim_stop().what, answer::completed);
}

TEST_F(Job, ThatHasCommittedBeforeAStopIsCollectedWhateverItsWorkerWritesAfterwards) {
  launch();
  publish();
  commit();
  ASSERT_EQ(task_->claim_stop().what, answer::completed);
  worker_->control().word.store(worker_->word_in(phase::running).bits());
  EXPECT_EQ(table_.collect(0).done.size(), 1U);
}

TEST_F(Job, ThatRunsIsNotCollected) {
  launch();
  publish();
  EXPECT_TRUE(table_.collect(0).done.empty());
}

TEST_F(Job, WhoseWorkerHasOverwrittenTheWordIsToBeKilled) {
  launch();
  publish();
  worker_->control().word.store(control_word(77, phase::running).bits());
  EXPECT_EQ(task_->claim_stop().what, answer::kill);
}

TEST_F(Job, IsAskedWhileItRunsAndSaysItsGrace) {
  EXPECT_EQ(task_->ask(), duration::zero()) << "it does not run";
  launch();
  publish();
  task_->cell->request(reason::user{});
  EXPECT_EQ(task_->ask(), duration(5ms));
  EXPECT_EQ(worker_->control().asked.generation.load(), worker_->generation);
}

}  // namespace
}  // namespace workit::test
