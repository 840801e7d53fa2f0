// Stops through the warden: real processes that ignore every request, and the races around a claim.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "warden_fixture.hpp"

namespace workit::test {
namespace {

using preempt::stop_claim;

static_assert(std::has_virtual_destructor_v<preempt::lease> && !std::is_copy_assignable_v<preempt::lease>);

class Lease : public warden_fixture {};

TEST_F(Lease, AStoppedTaskNeverRunsAgain) {
  spinning_child child;
  const auto root = scope();
  const auto task = std::make_shared<child_lease>(below(root), child);
  warden_->enlist(task);
  ASSERT_TRUE(root->request(reason::user{"enough"}));
  ASSERT_EQ(task->told, 1) << "request() came back before the stop was proven";
  const auto& receipt = *task->receipt;
  EXPECT_EQ(receipt.where, boundary::process);
  EXPECT_EQ(receipt.method, stop_method::killed);
  EXPECT_EQ(receipt.proof, stop_proof::barrier);
  EXPECT_EQ(receipt.worker, child.pid());
  EXPECT_EQ(std::get<reason::user>(receipt.why).message, "enough");
  EXPECT_EQ(receipt.requested, root->record()->at);
  EXPECT_GE(receipt.stopped, receipt.requested);
  EXPECT_FALSE(receipt.reclaimed.has_value());
  EXPECT_EQ(task->notified_on, std::this_thread::get_id()) << "a wake-up lay between the request and the kill";
  EXPECT_EQ(warden_->load().leases, 0u);
  expect_stopped_for_good(child, *task);
}

TEST_F(Lease, EightTasksAreStoppedInOneRound) {
  std::vector<std::unique_ptr<spinning_child>> children;
  std::vector<std::shared_ptr<child_lease>> tasks;
  const auto root = scope();
  for (int i = 0; i < 8; ++i) {
    children.push_back(std::make_unique<spinning_child>());
    tasks.push_back(std::make_shared<child_lease>(below(root), *children.back()));
    warden_->enlist(tasks.back());
  }
  ASSERT_TRUE(root->request(reason::user{}));
  for (const auto& task : tasks) {
    ASSERT_EQ(task->told, 1);
    EXPECT_EQ(task->receipt->proof, stop_proof::barrier);
    EXPECT_EQ(task->receipt->stopped, tasks.front()->receipt->stopped) << "one proof serves the whole round";
  }
  for (std::size_t i = 0; i < tasks.size(); ++i) expect_stopped_for_good(*children[i], *tasks[i]);
}

// An order of events, not a time. A canceller that loses its CPU at the wrong moment can miss it, so it gets several
// attempts; the pidfd, as the control arm, cannot show this order even once.
TEST_F(Lease, ATaskWithMuchMemoryIsStoppedBeforeItsProcessHasExited) {
  bool seen = false;
  for (int attempt = 0; attempt < 20 && !seen; ++attempt) {
    spinning_child child(256);
    const auto root = scope();
    const auto task = std::make_shared<child_lease>(below(root), child);
    warden_->enlist(task);
    ASSERT_TRUE(root->request(reason::user{}));
    ASSERT_EQ(task->told, 1);
    seen = !task->exited_at_stop;
    child.let_end();
    EXPECT_EQ(child.reap(), SIGKILL);
    EXPECT_EQ(child.beats(), task->beats_at_stop);
  }
  EXPECT_TRUE(seen);

  warden_->set_proof(stop_proof::pidfd);
  spinning_child child(256);
  const auto task = stop_and_wait(child);
  EXPECT_TRUE(task->exited_at_stop);
}

TEST_F(Lease, ATaskThatCompletedFirstIsNotKilled) {
  spinning_child child;
  const auto root = scope();
  const auto task = std::make_shared<child_lease>(below(root), child);
  warden_->enlist(task);
  ASSERT_TRUE(task->complete());
  ASSERT_TRUE(root->request(reason::user{}));
  EXPECT_EQ(task->claims, 1);
  EXPECT_EQ(task->told, 0);
  EXPECT_EQ(warden_->load().leases, 0u);
  child.let_end();
  EXPECT_EQ(child.reap(), 0);
  EXPECT_TRUE(child.left_marker());
  warden_->retire(*task);
}

TEST_F(Lease, ATaskThatHadNotStartedIsWithdrawn) {
  const auto root = scope();
  const auto task = std::make_shared<test_lease>(below(root), withdrawn);
  warden_->enlist(task);
  ASSERT_TRUE(root->request(reason::user{}));
  ASSERT_EQ(task->told, 1);
  EXPECT_EQ(task->receipt->method, stop_method::withdrawn);
  EXPECT_EQ(task->receipt->proof, stop_proof::returned);
  EXPECT_EQ(task->receipt->worker, 0);
  EXPECT_GE(task->receipt->stopped, task->receipt->requested);
}

TEST_F(Lease, ATaskEnlistedAfterTheCancellationIsStoppedBeforeEnlistReturns) {
  spinning_child child;
  const auto root = scope();
  const auto task = std::make_shared<child_lease>(below(root), child);
  ASSERT_TRUE(root->request(reason::user{}));
  warden_->enlist(task);
  ASSERT_EQ(task->told, 1);
  expect_stopped_for_good(child, *task);
}

TEST_F(Lease, OnlyTasksBelowTheCancelledCellAreStopped) {
  const auto root = scope();
  const auto left = cancel_cell::make(root, std::make_shared<telling_listener>(*warden_));
  const auto stopped = std::make_shared<test_lease>(below(left), withdrawn);
  const auto sibling = std::make_shared<test_lease>(below(root), withdrawn);
  const auto shielded =
      std::make_shared<test_lease>(cancel_cell::make(left, nullptr, cancel_cell::shield::on), withdrawn);
  for (const auto& task : {stopped, sibling, shielded}) warden_->enlist(task);
  ASSERT_TRUE(left->request(reason::user{}));
  EXPECT_EQ(stopped->told, 1);
  EXPECT_EQ(sibling->claims, 0);
  EXPECT_EQ(shielded->claims, 0);
  warden_->retire(*sibling);
  warden_->retire(*shielded);
  warden_->retire(*shielded);  // idempotent
  ASSERT_TRUE(root->request(reason::user{}));
  EXPECT_EQ(sibling->claims, 0);
}

/// A task with a grace of 50 ms on a manual clock, under a warden of its own.
class LeaseWithAGrace : public descriptor_balance {
 protected:
  using clock_ms = std::chrono::milliseconds;

