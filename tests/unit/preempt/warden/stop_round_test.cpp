// stop_round: what one round of stops tells at once, what it leaves to be proven, and what its receipts say.
#include "stop_round.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <support/descriptor_balance.hpp>
#include <vector>
#include <workit/base/unique_fd.hpp>

#include "test_lease.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using answer = preempt::stop_claim::answer;

class StopRound : public descriptor_balance {
 protected:
  preempt::claimed_stop claimed(preempt::stop_claim claim, boundary where = boundary::process) {
    tasks.push_back(std::make_shared<test_lease>(cell, claim, where));
    return {tasks.back(), claim};
  }

  const cancel_cell::ptr cell = cancel_cell::make(nullptr, nullptr);
  std::vector<std::shared_ptr<test_lease>> tasks;
  // No process: a kill of it fails, so that no barrier can prove it.
  const unique_fd lasting{eventfd(0, EFD_CLOEXEC)}, exited{eventfd(1, EFD_CLOEXEC)};
};

TEST_F(StopRound, AWithdrawnTaskIsToldAtOnceWhyAndWhere) {
  cell->request(reason::user{"enough"});
  EXPECT_TRUE(preempt::stop_round({claimed({answer::withdrawn}, boundary::cooperative)}, stop_proof::barrier).empty());
  ASSERT_EQ(tasks[0]->told, 1);
  const auto& receipt = *tasks[0]->receipt;
  EXPECT_EQ(receipt.where, boundary::cooperative);
  EXPECT_EQ(receipt.method, stop_method::withdrawn);
  EXPECT_EQ(receipt.proof, stop_proof::returned);
  EXPECT_EQ(describe(receipt.why), "user: enough");
  EXPECT_EQ(receipt.requested, cell->record()->at);
  EXPECT_GE(receipt.stopped, receipt.requested);
}

TEST_F(StopRound, AStopInPlaceIsBegunAndToldByItsLease) {
  EXPECT_TRUE(preempt::stop_round({claimed({answer::in_place}, boundary::thread)}, stop_proof::barrier).empty());
  EXPECT_EQ(tasks[0]->stopped_in_place, 1);
  EXPECT_EQ(tasks[0]->told, 0);
}

TEST_F(StopRound, AWorkerThatCouldNotBeKilledIsLeftToBeProvenByItsExit) {
  const cancel_record cause{reason::shutdown{}, std::chrono::steady_clock::now()};
  const preempt::stop_claim kill{answer::kill, lasting.get(), 42};
  const auto left = preempt::stop_round({claimed(kill), claimed({answer::withdrawn})}, stop_proof::barrier, &cause);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].task, tasks[0]);
  EXPECT_EQ(left[0].receipt.method, stop_method::killed);
  EXPECT_EQ(left[0].receipt.worker, 42);
  EXPECT_EQ(left[0].receipt.requested, cause.at);
  EXPECT_EQ(tasks[0]->told, 0);
  EXPECT_EQ(tasks[0]->asked_to_kill, 0) << "that is for a kill that is denied, not for one that failed";
  EXPECT_EQ(tasks[1]->told, 1) << "the one that is not proven delayed the other";
  EXPECT_TRUE(std::holds_alternative<reason::shutdown>(tasks[1]->receipt->why));
  EXPECT_FALSE(cell->stopping());
}

TEST_F(StopRound, AnExitProvesAndTheBoundDoesNot) {
  const cancel_record cause{reason::shutdown{}, std::chrono::steady_clock::now()};
  std::vector<preempt::claimed_stop> round;
  for (const int pidfd : {lasting.get(), exited.get()}) round.push_back(claimed({answer::kill, pidfd, 1}));
  auto left = preempt::stop_round(std::move(round), stop_proof::pidfd, &cause);
  ASSERT_EQ(left.size(), 2u);
  const auto until = deadline_point::in(2ms, std::chrono::steady_clock::now());
  preempt::await_exits(std::move(left), until);
  EXPECT_EQ(tasks[0]->receipt->proof, stop_proof::none);
  EXPECT_GE(tasks[0]->receipt->stopped, until.at());
  EXPECT_EQ(tasks[1]->receipt->proof, stop_proof::pidfd);
}

}  // namespace
}  // namespace workit::test
