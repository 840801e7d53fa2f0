// What takes for ever to start is given up after its limit, with a sentence that names it; and it holds up no end.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <support/descriptor_balance.hpp>
#include <support/processes_below.hpp>
#include <support/temporary_directory.hpp>
#include <workit/workers/with_args.hpp>

#include "pool_host.hpp"

namespace workit::test {
namespace {

using namespace workers;

const char* const stuck_constructor = "WORKIT_TEST_STUCK_CONSTRUCTOR";
/// In a zygote that is started while the variable is set.
const bool constructed = [] {
  while (getenv(stuck_constructor) != nullptr) pause();
  return true;
}();

void sleep_for_ever() {
  for (;;) pause();
}
/// Sleeps while the file `sleep` is in the folder, beside which it leaves `sleeping`.
void sleep_while_told(const std::string& folder) {
  if (access((folder + "/sleep").c_str(), F_OK) == 0) std::ofstream(folder + "/sleeping").put('x');
  while (access((folder + "/sleep").c_str(), F_OK) == 0) usleep(200);
}
void run_a_program(const std::string& folder) {
  std::ofstream(folder + "/sleeping").put('x');
  [[maybe_unused]] const auto status = system("sleep 1000");
}
/// The zygote stops as it is about to fork its first worker.
void stop_at_the_next_fork() {
  pthread_atfork([] { raise(SIGSTOP); }, nullptr, nullptr);
}
int one() { return 1; }

class StartupLimits : public descriptor_balance {
 protected:
  StartupLimits() { prctl(PR_SET_CHILD_SUBREAPER, 1); }  // what is left behind becomes a child of this process
  ~StartupLimits() override {
    wait_until_none_is_left();
    prctl(PR_SET_CHILD_SUBREAPER, 0);
  }
  static void wait_until_none_is_left() {
    wait_until([] {
      while (waitpid(-1, nullptr, WNOHANG) > 0) {
      }
      return processes_below().empty();
    });
  }
  static void expect_in(const std::string& said, std::initializer_list<const char*> parts) {
    for (const auto* part : parts) EXPECT_NE(said.find(part), std::string::npos) << "no " << part << " in: " << said;
  }
  void make_sleep() const { folder.write("sleep", "x"); }
  void wake() const { std::filesystem::remove(folder.path() / "sleep"); }
  void wait_until_it_sleeps() const {
    wait_until([&] { return folder.has("sleeping"); });
  }
  /// Tries with a longer limit as long as `attempt(limit, "after ... ms")` is false, or the pool does not start: on a
  /// busy machine what should take no time did not get the processor within the limit.
  template <class Attempt>
  static void with_growing_limit(Attempt attempt) {
    for (auto limit = 100ms;; limit *= 2) {
      try {
        if (attempt(duration(limit), "after " + std::to_string(limit.count()) + " ms")) return;
      } catch (const start_failed&) {  // NOLINT(bugprone-empty-catch): once more
      }
    }
  }
  template <class Before>
  static std::string why_not_started_after(pool_host& host, Before before) {
    before();
    return std::get<job_not_started>(host.submit(one)->wait()).why;
  }
  temporary_directory folder;
};

TEST_F(StartupLimits, OfAPreloadEndTheStartWithItsName) {
  const auto expect_named = [](startup_call preload, const char* name) {
    with_growing_limit([&](duration limit, const std::string& words) {
      const auto said = start_sentence({.workers = 1, .preload = preload, .preload_timeout = limit});
      if (said.find("did not reach") != std::string::npos) return false;
      expect_in(said, {"its preload, ", name, words.c_str(), "process_options::preload_timeout"});
      return true;
    });
  };
  expect_named(sleep_for_ever, "sleep_for_ever()");
  expect_named(with_args([](int) { sleep_for_ever(); }, 7), "lambda(int)");
}

TEST_F(StartupLimits, OfAWorkerInitEndTheStartWithItsName) {
  expect_in(
      start_sentence({.name = "db", .workers = 2, .worker_init = sleep_for_ever, .worker_init_timeout = 50ms}),
      {"worker_init of pool \"db\", ", "sleep_for_ever()", "after 50 ms", "process_options::worker_init_timeout"});
}

TEST_F(StartupLimits, LetPassWhatTakesLessAndWithoutOneEverything) {
  const auto nap = [] { usleep(20'000); };
  for (const auto limit : {duration(1h), duration::max()})
    EXPECT_EQ(
        start_sentence(
            {.workers = 1, .preload = nap, .preload_timeout = limit, .worker_init = nap, .worker_init_timeout = limit}),
        "");
}

TEST_F(StartupLimits, AreMoreThanZero) {
  expect_in(start_sentence({.preload_timeout = 0ms}), {"preload_timeout has to be more than zero"});
  expect_in(start_sentence({.worker_init_timeout = -1ms}), {"worker_init_timeout has to be more than zero"});
}

TEST_F(StartupLimits, CountTheConstructorsOfStaticObjects) {
  setenv(stuck_constructor, "1", 1);
  const auto said = start_sentence({.workers = 1, .preload_timeout = 100ms});
  unsetenv(stuck_constructor);
  expect_in(said, {"did not reach workit::init within 100 ms", "static object's constructor"});
}

TEST_F(StartupLimits, OfAZygoteThatStopsBeforeItForksEndTheStart) {
  expect_in(start_sentence({.workers = 1, .zygote_timeout = 100ms, .preload = stop_at_the_next_fork}),
            {"the zygote of pool \"default\" is gone", "did not answer for 100 ms"});
}

TEST_F(StartupLimits, OfAReplacementsPreloadAnswerWhatWaitsAndThePoolGoesOn) {
  with_growing_limit([&](duration limit, const std::string& words) {
    pool_host host({.workers = 1, .preload = with_args(sleep_while_told, folder.path()), .preload_timeout = limit});
    EXPECT_EQ(host.call(one), 1);
    make_sleep();
    kill(host.pool.status().zygote, SIGKILL);
    const auto said = why_not_started_after(host, [&] { wait_until_it_sleeps(); });
    wake();
    if (said.find("did not reach") != std::string::npos) return false;
    expect_in(said, {"sleep_while_told", words.c_str()});
    wait_until([&] { return host.pool.status().idle != 0; });
    EXPECT_EQ(host.call(one), 1);
    return true;
  });
}

TEST_F(StartupLimits, OfALaterWorkersInitAnswerWhatWaitsAndThePoolGoesOn) {
  with_growing_limit([&](duration limit, const std::string& words) {
    pool_host host({.workers = 1,
                    .spares = 0,
                    .worker_init = with_args(sleep_while_told, folder.path()),
                    .worker_init_timeout = limit});
    make_sleep();
    static_cast<void>(host.submit([] { _exit(0); })->wait());
    const auto said = why_not_started_after(host, [] {});
    wake();
    expect_in(said, {"sleep_while_told", words.c_str()});
    wait_until([&] { return host.pool.status().idle != 0; });
    EXPECT_EQ(host.call(one), 1);
    return true;
  });
}

TEST_F(StartupLimits, OfAReloadLeaveTheOldWorkersAtWork) {
  for (const bool in_worker : {false, true}) {
    const auto call = with_args(sleep_while_told, folder.path());
    with_growing_limit([&](duration limit, const std::string& words) {
      pool_host host({.workers = 1,
                      .preload = in_worker ? startup_call() : call,
                      .preload_timeout = in_worker ? duration(1h) : limit,
                      .worker_init = in_worker ? call : startup_call(),
                      .worker_init_timeout = limit});
      make_sleep();
      std::string said;
      try {
        host.pool.reload();
      } catch (const start_failed& e) {
        said = e.what();
      }
      EXPECT_EQ(host.call(one), 1);
      wake();
      if (said.find("did not reach") != std::string::npos) return false;
      expect_in(said, {"the reload of pool", "sleep_while_told", words.c_str()});
      return true;
    });
  }
}

// It took two seconds: the time that a zygote has to answer.
TEST_F(StartupLimits, AreNotWaitedForByTheEnd) {
  pool_host host({.workers = 1, .preload = with_args(sleep_while_told, folder.path())});
  make_sleep();
  kill(host.pool.status().zygote, SIGKILL);
  wait_until_it_sleeps();
  const auto report = host.pool.stop();
  EXPECT_LT(report.took, 2s);
  EXPECT_TRUE(report.unreaped.empty());
}

TEST_F(StartupLimits, ThatPassEndTheProgramsOfAPreloadToo) {
  with_growing_limit([&](duration limit, const std::string&) {
    const auto said =
        start_sentence({.workers = 1, .preload = with_args(run_a_program, folder.path()), .preload_timeout = limit});
    expect_in(said, {"the zygote of pool"});
    return folder.has("sleeping");  // the control arm: it had begun one
  });
  wait_until_none_is_left();
}

}  // namespace
}  // namespace workit::test
