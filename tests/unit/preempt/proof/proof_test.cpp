// The proofs: self-test, barrier, notice and pidfd.
#include <gtest/gtest.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <support/descriptor_balance.hpp>
#include <support/spinning_child.hpp>
#include <thread>
#include <workit/preempt/death_listener.hpp>
#include <workit/preempt/life_mutex.hpp>
#include <workit/preempt/proof.hpp>

#include "deny_barrier.hpp"

namespace workit::test {
namespace {

using preempt::kill_answer;
using preempt::probe_proof;

class Proof : public descriptor_balance {
 protected:
  static preempt::probe_victim victim([[maybe_unused]] spinning_child& child) {
#ifdef WORKIT_WITHOUT_KILL
    child.let_end();  // or the self-test would wait for its exit for ever
#endif
    return {child.pidfd(), &child.counter(), child.death_word()};
  }
};

TEST_F(Proof, TheSelfTestPassesTheBarrierWhereThereIsOne) {
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) != 0)
    GTEST_SKIP() << "no expedited membarrier on this kernel";
  EXPECT_TRUE(preempt::barrier());
  spinning_child child;
  EXPECT_EQ(probe_proof(victim(child)), stop_proof::barrier);
  EXPECT_EQ(child.reap(), SIGKILL);
}

TEST_F(Proof, TheSelfTestFallsBackToTheDeathNoticeAndThenToThePidfd) {
  spinning_child with_word, without_word;
  std::thread([&] {
    deny_barrier_to_this_thread();
    EXPECT_FALSE(preempt::barrier());
    EXPECT_FALSE(preempt::register_for_barrier());
    EXPECT_EQ(probe_proof(victim(with_word)),
              preempt::death_listener::supported() ? stop_proof::notice : stop_proof::pidfd);
    EXPECT_TRUE(preempt::owner_died(with_word.death_word()));
    auto bare = victim(without_word);
    bare.death_word = nullptr;
    EXPECT_EQ(probe_proof(bare), stop_proof::pidfd);
  }).join();
}

TEST_F(Proof, AVictimThatIsDeadAlreadyShowsNothing) {
  spinning_child child;
  kill(child.pid(), SIGKILL);
  child.reap();
  EXPECT_EQ(probe_proof(victim(child)), stop_proof::pidfd);
}

TEST_F(Proof, AKillIsAnsweredByWhatBecameOfIt) {
  spinning_child child;
  EXPECT_EQ(preempt::send_kill(child.pidfd()), kill_answer::sent);
  child.let_end();
  EXPECT_EQ(child.reap(), SIGKILL);
  EXPECT_EQ(preempt::send_kill(child.pidfd()), kill_answer::gone);
  EXPECT_EQ(preempt::send_kill(-1), kill_answer::failed);
}

}  // namespace
}  // namespace workit::test
