// Processes that cannot start, or die while they start. (T3, T21, T25)
#include <optional>
#include <random>
#include <support/temporary_directory.hpp>
#include <workit/workers/with_args.hpp>

#include "failures.hpp"
#include "host_program.hpp"

namespace workit::test {
namespace {

class Start : public failures_test {
 protected:
  /// Processes of this test that have not yet become workers, or have: not the zygote and not its host watcher.
  static std::vector<pid_t> young(pid_t zygote) {
    std::vector<pid_t> pids;
    for (const auto& p : all_processes())
      if (p.parent == zygote && p.name != "workit-watcher" && p.state != 'Z') pids.push_back(p.pid);
    return pids;
  }
};

// Each worker is killed as soon as it is seen: before the host knows of it, before it is ready, while it is parked,
// with a task. Every task is answered in the meantime, and afterwards all is as before. (T3)
TEST_F(Start, OfWorkersUnderFireAnswersEveryTask) {
  std::mt19937_64 random(seed());
  runtime rt({}, processes({.workers = 2, .spares = 1}));
  std::atomic<bool> peace{false};
  std::atomic<int> shots{0};
  std::thread sniper([&, until = machine::now() + 3s] {
    while (machine::now() < until) {
      const auto targets = young(pool_of(rt).status().zygote);
      if (!targets.empty() && kill(targets[random() % targets.size()], SIGKILL) == 0) ++shots;
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    }
    peace = true;
  });
  int values = 0, errors = 0;
  rt.run([&](scope& s) {
    while (!peace) {
      auto task = s.spawn({.background = true}, offload({.timeout = bound(20s)}, add, 2, 3));
      const auto ended = how(task.result());
      ended == "value" ? ++values : ++errors;
      EXPECT_NE(ended, "timed_out") << "a task was forgotten";
      EXPECT_NE(ended, "cancelled");
      if (errors > 0) s.sleep_for(1ms);
    }
  });
  sniper.join();
  std::printf("%d shots, %d values, %d errors\n", shots.load(), values, errors);
  EXPECT_GT(shots, 10);
  EXPECT_TRUE(eventually([&] {
    return rt.run([](scope& s) { return how(s.spawn({.background = true}, adds_up).result()); }) == "value";
  }));
  EXPECT_TRUE(becomes_whole(rt));
  EXPECT_EQ(rt.run([](scope& s) { return exercise(s); }), "");
}

std::string crash_and_then_add(runtime& rt, int crashes) {
  return rt.run([&](scope& s) {
    for (int i = 0; i < crashes; ++i) s.spawn({.background = true}, offload({}, [] { _exit(1); })).wait();
    return how(s.spawn({.background = true}, offload({.timeout = bound(20s)}, add, 2, 3)).result());
  });
}
std::string add_alone(runtime& rt) { return crash_and_then_add(rt, 0); }

// EMFILE in the host: a new worker's memory and its pidfd find no room. (T21)
TEST_F(Start, WithoutDescriptorsInTheHostAnswersAndRecovers) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "UndefinedBehaviorSanitizer makes a pipe to look at each type that it meets for the first time, and "
                  "takes it for broken where it gets none";
#endif
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  ASSERT_TRUE(becomes_whole(rt));
  {
    const limit_for_a_while files(RLIMIT_NOFILE, 3);  // below what is open: nothing new can be opened
    EXPECT_EQ(crash_and_then_add(rt, 2), "start_failed");
    EXPECT_EQ(add_alone(rt), "start_failed") << "the control arm: there is no worker";
  }
  EXPECT_TRUE(eventually([&] { return add_alone(rt) == "value"; })) << "the pool has given up for good";
  EXPECT_TRUE(becomes_whole(rt));
}

/// A pool that lets its last idle worker go.
process_options shrinking(startup_call worker_init = {}) {
  return {.workers = 1, .spares = 0, .idle_shrink = 20ms, .worker_init = std::move(worker_init)};
}
bool has_shrunk(runtime& rt) {
  return eventually([&] {
    const auto now = pool_of(rt).status();
    return now.idle + now.busy + now.starting == 0;
  });
}

TEST_F(Start, WithoutDescriptorsInTheHostAPoolThatHasShrunkToNothingRecovers) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "as above";
#endif
  runtime rt({}, processes(shrinking()));
  ASSERT_EQ(add_alone(rt), "value");
  ASSERT_TRUE(has_shrunk(rt));
  {
    const limit_for_a_while files(RLIMIT_NOFILE, 3);
    for (int n = 0; n < 5; ++n) EXPECT_EQ(add_alone(rt), "start_failed") << "the control arm: there is no worker";
  }
  EXPECT_TRUE(eventually([&] { return add_alone(rt) == "value"; })) << "the pool has given up for good";
}

