// Stops proven without the barrier: by death notice, by pidfd, and with a kill that another process sends.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <workit/preempt/death_listener.hpp>

#include "../proof/deny_barrier.hpp"
#include "warden_fixture.hpp"

namespace workit::test {
namespace {

class PendingStops : public warden_fixture {};

TEST_F(PendingStops, ADeathNoticeAlsoStopsAndReports) {
  warden_->set_proof(stop_proof::notice);
  spinning_child child(64);
  const auto task = stop_and_wait(child);
  EXPECT_EQ(task->told, 1);
  // The pidfd stands behind it, and may be seen first by a listener that does not get a CPU.
  EXPECT_TRUE(task->receipt->proof == stop_proof::notice || task->receipt->proof == stop_proof::pidfd);
  EXPECT_EQ(child.reap(), SIGKILL);
  EXPECT_EQ(child.beats(), task->beats_at_stop);
}

TEST_F(PendingStops, TheDeathNoticeIsHeardBeforeThePidfdOfATaskWithMuchMemory) {
  if (!preempt::death_listener::supported()) GTEST_SKIP() << "no futex_waitv on this kernel";
  warden_->set_proof(stop_proof::notice);
  bool seen = false;
  for (int attempt = 0; attempt < 20 && !seen; ++attempt) {
    spinning_child child(256);
    const auto task = stop_and_wait(child);
    seen = task->receipt->proof == stop_proof::notice && !task->exited_at_stop;
  }
  EXPECT_TRUE(seen);
}

TEST_F(PendingStops, APidfdAlsoStopsAndReports) {
  warden_->set_proof(stop_proof::pidfd);
  spinning_child child;
  const auto task = stop_and_wait(child);
  EXPECT_EQ(task->receipt->proof, stop_proof::pidfd);
  EXPECT_TRUE(task->exited_at_stop);
  EXPECT_EQ(child.reap(), SIGKILL);
}

TEST_F(PendingStops, APoolMayWatchTheSamePidfdWhileItsStopIsAwaited) {
  warden_->set_proof(stop_proof::pidfd);
  spinning_child child;
  const auto root = scope();
  const auto task = std::make_shared<child_lease>(below(root), child);
  std::atomic<bool> heard{false};
  warden_->watch(child.pidfd(), [&] {
    warden_->unwatch(child.pidfd());
    heard = true;
    heard.notify_all();
  });
  warden_->enlist(task);
  ASSERT_TRUE(root->request(reason::user{}));
  child.let_end();
  task->wait();
  heard.wait(false);
}

TEST_F(PendingStops, WithoutAnExpeditedBarrierThePidfdProves) {
  spinning_child child;
  const auto root = scope();
  const auto task = std::make_shared<child_lease>(below(root), child);
  warden_->enlist(task);
  std::thread([&] {
    deny_barrier_to_this_thread();
    root->request(reason::user{});
  }).join();
  child.let_end();
  task->wait();
  EXPECT_EQ(task->receipt->proof, stop_proof::pidfd);
}

TEST_F(PendingStops, AWorkerThatIsDeadAndReapedIsProvenByItsPidfd) {
  spinning_child child;
  kill(child.pid(), SIGKILL);
  child.reap();
  const auto root = scope();
  const auto task = std::make_shared<child_lease>(below(root), child);
  warden_->enlist(task);
  ASSERT_TRUE(root->request(reason::user{}));
  ASSERT_EQ(task->told, 1);
  EXPECT_EQ(task->receipt->proof, stop_proof::pidfd);
}

TEST_F(PendingStops, WhereTheKillIsDeniedTheLeaseHasAnotherProcessKill) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be able to drop it";
  spinning_child child;
  const auto root = scope();
  const auto task = std::make_shared<child_lease>(below(root), child);
  warden_->enlist(task);
  std::thread([&] {
    syscall(SYS_setresuid, 65534, 65534, 65534);  // the bare system call changes this thread only
    root->request(reason::user{});
  }).join();
  EXPECT_EQ(task->asked_to_kill, 1);
  EXPECT_EQ(task->told, 0) << "nothing is proven yet";
  EXPECT_EQ(warden_->load().unproven, 1u);
  kill(child.pid(), SIGKILL);  // what the zygote would do
  task->wait();
  EXPECT_EQ(task->receipt->proof, stop_proof::pidfd);
}

TEST_F(PendingStops, TheWardenEndsOnlyAfterEveryStopUnderWayIsProven) {
  warden_->set_proof(stop_proof::pidfd);
  spinning_child child(64);
  const auto root = cancel_cell::make(nullptr, nullptr);
  const auto task = std::make_shared<child_lease>(root, child);
  warden_->enlist(task);
  ASSERT_TRUE(root->request(reason::user{}));
  warden_->cancelled(*root);
  child.let_end();
  warden_.reset();
  EXPECT_EQ(task->told, 1);
}

}  // namespace
}  // namespace workit::test
