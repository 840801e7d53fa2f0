// The end of a pool: the warden stops the tasks it is given at once, within a bound, and leaves their cells alone.
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <memory>
#include <vector>
#include <workit/base/unique_fd.hpp>

#include "warden_fixture.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using preempt::stop_claim;

class ShutDown : public warden_fixture {
 protected:
  using tasks = std::vector<std::shared_ptr<preempt::lease>>;
  std::shared_ptr<test_lease> enlisted(const stop_claim& claim) {
    auto task = std::make_shared<test_lease>(root_, claim);
    warden_->enlist(task);
    return task;
  }
  static deadline_point after(duration d) { return deadline_point::in(d, std::chrono::steady_clock::now()); }

  const cancel_cell::ptr root_ = cancel_cell::make(nullptr, nullptr);
};

TEST_F(ShutDown, StopsEveryTaskInOneRoundAndLeavesItsCellAlone) {
  std::vector<std::unique_ptr<spinning_child>> children;
  std::vector<std::shared_ptr<child_lease>> stopped;
  for (int i = 0; i < 3; ++i) {
    children.push_back(std::make_unique<spinning_child>());
    stopped.push_back(std::make_shared<child_lease>(root_, *children.back()));
    warden_->enlist(stopped.back());
  }
  warden_->shut_down(tasks(stopped.begin(), stopped.end()), deadline_point{});
  EXPECT_FALSE(root_->stopping());
  EXPECT_EQ(warden_->load().leases, 0u);
  for (const auto& task : stopped) {
    ASSERT_EQ(task->told, 1);
    EXPECT_EQ(task->receipt->method, stop_method::killed);
    EXPECT_EQ(task->receipt->proof, stop_proof::barrier);
    EXPECT_EQ(task->receipt->stopped, stopped.front()->receipt->stopped) << "one proof serves the whole round";
    EXPECT_TRUE(std::holds_alternative<reason::shutdown>(task->receipt->why));
    EXPECT_GE(task->receipt->stopped, task->receipt->requested);
  }
  for (std::size_t i = 0; i < children.size(); ++i) expect_stopped_for_good(*children[i], *stopped[i]);
}

TEST_F(ShutDown, WithoutABarrierItWaitsForTheExit) {
  warden_->set_proof(stop_proof::pidfd);
  spinning_child child;
  const auto task = std::make_shared<child_lease>(root_, child);
  warden_->enlist(task);
  child.let_end();
  warden_->shut_down(tasks{task}, deadline_point{});
  ASSERT_EQ(task->told, 1);
  EXPECT_EQ(task->receipt->proof, stop_proof::pidfd);
  EXPECT_TRUE(task->exited_at_stop);
}

TEST_F(ShutDown, BeyondTheBoundAReceiptSaysThatNothingIsProven) {
  const unique_fd never_readable(eventfd(0, EFD_CLOEXEC));  // stands in for the pidfd of a worker that does not die
  const auto stuck = enlisted({.what = stop_claim::answer::kill, .pidfd = never_readable.get(), .worker = 7});
  const auto other = enlisted(withdrawn);
  const auto bound = after(20ms);
  warden_->shut_down(tasks{stuck, other}, bound);
  EXPECT_TRUE(bound.passed(std::chrono::steady_clock::now()));
  ASSERT_EQ(stuck->told, 1);
  EXPECT_EQ(stuck->receipt->proof, stop_proof::none);
  EXPECT_EQ(stuck->receipt->worker, 7);
  ASSERT_EQ(other->told, 1);
  EXPECT_EQ(other->receipt->proof, stop_proof::returned);
  EXPECT_LT(other->notified_as, stuck->notified_as) << "the stop that is not proven delayed the other";
}

TEST_F(ShutDown, CutsAGraceShort) {
  const auto task = std::make_shared<test_lease>(root_, withdrawn);
  task->grace = 1h;
  warden_->enlist(task);
  root_->request(reason::user{});
  warden_->cancelled(*root_);
  ASSERT_EQ(task->asked, 1);
  ASSERT_EQ(task->told, 0) << "the control: it has its grace";
  warden_->shut_down(tasks{task}, deadline_point{});
  EXPECT_EQ(task->told, 1);
  warden_->disarm(*root_);
}

TEST_F(ShutDown, LeavesATaskAloneThatHasCompletedOrIsNotUnderItsCare) {
  const auto completed = enlisted(withdrawn);
  ASSERT_TRUE(completed->complete());
  const auto retired = enlisted(withdrawn);
  warden_->retire(*retired);
  warden_->shut_down(tasks{completed, retired}, deadline_point{});
  EXPECT_EQ(completed->claims, 1);
  EXPECT_EQ(completed->told, 0);
  EXPECT_EQ(retired->claims, 0);
  EXPECT_EQ(warden_->load().leases, 0u);
}

}  // namespace
}  // namespace workit::test