void fail_while_there(const std::string& file) {
  if (access(file.c_str(), F_OK) == 0) throw std::runtime_error("not yet");
}

TEST_F(Start, OfWorkersThatFailForAWhileAPoolThatHasShrunkToNothingRecovers) {
  const temporary_directory folder;
  const auto file = folder.file("fail");
  runtime rt({}, processes(shrinking(with_args(fail_while_there, file))));
  ASSERT_EQ(add_alone(rt), "value");
  ASSERT_TRUE(has_shrunk(rt));
  static_cast<void>(folder.write("fail", "x"));
  for (int n = 0; n < 5; ++n) EXPECT_EQ(add_alone(rt), "start_failed") << "the control arm: none can start";
  unlink(file.c_str());
  EXPECT_TRUE(eventually([&] { return add_alone(rt) == "value"; })) << "the pool has given up for good";
}

// … and so do the socket and the pidfd of a zygote that is to replace one. (T39)
TEST_F(Start, WithoutDescriptorsForAnotherZygoteAnswersAndRecovers) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "as above";
#endif
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  ASSERT_TRUE(becomes_whole(rt));
  {
    const limit_for_a_while files(RLIMIT_NOFILE, 3);
    kill(pool_of(rt).status().zygote, SIGKILL);
    ASSERT_TRUE(eventually([&] { return pool_of(rt).status().zygote_failures >= 2; })) << "it died, and an attempt";
    const auto begun = machine::now();
    EXPECT_EQ(add_alone(rt), "start_failed") << "the control arm: there is no zygote";
    EXPECT_LT(machine::now() - begun, bound(3s));
    EXPECT_EQ(pool_of(rt).status().zygote, 0);
    try {
      rt.run([](scope& s) { adds_up(s); });
      ADD_FAILURE() << "there is a worker";
    } catch (const start_failed& e) {
      EXPECT_NE(std::string(e.what()).find("Too many open files"), std::string::npos) << e.what();
    }
  }
  EXPECT_TRUE(eventually([&] { return add_alone(rt) == "value"; })) << "the pool has given up for good";
  EXPECT_TRUE(becomes_whole(rt));
  EXPECT_EQ(rt.run([](scope& s) { return exercise(s); }), "");
}

// What waits does not see an outage that is shorter than a second; a machine that is too slow for that has more rounds.
TEST_F(Start, WithoutAZygoteForAMomentKeepsWhatWaits) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "as above";
#endif
  runtime rt({}, processes({.workers = 1, .spares = 0}));
  std::string ended;
  for (int round = 0; round < 20 && ended != "value"; ++round) {
    ASSERT_TRUE(becomes_whole(rt));
    ended = rt.run([&](scope& s) {
      std::optional<limit_for_a_while> files(std::in_place, RLIMIT_NOFILE, 3);
      const auto failures = pool_of(rt).status().zygote_failures;
      kill(pool_of(rt).status().zygote, SIGKILL);
      while (pool_of(rt).status().zygote_failures < failures + 3) s.sleep_for(1ms);  // it died, and two attempts
      auto waiting = s.spawn({.background = true}, offload({}, add, 2, 3));
      s.sleep_for(1ms);
      files.reset();
      return how(waiting.result());
    });
    eventually([&] { return add_alone(rt) == "value"; });
  }
  EXPECT_EQ(ended, "value");
}

