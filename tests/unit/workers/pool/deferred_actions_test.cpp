// deferred_actions: the order of what is done, and actions that add to the list.
#include "pool_parts.hpp"

#include <gtest/gtest.h>

namespace workit::test {
namespace {

using notes = std::vector<std::string>;

class DeferredActions : public testing::Test {
 protected:
  ending_table table_;
  const std::shared_ptr<zygote_group> group_ = make_group();
  const std::shared_ptr<worker_handle> first_ = add_worker(table_, group_);
  const std::shared_ptr<worker_handle> second_ = add_worker(table_, group_);
};

TEST_F(DeferredActions, DoesTheKindsInOneOrderWhateverTheOrderOfDecision) {
  deferred_actions todo;
  todo.complete(std::make_shared<receipt_slot>(stop_receipt{}));
  todo.fork_workers();
  todo.prewake(second_);
  todo.settle(make_job("a"), job_gave_up{});
  todo.start(make_job("b"), first_);
  todo.kill(second_);
  EXPECT_EQ(notes_of(todo), (notes{"kill 2", "start b on 1", "settle a", "prewake 2", "fork", "complete"}));
}

TEST_F(DeferredActions, DoesWithinAKindWhatWasDecidedFirst) {
  deferred_actions todo;
  for (const auto* name : {"a", "b", "c"}) todo.settle(make_job(name), job_gave_up{});
  EXPECT_EQ(notes_of(todo), (notes{"settle a", "settle b", "settle c"}));
}

TEST_F(DeferredActions, DoesEachOnce) {
  deferred_actions todo;
  todo.fork_workers();
  todo.prewake(first_);
  todo.kill(first_);
  EXPECT_EQ(notes_of(todo).size(), 3U);
  EXPECT_EQ(notes_of(todo), notes{});
}

TEST_F(DeferredActions, DoesWhatAnActionAddsInTheSameRunByItsUrgency) {
  struct withdrawing : noting_actor {
    void start(const launch& l, deferred_actions& todo) {
      noting_actor::start(l, todo);
      if (l.task->name == "first") {
        todo.kill(l.worker);
        todo.settle(l.task, job_gave_up{});
      }
    }
  } actor;
  deferred_actions todo;
  todo.start(make_job("first"), first_);
  todo.start(make_job("second"), second_);
  todo.fork_workers();
  todo.run(actor);
  EXPECT_EQ(actor.notes, (notes{"start first on 1", "kill 1", "start second on 2", "settle first", "fork"}));
}

TEST_F(DeferredActions, HoldsNoWorkerThatWasKilledWhileTheRestIsDone) {
  auto worker = worker_handle::make(9, group_, worker_output::inherit);
  const std::weak_ptr<worker_handle> watched = worker;
  struct looking : noting_actor {
    explicit looking(const std::weak_ptr<worker_handle>& w) : killed(w) {}
    void settle(const std::shared_ptr<job>&, const job_result&) { is_gone = killed.expired(); }
    const std::weak_ptr<worker_handle>& killed;
    bool is_gone = false;
  } actor(watched);
  deferred_actions todo;
  todo.kill(std::move(worker));
  todo.settle(make_job("a"), job_gave_up{});
  todo.run(actor);
  EXPECT_TRUE(actor.is_gone);
}

TEST_F(DeferredActions, SaysWhatItHolds) {
  deferred_actions todo;
  EXPECT_FALSE(todo.has_fork() || todo.has_launches());
  todo.fork_workers();
  todo.start(make_job("a"), first_);
  EXPECT_TRUE(todo.has_fork() && todo.has_launches());
}

}  // namespace
}  // namespace workit::test
