// The options of a pool: the queue and its limit, priorities, worker_init, output.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <support/processes_below.hpp>
#include <support/temporary_directory.hpp>
#include <workit/base/errors.hpp>

#include "pool_host.hpp"
#include "pool_tasks.hpp"

namespace workit::test {
namespace {

using namespace workers;

int squared(int x) { return x * x; }

/// Keeps the only worker busy until open() is called.
class gate {
 public:
  explicit gate(pool_host& host) : holder_(host.submit(run_until, folder_.file("open"))) {
    wait_until([&] { return host.pool.status().busy == 1; });
  }
  void open() {
    std::ofstream(folder_.file("open")).put('x');
    holder_->wait();
  }

 private:
  temporary_directory folder_;
  job_ptr holder_;
};

TEST(PoolQueue, RefusesWhatFindsItFullAndWithoutThatOptionLetsItWaitBeforeIt) {
  for (const auto full : {when_full::refuse, when_full::wait}) {
    pool_host host({.workers = 1, .spares = 0, .queue_limit = 2, .when_full = full});
    gate g(host);
    std::vector<job_ptr> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(host.submit(squared, i));
    EXPECT_EQ(host.pool.status().queued, 2U) << "never more than its limit";
    EXPECT_EQ(host.pool.status().waiting, full == when_full::refuse ? 0U : 2U);
    g.open();
    for (int i = 0; i < 4; ++i) {
      const auto& result = tasks[static_cast<std::size_t>(i)]->wait();
      if (full == when_full::refuse && i >= 2) {
        const auto answer = std::get<job_not_started>(result);
        EXPECT_EQ(answer.kind, refusal::queue_full);
        EXPECT_EQ(answer.limit, 2U);
      } else {
        EXPECT_EQ(read_result<int>(std::get<job_value>(result).encoded), i * i);
      }
    }
    EXPECT_EQ(host.pool.status().refused, full == when_full::refuse ? 2U : 0U);
    EXPECT_EQ(host.call(squared, 5), 25);  // there is room again
  }
}

TEST(PoolQueue, OfNoLengthTakesWhatAFreeWorkerRunsAtOnce) {
  pool_host host({.workers = 1, .spares = 0, .queue_limit = 0, .when_full = when_full::refuse});
  EXPECT_EQ(host.call(squared, 5), 25);
  gate g(host);
  EXPECT_EQ(std::get<job_not_started>(host.submit(squared, 1)->wait()).kind, refusal::queue_full);
  g.open();
}

/// Names of tasks in the order in which they ran.
class running_order {
 public:
  job_ptr submit(pool_host& host, const std::string& name, task_priority p = task_priority::normal) {
    auto task = host.make_job_on(
        {.priority = p}, [](std::string to, std::string who) { std::ofstream(to, std::ios::app) << who; },
        folder_.file("order"), name);
    host.pool.submit(task);
    return tasks_.emplace_back(std::move(task));
  }
  /// Once all have ended.
  std::string get() {
    for (const auto& t : tasks_) t->wait();
    std::string ran;
    std::ifstream(folder_.file("order")) >> ran;
    return ran;
  }