// EMFILE in the zygote.
TEST_F(Start, WithoutDescriptorsInTheZygoteAnswersAndRecovers) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  ASSERT_TRUE(becomes_whole(rt));
  {
    const limit_for_a_while files(RLIMIT_NOFILE, 5, pool_of(rt).status().zygote);
    EXPECT_EQ(crash_and_then_add(rt, 2), "start_failed");
  }
  EXPECT_TRUE(eventually([&] { return add_alone(rt) == "value"; })) << "the pool has given up for good";
  EXPECT_TRUE(becomes_whole(rt));
}

// ENOMEM: fork fails, or the zygote itself cannot go on and is replaced.
TEST_F(Start, WithoutMemoryInTheZygoteAnswersAndRecovers) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  ASSERT_TRUE(becomes_whole(rt));
  {
    const limit_for_a_while memory(RLIMIT_AS, 4096, pool_of(rt).status().zygote);
    const auto ended = crash_and_then_add(rt, 2);
    EXPECT_TRUE(ended == "start_failed" || ended == "value") << ended;
  }
  EXPECT_TRUE(eventually([&] { return add_alone(rt) == "value"; })) << "the pool has given up for good";
  EXPECT_TRUE(becomes_whole(rt));
}

// EAGAIN.
TEST_F(Start, WithoutProcessesForItsUserAnswersAndRecovers) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become a user of whom there are no other processes";
  host_program host(failing_host("few_processes"));
  EXPECT_EQ(host.said(), "");
  EXPECT_EQ(host.wait(), 0);
}

/// Fails from its second run on: a zygote that is replaced finds the model gone.
void fragile_preload() {
  const std::string file = std::getenv("WORKIT_FRAGILE_PRELOAD");
  if (access(file.c_str(), F_OK) == 0) throw std::runtime_error("the model is gone");
  leave_marker(file);
}
void crashing_preload() { raise(SIGSEGV); }
void leaving_preload() { _exit(0); }

std::string start_sentence(process_options options) {
  try {
    runtime rt({}, processes(std::move(options)));
  } catch (const start_failed& e) {
    return e.what();
  }
  return "it has started";
}

TEST_F(Start, WithAPreloadThatDiesIsRefusedWithASentence) {
  for (const auto preload : {crashing_preload, leaving_preload}) {
    const auto begun = machine::now();
    const auto said = start_sentence({.workers = 1, .preload = preload});
    EXPECT_NE(said.find("the zygote of pool \"default\" is gone"), std::string::npos) << said;
    EXPECT_LT(machine::now() - begun, bound(2s)) << "it was tried again and again";
  }
}

// (T25)
TEST_F(Start, OfAZygoteWhosePreloadFailsForAWhileAnswersWhatIsQueuedAndRecovers) {
  setenv("WORKIT_FRAGILE_PRELOAD", markers.file("loaded").c_str(), 1);
  runtime rt({}, processes({.workers = 1, .spares = 0, .preload = fragile_preload}));
  ASSERT_EQ(add_alone(rt), "value") << "the control arm: the first preload is fine";
  rt.run([&](scope& s) {
    auto running = s.spawn({.background = true}, offload({}, spin_and_mark, markers.file("started"),
                                                         markers.file("ended"), std::int64_t{60'000}));
    markers.await("started", s);
    std::vector<task<int>> queued;
    for (int i = 0; i < 10; ++i) queued.push_back(s.spawn({.background = true}, offload({}, add, i, i)));
    s.sleep_for(5ms);
    const auto killed = machine::now();
    kill(pool_of(rt).status().zygote, SIGKILL);
    EXPECT_EQ(how(running.result()), "zygote_lost");
    for (auto& q : queued) {
      const auto ended = how(q.result());
      EXPECT_TRUE(ended == "start_failed") << ended;
    }
    EXPECT_LT(machine::now() - killed, bound(3s));
    try {
      adds_up(s);
      ADD_FAILURE() << "there is a worker";
    } catch (const start_failed& e) {
      EXPECT_NE(std::string(e.what()).find("the model is gone"), std::string::npos) << e.what();
    }
  });
  EXPECT_LE(pool_of(rt).status().zygotes, 12u) << "the brake";
  std::filesystem::remove(markers.file("loaded"));
  EXPECT_TRUE(eventually([&] { return add_alone(rt) == "value"; })) << "the pool has given up for good";
  EXPECT_TRUE(becomes_whole(rt));
}

}  // namespace
}  // namespace workit::test
