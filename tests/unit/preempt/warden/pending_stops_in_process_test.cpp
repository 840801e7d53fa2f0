// pending_stops: what proves a stop, with an eventfd for the pidfd and a thread for the owner of the death word.
#include "pending_stops.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <latch>
#include <support/descriptor_balance.hpp>
#include <thread>

#include "../proof/life_page.hpp"
#include "test_lease.hpp"

namespace workit::test {
namespace {

using preempt::pending_stops;
using preempt::stop_claim;

/// Stands in for a process: its pidfd becomes readable when the test says that it has exited.
class stand_in {
 public:
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  void exit() { eventfd_write(pidfd_.get(), 1); }

 private:
  unique_fd pidfd_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

class PendingStopsInProcess : public descriptor_balance {
 protected:
  static preempt::unproven_stop stop_of(const std::shared_ptr<test_lease>& task, const stand_in& process,
                                        const std::uint32_t* death_word = nullptr) {
    stop_receipt receipt;
    receipt.worker = 42;
    return {task, {stop_claim::answer::kill, process.pidfd(), 42, death_word}, receipt};
  }

  const std::shared_ptr<test_lease> task =
      std::make_shared<test_lease>(cancel_cell::make(nullptr, nullptr), stop_claim{});
};

TEST_F(PendingStopsInProcess, OneThatHasExitedIsProvenAtOnce) {
  preempt::death_listener deaths;
  pending_stops pending(deaths);
  stand_in process;
  process.exit();
  pending.add(stop_of(task, process), pending_stops::notice::unused);
  ASSERT_EQ(task->told, 1);
  EXPECT_EQ(task->receipt->proof, stop_proof::pidfd);
  EXPECT_EQ(task->receipt->worker, 42);
  EXPECT_NE(task->receipt->stopped, time_point{});
  EXPECT_EQ(pending.size(), 0u);
}

TEST_F(PendingStopsInProcess, TheOthersAreProvenWhenTheirExitIsHeard) {
  preempt::death_listener deaths;
  pending_stops pending(deaths);
  stand_in process, other;
  const auto lasting = std::make_shared<test_lease>(cancel_cell::make(nullptr, nullptr), stop_claim{});
  pending.add(stop_of(task, process), pending_stops::notice::unused);
  pending.add(stop_of(lasting, other), pending_stops::notice::unused);
  pending.hear();
  EXPECT_EQ(task->told, 0) << "the control: nothing has exited";
  EXPECT_EQ(pending.size(), 2u);
  process.exit();
  pending.hear();
  pending.hear();  // it is told once
  EXPECT_EQ(task->told, 1);
  EXPECT_EQ(task->receipt->proof, stop_proof::pidfd);
  EXPECT_EQ(lasting->told, 0);
  EXPECT_EQ(pending.size(), 1u);
  other.exit();
  pending.hear();
  EXPECT_EQ(lasting->told, 1);
  pending.wait_until_none();
}

TEST_F(PendingStopsInProcess, ADeathNoticeProvesWithoutThePidfdWhereItMayServe) {
  if (!preempt::death_listener::supported()) GTEST_SKIP() << "no futex_waitv on this kernel";
  preempt::death_listener deaths;
  pending_stops pending(deaths);
  life_page lives(1);
  std::thread([&] { lives[0].hold(); }).join();
  stand_in process;
  pending.add(stop_of(task, process, lives[0].word()), pending_stops::notice::used);
  task->wait();
  EXPECT_EQ(task->receipt->proof, stop_proof::notice);
  EXPECT_NE(task->notified_on, std::this_thread::get_id());
  pending.wait_until_none();

  const auto without = std::make_shared<test_lease>(cancel_cell::make(nullptr, nullptr), stop_claim{});
  life_page again(1);
  std::thread([&] { again[0].hold(); }).join();
  pending.add(stop_of(without, process, again[0].word()), pending_stops::notice::unused);
  process.exit();
  pending.hear();
  EXPECT_EQ(without->told, 1);
  EXPECT_EQ(without->receipt->proof, stop_proof::pidfd);
}

TEST_F(PendingStopsInProcess, WaitsUntilEveryTaskWasTold) {
  preempt::death_listener deaths;
  pending_stops pending(deaths);
  stand_in process;
  pending.add(stop_of(task, process), pending_stops::notice::unused);
  std::thread warden([&] {
    process.exit();
    pending.hear();
  });
  pending.wait_until_none();
  EXPECT_EQ(task->told, 1);
  warden.join();
}

}  // namespace
}  // namespace workit::test
