// proof: the barrier on a thread with and without it, the wait for an exit, and a kill of no process.
#include <workit/preempt/proof.hpp>

#include <gtest/gtest.h>
#include <linux/membarrier.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <support/descriptor_balance.hpp>
#include <thread>
#include <workit/base/unique_fd.hpp>

#include "deny_barrier.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;

class ProofInProcess : public descriptor_balance {
 protected:
  static deadline_point after(duration d) { return deadline_point::in(d, std::chrono::steady_clock::now()); }
};

TEST_F(ProofInProcess, TheBarrierHoldsWhereTheKernelHasOneAndOnlyThere) {
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) != 0)
    GTEST_SKIP() << "no expedited membarrier on this kernel";
  EXPECT_TRUE(preempt::register_for_barrier());
  EXPECT_TRUE(preempt::barrier());
  std::thread([] {
    deny_barrier_to_this_thread();
    EXPECT_FALSE(preempt::barrier());
    EXPECT_FALSE(preempt::register_for_barrier());
  }).join();
}

TEST_F(ProofInProcess, WaitsForAnExitAndNoLongerThanItMay) {
  const unique_fd pidfd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  EXPECT_FALSE(preempt::has_exited(pidfd.get()));
  const auto bound = after(3ms);
  EXPECT_FALSE(preempt::wait_for_exit(pidfd.get(), bound));
  EXPECT_TRUE(bound.passed(std::chrono::steady_clock::now())) << "it gave up before the bound";
  std::thread process([&] { eventfd_write(pidfd.get(), 1); });
  EXPECT_TRUE(preempt::wait_for_exit(pidfd.get(), deadline_point{}));
  EXPECT_TRUE(preempt::has_exited(pidfd.get()));
  process.join();
}

TEST_F(ProofInProcess, ADescriptorThatIsNoneHasNotExited) {
  const int closed = unique_fd(eventfd(0, EFD_CLOEXEC)).get();
  EXPECT_FALSE(preempt::wait_for_exit(closed, deadline_point{}));
}

TEST_F(ProofInProcess, AKillOfNoProcessHasFailed) {
  const unique_fd no_process(eventfd(0, EFD_CLOEXEC));
  EXPECT_EQ(preempt::send_kill(no_process.get()), preempt::kill_answer::failed);
}

TEST_F(ProofInProcess, AVictimThatHasExitedShowsNothing) {
  const unique_fd exited(eventfd(1, EFD_CLOEXEC));
  const std::atomic<std::uint64_t> counter{7};
  EXPECT_EQ(preempt::probe_proof({exited.get(), &counter, nullptr}), stop_proof::pidfd);
}

}  // namespace
}  // namespace workit::test
