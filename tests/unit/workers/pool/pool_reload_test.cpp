// Replacing the zygote and the workers of a pool under load.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <support/descriptor_balance.hpp>
#include <support/processes_below.hpp>
#include <support/temporary_directory.hpp>
#include <workit/base/errors.hpp>

#include "pool_host.hpp"
#include "pool_tasks.hpp"

namespace workit::test {
namespace {

using namespace workers;

const char* const model_variable = "WORKIT_TEST_MODEL";
std::string model;

/// Reads the model file anew; the file's word makes it fail, or sleep for ever.
void load_model() {
  std::ifstream(getenv(model_variable)) >> model;
  if (model == "bad") throw std::runtime_error("the model is corrupt");
  while (model == "endless") pause();
}
void check_model() {
  if (model == "unusable") throw std::runtime_error("this model does not fit");
}
std::string model_of(int ms) {
  usleep(static_cast<unsigned>(ms) * 1000);
  return model;
}

class Reload : public testing::Test {
 protected:
  Reload() {
    setenv(model_variable, folder.file("model").c_str(), 1);
    write_model("one");
  }
  ~Reload() override { unsetenv(model_variable); }
  void write_model(const std::string& content) { std::ofstream(folder.file("model")) << content; }
  static std::size_t zygotes() {
    std::size_t n = 0;
    for (const auto& p : processes_below()) n += p.parent == getpid();  // its name is set a little later
    return n;
  }
  /// As before a reload: one zygote, one host watcher, workers and spare.
  static void wait_until_old_ones_are_gone(pool_host& host) {
    host.wait_until_whole();
    wait_until([] { return zygotes() == 1; });
  }
  static std::string sentence_of_reload(pool_host& host) {
    try {
      host.pool.reload();
    } catch (const start_failed& e) {
      return e.what();
    }
    return {};
  }
  temporary_directory folder;
};

TEST_F(Reload, RunsPreloadAnewAndLaterTasksSeeIt) {
  pool_host host({.workers = 2, .preload = load_model});
  EXPECT_EQ(host.call(model_of, 0), "one");
  write_model("two");
  EXPECT_EQ(host.call(model_of, 0), "one");  // the control arm: nothing changes by itself
  host.pool.reload();
  for (int i = 0; i < 8; ++i) EXPECT_EQ(host.call(model_of, 0), "two");
  wait_until_old_ones_are_gone(host);
  EXPECT_EQ(processes_below().size(), processes_of_pool(3));
  const auto s = host.pool.status();
  EXPECT_EQ(s.reloads, 1U);
  EXPECT_EQ(s.zygotes, 2U);
  EXPECT_EQ(s.idle, 3U);
}

TEST_F(Reload, LetsARunningTaskEndOnItsOldWorker) {
  pool_host host({.workers = 1, .preload = load_model});
  const auto file = folder.file("end");
  const auto old = host.submit(
      [](std::string end) {
        run_until(std::move(end));
        return model;
      },
      file);
  wait_until([&] { return host.pool.status().busy == 1; });
  write_model("two");
  host.pool.reload();
  EXPECT_EQ(host.pool.status().outgoing, 1U);
  EXPECT_EQ(zygotes(), 2U);
  const auto next = host.submit(model_of, 0);  // behind the old one: there is one worker's worth of tasks at once
  EXPECT_EQ(host.pool.status().busy, 1U);
  std::ofstream(file).put('x');
  EXPECT_EQ(read_result<std::string>(std::get<job_value>(old->wait()).encoded), "one");
  EXPECT_EQ(read_result<std::string>(std::get<job_value>(next->wait()).encoded), "two");
  wait_until_old_ones_are_gone(host);
}

TEST_F(Reload, UnderLoadLosesNoTaskAndLeavesNothing) {
  pool_host host({.workers = 2, .preload = load_model});
  host.wait_until_whole();
  const auto descriptors = lasting_descriptors();
  std::atomic<bool> over{false};
  std::atomic<int> done{0};
  std::thread load([&] {
    while (!over) {
      std::vector<job_ptr> tasks;
      for (int i = 0; i < 8; ++i) tasks.push_back(host.submit(model_of, i % 3));
      for (const auto& t : tasks) {
        EXPECT_TRUE(std::holds_alternative<job_value>(t->wait()));
        EXPECT_EQ(t->times_settled(), 1);
        ++done;
      }
    }
  });
  for (int round = 0; round < 10; ++round) {
    const auto generation = "m" + std::to_string(round);
    write_model(generation);
    host.pool.reload();
    EXPECT_EQ(host.call(model_of, 0), generation);  // whatever starts after reload() has returned is new
  }
  over = true;
  load.join();
  EXPECT_GT(done, 20);
  wait_until_old_ones_are_gone(host);
  EXPECT_EQ(processes_below().size(), processes_of_pool(3));
  EXPECT_EQ(lasting_descriptors(), descriptors);
}

TEST_F(Reload, ThatFailsInPreloadKeepsTheOldZygote) {
  pool_host host({.workers = 2, .preload = load_model});
  write_model("bad");
  const auto said = sentence_of_reload(host);
  EXPECT_NE(said.find("the model is corrupt"), std::string::npos) << said;
  EXPECT_EQ(host.call(model_of, 0), "one");
  wait_until_old_ones_are_gone(host);
  EXPECT_EQ(host.pool.status().reloads, 0U);
  write_model("two");
  host.pool.reload();
  EXPECT_EQ(host.call(model_of, 0), "two");
}

TEST_F(Reload, ThatFailsInWorkerInitKeepsTheOldZygote) {
  pool_host host({.workers = 2, .preload = load_model, .worker_init = check_model});
  write_model("unusable");
  const auto said = sentence_of_reload(host);
  EXPECT_NE(said.find("this model does not fit"), std::string::npos) << said;
  EXPECT_EQ(host.call(model_of, 0), "one");
  wait_until_old_ones_are_gone(host);
}

TEST_F(Reload, WhoseZygoteIsKilledKeepsTheOldOne) {
  pool_host host({.workers = 1, .preload = load_model});
  const auto old = host.pool.status().zygote;
  write_model("endless");
  std::thread killer([&] {
    wait_until([] { return zygotes() == 2; });
    for (const auto& p : processes_below())
      if (p.parent == getpid() && p.pid != old) kill(p.pid, SIGKILL);
  });
  const auto said = sentence_of_reload(host);
  killer.join();
  EXPECT_NE(said.find("signal 9"), std::string::npos) << said;
  EXPECT_EQ(host.call(model_of, 0), "one");
  wait_until_old_ones_are_gone(host);
}

TEST_F(Reload, GivesUpAtItsDeadline) {
  pool_host host({.workers = 1, .preload = load_model});
  write_model("endless");
  EXPECT_THROW(host.pool.reload(deadline_point(std::chrono::steady_clock::now() + 50ms)), timed_out);
  EXPECT_EQ(host.call(model_of, 0), "one");
  wait_until_old_ones_are_gone(host);
}

TEST_F(Reload, WithoutTimeDoesNotBegin) {
  pool_host host({.workers = 1, .preload = load_model});
  write_model("two");
  EXPECT_THROW(host.pool.reload(deadline_point(std::chrono::steady_clock::now())), timed_out);
  EXPECT_EQ(host.pool.status().zygotes, 1U) << "no other was started";
  EXPECT_EQ(host.call(model_of, 0), "one");
}

TEST_F(Reload, SurvivesTheDeathOfTheServingZygoteMeanwhile) {
  pool_host host({.workers = 1, .preload = load_model});
  for (int round = 0; round < 3; ++round) {
    const auto old = host.pool.status().zygote;
    std::thread killer([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(round * 2));
      kill(old, SIGKILL);
    });
    host.pool.reload();
    killer.join();
    EXPECT_EQ(host.call(model_of, 0), "one");
    wait_until_old_ones_are_gone(host);
  }
}

TEST_F(Reload, BringsAPoolBackThatHadGivenUp) {
  pool_host host({.workers = 1, .preload = load_model});
  write_model("bad");
  kill(host.pool.status().zygote, SIGKILL);
  std::string why;
  while (why.find("the model is corrupt") == std::string::npos) {
    const auto task = host.submit(model_of, 0);
    if (const auto* n = std::get_if<job_not_started>(&task->wait())) why = n->why;
  }
  write_model("two");
  host.pool.reload();
  EXPECT_EQ(host.call(model_of, 0), "two");
}

TEST_F(Reload, BeforeTheStartAndAfterTheEndIsRefused) {
  preempt::warden warden;
  process_pool never({.workers = 1}, warden, {1}, [](std::size_t) {});
  EXPECT_THROW(never.reload(), start_failed);
  pool_host host({.workers = 1});
  host.pool.stop();
  EXPECT_THROW(host.pool.reload(), start_failed);
}

TEST_F(Reload, IsEndedByAStop) {
  pool_host host({.workers = 1, .preload = load_model});
  write_model("endless");
  std::thread reloading([&] { EXPECT_THROW(host.pool.reload(), start_failed); });
  wait_until([] { return zygotes() == 2; });
  EXPECT_TRUE(host.pool.stop().unreaped.empty());
  reloading.join();
  EXPECT_TRUE(processes_below().empty());
}

TEST_F(Reload, OfSeveralThreadsHappensOneAfterTheOther) {
  pool_host host({.workers = 1, .preload = load_model});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { host.pool.reload(); });
  for (auto& t : threads) t.join();
  EXPECT_EQ(host.pool.status().reloads, 4U);
  EXPECT_EQ(host.call(model_of, 0), "one");
  wait_until_old_ones_are_gone(host);
}

}  // namespace
}  // namespace workit::test
