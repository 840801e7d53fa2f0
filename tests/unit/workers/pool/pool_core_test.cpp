// pool_core without processes: what it answers before its start and after its end, and whom it asks to kill.
#include "pool_core.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <workit/base/errors.hpp>

#include "pool_parts.hpp"

namespace workit::test {
namespace {

class PoolCore : public testing::Test {
 protected:
  std::shared_ptr<pool_core> make(process_options options = {.name = "p", .workers = 1}) {
    return std::make_shared<pool_core>(std::move(options), warden_, std::vector{loop_.get()}, [](std::size_t) {});
  }
  static std::string answer_of(pool_core& pool, const std::shared_ptr<counted_job>& task) {
    pool.submit(task);
    EXPECT_EQ(task->settlements, 1);
    return std::get<job_not_started>(task->result).why;
  }
  preempt::warden warden_;
  const unique_fd loop_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

TEST_F(PoolCore, AnswersAJobBeforeItsStart) {
  EXPECT_EQ(answer_of(*make(), make_job("a")), "pool \"p\" was not started: call start() first");
}

TEST_F(PoolCore, AnswersAJobAfterItsEnd) {
  const auto pool = make();
  static_cast<void>(pool->stop({}));
  EXPECT_EQ(answer_of(*pool, make_job("a")), "pool \"p\" was stopped");
  EXPECT_EQ(pool->status().queued, 0U);
  EXPECT_TRUE(pool->drain({}));
}

TEST_F(PoolCore, LetsTheStopSettleAJobWhoseCellIsStoppingAlready) {
  const auto task = make_job("a");
  task->cell->request(reason::user{});
  make()->submit(task);
  EXPECT_EQ(task->settlements, 1);
  const auto receipt = std::get<job_stopped>(task->result).receipt->get();
  EXPECT_EQ(receipt.method, stop_method::withdrawn);
  EXPECT_TRUE(receipt.reclaimed) << "it had no worker";
}

TEST_F(PoolCore, ThatWasNotStartedIsNotReloaded) { EXPECT_THROW(make()->reload({}), start_failed); }

TEST_F(PoolCore, ThatWasNotStartedEndsWithAnEmptyReport) {
  const auto pool = make();
  const auto report = pool->stop({});
  EXPECT_EQ(report.reaped + report.killed + report.refused, 0U);
  EXPECT_THROW(pool->start(), start_failed);
}

TEST_F(PoolCore, LeavesOutALimitOfProcessesThatNothingKeeps) {
  process_options options{.name = "p", .workers = 1};
  options.limits = {.files = 10, .processes = 3};
  EXPECT_EQ(make(options)->limits().processes, std::nullopt);
  EXPECT_EQ(make(options)->limits().files, 10U);
  options.limits.processes = 0;
  EXPECT_EQ(make(options)->limits().processes, 0U) << "a filter keeps that";
}

TEST_F(PoolCore, AsksTheZygoteOfAWorkerThatItMayNotKill) {
  auto [link, zygote] = make_link();
  const auto group = make_group();
  ending_table table;
  const auto worker = add_worker(table, group);
  const auto pool = make();
  pool->ask_zygote_to_kill(*worker);  // its zygote is dead: there is none to ask
  group->link = std::move(link);
  pool->ask_zygote_to_kill(*worker);
  const auto said = zygote.next();
  EXPECT_EQ(said.kind, message_kind::kill);
  EXPECT_EQ(said.worker, worker->number);
  EXPECT_EQ(zygote.next().kind, message_kind::pong) << "once";
}

}  // namespace
}  // namespace workit::test