  void enlist(duration grace) {
    task->grace = grace;
    warden.enlist(task);
  }
  /// Lets the warden's thread come to what is due now.
  void pass(duration d) {
    clock.advance_to(clock.now() + d);
    std::atomic<bool> fired{false};
    const auto mark = cancel_cell::make(nullptr, nullptr);
    warden.arm(mark, clock.now());
    while (!mark->stopping()) std::this_thread::yield();
    warden.post([&] { fired = true; });
    while (!fired) std::this_thread::yield();
  }

  manual_clock clock;
  preempt::warden warden{clock};
  const cancel_cell::ptr root = cancel_cell::make(nullptr, std::make_shared<telling_listener>(warden));
  const std::shared_ptr<test_lease> task = std::make_shared<test_lease>(cancel_cell::make(root, nullptr), withdrawn);
};

TEST_F(LeaseWithAGrace, IsAskedOnceAndStoppedWhenItIsOver) {
  enlist(clock_ms(50));
  ASSERT_TRUE(root->request(reason::user{"enough"}));
  EXPECT_EQ(task->asked, 1);
  pass(clock_ms(49));
  warden.cancelled(*root);  // again, as a second canceller further up does
  EXPECT_EQ(task->asked, 1);
  EXPECT_EQ(task->told, 0) << "it was stopped before its grace was over";
  pass(clock_ms(1));
  EXPECT_EQ(task->told, 1);
  EXPECT_EQ(describe(task->receipt->why), "user: enough") << "not the end of the grace";
  EXPECT_EQ(task->receipt->requested, root->record()->at);
  EXPECT_EQ(warden.load().deadlines, 0u);
}

TEST_F(LeaseWithAGrace, IsLeftAloneWhenItStopsByItself) {
  enlist(clock_ms(50));
  ASSERT_TRUE(root->request(reason::user{}));
  ASSERT_TRUE(task->complete());
  warden.retire(*task);
  warden.disarm(*task->cell);
  pass(clock_ms(100));
  EXPECT_EQ(task->claims, 0);
  EXPECT_EQ(task->told, 0);
}

TEST_F(LeaseWithAGrace, ControlArmWithoutOneItIsStoppedAtOnce) {
  enlist(duration::zero());
  ASSERT_TRUE(root->request(reason::user{}));
  EXPECT_EQ(task->asked, 1);
  EXPECT_EQ(task->told, 1);
}

TEST_F(LeaseWithAGrace, HasItAlsoWhenItsOwnDeadlinePasses) {
  task->cell->tighten(deadline_point::in(clock_ms(10), clock.now()));
  warden.arm(task->cell, task->cell->own_deadline().at());
  enlist(clock_ms(50));
  pass(clock_ms(10));
  EXPECT_EQ(task->asked, 1);
  EXPECT_EQ(task->told, 0);
  pass(clock_ms(50));
  EXPECT_EQ(task->told, 1);
  EXPECT_EQ(kind_of(task->receipt->why), "deadline");
}

TEST_F(LeaseWithAGrace, EnlistedAfterTheCancellationIsAskedBeforeEnlistReturns) {
  ASSERT_TRUE(root->request(reason::user{}));
  enlist(clock_ms(50));
  EXPECT_EQ(task->asked, 1);
  EXPECT_EQ(task->told, 0);
  pass(clock_ms(50));
  EXPECT_EQ(task->told, 1);
}

TEST_F(Lease, CancelCompletionAndRetirementLeaveExactlyOneOutcome) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RecordProperty("seed", static_cast<int>(seed));
  std::mt19937 random(seed);
  int stopped = 0;
  for (int round = 0; round < 2'000; ++round) {
    const auto root = scope();
    std::vector<std::shared_ptr<test_lease>> tasks;
    tasks.reserve(4);
    for (int i = 0; i < 4; ++i) tasks.push_back(std::make_shared<test_lease>(below(root), withdrawn));
    std::atomic<int> ready{0};
    std::vector<char> won(tasks.size());
    const auto random_spins = [&] { return static_cast<int>(random() % 20'000); };
    const auto meet = [&ready] {
      for (++ready; ready < 2;) std::this_thread::yield();
    };
    const auto compute = [](int spins) {
      for (int i = 0; i < spins; ++i) asm volatile("");
    };
    std::thread owner([&, before = random_spins(), between = random_spins()] {
      meet();
      compute(before);
      for (const auto& task : tasks) warden_->enlist(task);
      compute(between);
      for (std::size_t i = 0; i < tasks.size(); ++i) {
        won[i] = tasks[i]->complete();
        if (won[i]) warden_->retire(*tasks[i]);
      }
    });
    meet();
    compute(random_spins());
    ASSERT_TRUE(root->request(reason::user{}));
    owner.join();
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      ASSERT_EQ(tasks[i]->told, won[i] ? 0 : 1) << "task " << i << " of round " << round;
      ASSERT_LE(tasks[i]->claims, 1);
      stopped += tasks[i]->told;
    }
    ASSERT_EQ(warden_->load().leases, 0u);
  }
  std::printf("seed %u: %d of 8000 stopped\n", seed, stopped);
}

}  // namespace
}  // namespace workit::test