 private:
  temporary_directory folder_;
  std::vector<job_ptr> tasks_;
};

TEST(PoolQueue, AdmitsWaitingCallsFirstComeFirstServedAndOnlyInsideItUrgencyCounts) {
  for (const bool limited : {true, false}) {  // the control arm: where all are inside, the urgent one is the first
    pool_host host({.workers = 1, .spares = 0, .queue_limit = limited ? 2U : 100U});
    gate g(host);
    running_order order;
    for (const auto* name : {"a", "b", "c", "d"}) order.submit(host, name, task_priority::low);
    order.submit(host, "U", task_priority::high);
    EXPECT_EQ(host.pool.status().queued, limited ? 2U : 5U);
    EXPECT_EQ(host.pool.status().waiting, limited ? 3U : 0U);
    g.open();
    EXPECT_EQ(order.get(), limited ? "abcUd" : "Uabcd");  // it comes in when c has left, and overtakes d
  }
}

TEST(PoolQueue, OfNoLengthHasThemAllWaitBeforeIt) {
  pool_host host({.workers = 1, .spares = 0, .queue_limit = 0});
  EXPECT_EQ(host.call(squared, 5), 25);
  gate g(host);
  running_order order;
  for (const auto* name : {"a", "b", "c"}) order.submit(host, name);
  order.submit(host, "U", task_priority::high);
  EXPECT_EQ(host.pool.status().queued, 0U);
  EXPECT_EQ(host.pool.status().waiting, 4U);
  g.open();
  EXPECT_EQ(order.get(), "abcU");
}

TEST(PoolQueue, LosesAWaitingCallByACancellationOrADeadlineWithoutAWorker) {
  pool_host host({.workers = 1, .spares = 0, .queue_limit = 1});
  gate g(host);
  running_order order;
  order.submit(host, "a");
  const auto cancelled = order.submit(host, "b");
  const auto late = host.make_job(squared, 3);
  const auto until = std::chrono::steady_clock::now() + 20ms;
  host.warden.arm(late->cell, until);
  late->cell->tighten(deadline_point(until));
  host.pool.submit(late);
  order.submit(host, "c");
  EXPECT_EQ(host.pool.status().waiting, 3U);
  EXPECT_TRUE(cancelled->cell->request(reason::user{}));
  EXPECT_EQ(std::get<job_stopped>(cancelled->wait()).receipt->get().method, stop_method::withdrawn);
  const auto receipt = std::get<job_stopped>(late->wait()).receipt->get();
  EXPECT_EQ(receipt.method, stop_method::withdrawn);
  EXPECT_TRUE(std::holds_alternative<reason::deadline>(receipt.why));
  host.warden.disarm(*late->cell);
  EXPECT_EQ(host.pool.status().queued, 1U);
  EXPECT_EQ(host.pool.status().waiting, 1U);
  g.open();
  EXPECT_EQ(order.get(), "ac");
}

TEST(PoolQueue, AnswersWaitingCallsWhenThePoolEnds) {
  pool_host host({.workers = 1, .spares = 0, .queue_limit = 1});
  const auto holder = host.submit([] {
    for (;;) pause();
  });
  wait_until([&] { return host.pool.status().busy == 1; });
  std::vector<job_ptr> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(host.submit(squared, i));
  EXPECT_EQ(host.pool.stop().refused, 3U);
  for (const auto& t : tasks) EXPECT_EQ(std::get<job_not_started>(t->wait()).kind, refusal::stopped);
}

TEST(PoolQueue, UnderASwarmNeverHoldsMoreThanItsLimitAndServesEverybodyInTurn) {
  pool_host host({.workers = 2, .spares = 1, .queue_limit = 3});
  std::atomic<bool> over{false};
  std::thread watcher([&] {
    while (!over) EXPECT_LE(host.pool.status().queued, 3U);
  });
  std::vector<job_ptr> tasks;
  for (int i = 0; i < 300; ++i) {
    tasks.push_back(host.submit(squared, i));
    if (i % 7 == 3) tasks[static_cast<std::size_t>(i / 2)]->cell->request(reason::user{});
  }
  int values = 0, stopped = 0;
  for (int i = 0; i < 300; ++i) {
    const auto& result = tasks[static_cast<std::size_t>(i)]->wait();
    stopped += std::holds_alternative<job_stopped>(result);
    if (const auto* value = std::get_if<job_value>(&result)) {
      ++values;
      EXPECT_EQ(read_result<int>(value->encoded), i * i);
    }
  }
  over = true;
  watcher.join();
  EXPECT_EQ(values + stopped, 300);
  EXPECT_EQ(host.pool.status().queued + host.pool.status().waiting, 0U);
}

TEST(PoolQueue, GivesTheRoomOfAWithdrawnTaskToTheNext) {
  pool_host host({.workers = 1, .spares = 0, .queue_limit = 1, .when_full = when_full::refuse});
  gate g(host);
  const auto withdrawn = host.submit(squared, 1);
  withdrawn->cell->request(reason::user{});
  EXPECT_TRUE(std::holds_alternative<job_stopped>(withdrawn->wait()));
  const auto next = host.submit(squared, 2);
  g.open();
  EXPECT_TRUE(std::holds_alternative<job_value>(next->wait()));
}

TEST(PoolQueue, StartsTheMostUrgentFirstAndFirstInFirstOutAmongEquals) {
  for (const bool same : {false, true}) {  // the control arm: of one priority, they run as they came
    pool_host host({.workers = 1, .spares = 0});
    gate g(host);
    const temporary_directory folder;
    const auto file = folder.file("order");
    std::vector<job_ptr> tasks;
    constexpr std::array order{task_priority::low, task_priority::normal, task_priority::high, task_priority::low,
                               task_priority::high};
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto task = host.make_job_on(
          {.priority = same ? task_priority::normal : order[i]},
          [](std::string to, std::size_t n) { std::ofstream(to, std::ios::app) << n; }, file, i);
      host.pool.submit(task);
      tasks.push_back(task);
    }
    g.open();
    for (const auto& t : tasks) t->wait();
    std::string ran;
    std::ifstream(file) >> ran;
    EXPECT_EQ(ran, same ? "01234" : "24103");
  }
}

TEST(PoolQueue, AnswersWhatComesAfterTheEnd) {
  pool_host host({.workers = 1});
  host.pool.stop();
  EXPECT_EQ(std::get<job_not_started>(host.submit(squared, 1)->wait()).kind, refusal::stopped);
}

TEST(PoolOptions, ThatCannotBeAreRefusedWithASentence) {
  EXPECT_NE(start_sentence({.workers = 1, .zygote_timeout = 9ms}).find("zygote_timeout has to be 10 ms at least"),
            std::string::npos);
  EXPECT_NE(start_sentence({.workers = 1, .when_full = when_full::refuse}).find("needs a queue_limit"),
            std::string::npos);
  EXPECT_NE(start_sentence({.workers = 1, .min_workers = 2}).find("min_workers"), std::string::npos);
  EXPECT_NE(start_sentence({.workers = 1, .idle_shrink = duration::zero()}).find("idle_shrink"), std::string::npos);
}

int inits = 0;
std::thread helper;
void count_inits() { ++inits; }
void start_helper() {
  helper = std::thread([] { pause(); });
}
void throwing_init() { throw std::runtime_error("no connection to the database"); }
void dying_init() { _exit(7); }
const char* const switch_variable = "WORKIT_TEST_INIT_FILE";
/// Fails as long as the file is there.
void failing_init() {
  if (access(getenv(switch_variable), F_OK) == 0) throw std::runtime_error("not today");
}
/// Takes its time, so that a caller that does not wait for it is seen.
void slow_init() {
  usleep(30'000);
  ++inits;
}

TEST(WorkerInit, RunsOnceInEachWorkerBeforeItsFirstTask) {
  for (auto* init : {count_inits, slow_init}) {
    pool_host host({.workers = 2, .spares = 1, .worker_init = init});
    EXPECT_EQ(host.pool.status().starting, 0U);
    std::vector<job_ptr> tasks;
    for (int i = 0; i < 8; ++i)
      tasks.push_back(host.submit([] {
        usleep(1000);
        return std::pair(inits, getpid());
      }));
    for (const auto& t : tasks)
      EXPECT_EQ((read_result<std::pair<int, int>>(std::get<job_value>(t->wait()).encoded).first), 1);
    EXPECT_EQ(std::get<job_crashed>(host.submit([] { _exit(3); })->wait()).exit_code, 3);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(host.call([] { return inits; }), 1);  // in the new worker too
  }
  EXPECT_EQ(inits, 0);
}

TEST(WorkerInit, MayLeaveThreadsAndDescriptorsToItsTasks) {
  pool_host host({.workers = 1, .spares = 0, .worker_init = start_helper});
  const auto pid = host.call([] { return getpid(); });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(host.call([] { return getpid(); }), pid);
  EXPECT_TRUE(host.call([] { return helper.joinable(); }));
  EXPECT_EQ(host.pool.status().recycled, 0U);
}

TEST(WorkerInit, ThatThrowsIsReportedWithItsWords) {
  const auto said = start_sentence({.name = "db", .workers = 1, .worker_init = throwing_init});
  EXPECT_NE(said.find("worker_init of pool \"db\" threw std::runtime_error: no connection to the database"),
            std::string::npos)
      << said;
  EXPECT_FALSE(start_sentence({.workers = 1, .spares = 0, .idle_shrink = 1h, .worker_init = throwing_init}).empty())
      << "a pool that would start no worker yet tries one";
  EXPECT_TRUE(processes_below().empty());
}

TEST(WorkerInit, ThatDiesIsReportedAfterAFewTries) {
  const auto said = start_sentence({.workers = 1, .spares = 0, .worker_init = dying_init});
  EXPECT_NE(said.find("die as they start"), std::string::npos) << said;
}

TEST(WorkerInit, ThatFailsLaterIsBrakedAnswersWaitingTasksAndIsTriedAgain) {
  const temporary_directory folder;
  const auto file = folder.file("broken");
  setenv(switch_variable, file.c_str(), 1);
  pool_host host({.workers = 1, .spares = 0, .worker_init = failing_init});
  EXPECT_EQ(host.call(squared, 2), 4);
  std::ofstream(file).put('x');
  host.submit([] { _exit(1); })->wait();
  std::string why;
  while (why.empty()) {
    const auto task = host.submit(squared, 3);
    if (const auto* n = std::get_if<job_not_started>(&task->wait())) why = n->why;
  }
  EXPECT_NE(why.find("not today"), std::string::npos) << why;
  // 10, 20, 40, ... 1000 ms between the tries: in this time an unbraked pool would have tried hundreds of times.
  const auto before = host.pool.status().started;
  std::this_thread::sleep_for(300ms);
  EXPECT_LE(host.pool.status().started - before, 6U);
  EXPECT_EQ(unlink(file.c_str()), 0);
  wait_until([&] { return host.pool.status().idle == 1; });
  EXPECT_EQ(host.call(squared, 4), 16);
  unsetenv(switch_variable);
}

TEST(WorkerInit, OfAWorkerThatIsKilledMeanwhileDelaysNothingElse) {
  pool_host host({.workers = 1, .spares = 1, .worker_init = slow_init});
  int killed = 0;
  while (killed < 3) {
    host.submit([] { _exit(1); })->wait();
    const auto ready = host.call([] { return getpid(); });
    for (const auto& p : processes_below())
      if (p.name == "workit-worker" && p.pid != ready && host.pool.status().starting == 1)
        killed += kill(p.pid, SIGKILL) == 0;
    EXPECT_EQ(host.call(squared, 3), 9);
    host.wait_until_whole();
  }
}

/// Standard error of this process, as a pipe that is not read, for the time of a pool.
class full_pipe {
 public:
  full_pipe() : saved_(fcntl(2, F_DUPFD_CLOEXEC, 10)) {
    if (pipe2(ends_, O_CLOEXEC) != 0) abort();
    dup2(ends_[1], 2);
  }
  ~full_pipe() { close(ends_[0]); }
  /// Gives this process its own back. The processes made before keep the pipe, which is not read.
  void restore() {
    dup2(saved_, 2);
    close(saved_);
    close(ends_[1]);
  }

 private:
  int ends_[2];
  int saved_;
};

TEST(WorkerOutput, OfAMegabyteBlocksNoTaskWhenItGoesNowhereAndOnlyItsOwnWhenItIsNotRead) {
  for (const auto output : {worker_output::null, worker_output::inherit}) {
    full_pipe nobody_reads;
    pool_host host({.workers = 2, .spares = 1, .output = output});
    nobody_reads.restore();
    const auto task = host.submit([] {
      const std::string line(1024, 'x');
      for (int i = 0; i < 1024; ++i)
        if (write(2, line.data(), line.size()) < 0) return -1;
      return 0;
    });
    for (int i = 0; i < 20; ++i) EXPECT_EQ(host.call(squared, i), i * i);
    if (output == worker_output::inherit) {
      wait_until([&] { return host.pool.status().busy == 1; });
      task->cell->request(reason::user{});  // or it would wait for ever
      EXPECT_TRUE(std::holds_alternative<job_stopped>(task->wait()));
    } else {
      EXPECT_EQ(read_result<int>(std::get<job_value>(task->wait()).encoded), 0);
    }
    EXPECT_EQ(host.call(squared, 3), 9);
  }
}

}  // namespace
}  // namespace workit::test
