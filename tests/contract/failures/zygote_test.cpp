// A zygote that is killed, again and again, or hangs. (T22)
#include <sys/syscall.h>

#include <random>

#include "failures.hpp"

namespace workit::test {
namespace {

class Zygote : public failures_test {
 protected:
  pid_t noted(const std::string& file) const {
    pid_t pid = 0;
    std::ifstream(markers.file(file)) >> pid;
    return pid;
  }
};

/// Whether the kernel knows PIDFD_SIGNAL_PROCESS_GROUP.
bool groups_can_be_killed() {
  constexpr unsigned process_group = 1U << 2;
  const unique_fd self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  return syscall(SYS_pidfd_send_signal, self.get(), 0, nullptr, process_group) == 0 || errno != EINVAL;
}

std::vector<pid_t> workers_of(pid_t zygote) {
  std::vector<pid_t> pids;
  for (const auto& p : all_processes())
    if (p.parent == zygote) pids.push_back(p.pid);
  return pids;
}

TEST_F(Zygote, KilledIsReplacedAndItsWorkersAreDead) {
  runtime rt({}, processes({.workers = 2, .spares = 2}));
  ASSERT_TRUE(becomes_whole(rt));
  const auto zygote = pool_of(rt).status().zygote;
  const auto workers = workers_of(zygote);
  ASSERT_GE(workers.size(), 4u);
  rt.run([&](scope& s) {
    auto victim = s.spawn({.background = true}, offload({}, spin_and_mark, markers.file("started"),
                                                        markers.file("ended"), natural_end.count()));
    markers.await("started", s);
    const auto killed = machine::now();
    kill(zygote, SIGKILL);
    EXPECT_EQ(how(victim.result()), "zygote_lost");
    EXPECT_LT(machine::now() - killed, bound(1s));
    EXPECT_EQ(exercise(s), "") << "the control arm: a new one does it all";
  });
  EXPECT_NE(pool_of(rt).status().zygote, zygote);
  for (const auto pid : workers) EXPECT_TRUE(eventually([&] { return !is_alive(pid); })) << pid;
}

/// A child in the worker's process group. It notes its number as its mark, and waits.
void have_a_child(const std::string& mark) {
  if (fork() == 0) {
    leave_marker(mark);
    for (;;) pause();
  }
  spin_for_ever();
}

TEST_F(Zygote, KilledTakesAlongWhatTheTasksOfItsWorkersHaveStarted) {
  runtime rt({}, processes({.workers = 1, .spares = 0}));
  if (!groups_can_be_killed()) GTEST_SKIP() << "Linux 6.9 or later is needed: pidfd_send_signal to a process group";
  for (int round = 0; round < 3; ++round) {
    const auto mark = "child" + std::to_string(round);
    rt.run([&](scope& s) {
      auto victim = s.spawn({.background = true}, offload({}, have_a_child, markers.file(mark)));
      markers.await(mark, s);
      EXPECT_TRUE(is_alive(noted(mark))) << "the control";
      kill(pool_of(rt).status().zygote, SIGKILL);
      EXPECT_EQ(how(victim.result()), "zygote_lost");
    });
    EXPECT_TRUE(eventually([&] { return !is_alive(noted(mark)); })) << "round " << round;
  }
}

// Ten times, with results between: a brake is for those that die in a row.
TEST_F(Zygote, KilledAtARandomMomentAnswersEveryTask) {
  std::mt19937_64 random(seed());
  runtime rt({}, processes({.workers = 2, .spares = 1}));
  std::uint64_t kills = 0;
  for (int round = 0; round < 10; ++round) {
    rt.run([&](scope& s) {
      std::vector<task<int>> tasks;
      for (int i = 0; i < 20; ++i)
        tasks.push_back(s.spawn({.background = true}, offload(
                                                          {.timeout = bound(20s)},
                                                          [](int us) {
                                                            usleep(static_cast<useconds_t>(us));
                                                            return us;
                                                          },
                                                          static_cast<int>(random() % 2000))));
      s.sleep_for(std::chrono::microseconds(random() % 20'000));
      const auto zygote = pool_of(rt).status().zygote;
      kills += zygote > 0 && kill(zygote, SIGKILL) == 0;
      for (auto& t : tasks) {
        const auto ended = how(t.result());
        EXPECT_NE(ended, "timed_out") << "a task was forgotten";
        EXPECT_NE(ended, "cancelled");
      }
    });
    ASSERT_TRUE(eventually([&] {
      return rt.run([](scope& s) { return how(s.spawn({.background = true}, adds_up).result()); }) == "value";
    })) << "round "
        << round;
  }
  EXPECT_GT(kills, 0u);
  EXPECT_LE(pool_of(rt).status().zygotes, kills + 1);
}

// It neither forks nor reaps, but the kill, its proof and the results need nothing of it; the end is bounded.
TEST_F(Zygote, ThatStandsStillDelaysNoStopAndNoEnd) {
  machine::time_point end_begun;
  {
    runtime rt({}, processes({.workers = 2, .spares = 2}));
    ASSERT_TRUE(becomes_whole(rt));
    kill(pool_of(rt).status().zygote, SIGSTOP);
    rt.run([&](scope& s) {
      EXPECT_EQ(adds_up(s), 5);
      const auto begun = machine::now();
      EXPECT_EQ(how(s.spawn({.background = true}, offload({.timeout = 20ms}, spin_for_ever)).result()), "timed_out");
      EXPECT_LT(machine::now() - begun, bound(1s));
      EXPECT_EQ(adds_up(s), 5) << "a spare takes over";
      // Four workers can be lost before a caller has to wait; that one has a deadline too.
      for (int n = 0; n < 3; ++n)
        EXPECT_EQ(how(s.spawn({.background = true}, offload({.timeout = 20ms}, spin_for_ever)).result()), "timed_out");
      auto waiting = s.spawn({.background = true}, offload({.timeout = 20ms}, add, 2, 3));
      EXPECT_EQ(how(waiting.result()), "timed_out") << "the control arm: there are no workers any more";
    });
    end_begun = machine::now();
  }
  EXPECT_LT(machine::now() - end_begun, bound(5s));
}

TEST_F(Zygote, ThatStandsStillForAWhileGoesOn) {
  runtime rt({}, processes({.workers = 1, .spares = 0}));
  ASSERT_TRUE(becomes_whole(rt));
  const auto zygote = pool_of(rt).status().zygote;
  kill(zygote, SIGSTOP);
  rt.run([&](scope& s) {
    s.spawn({.background = true}, offload({}, [] { _exit(1); })).cancel("");
    auto later = s.spawn({.background = true}, offload({}, add, 2, 3));
    s.sleep_for(300ms);
    kill(zygote, SIGCONT);
    EXPECT_EQ(how(later.result()), "value");
  });
  EXPECT_EQ(pool_of(rt).status().zygotes, 1u);
  EXPECT_TRUE(becomes_whole(rt));
}

int wait_for_marker(const std::string& started, const std::string& end) {
  leave_marker(started);
  while (access(end.c_str(), F_OK) != 0) usleep(200);
  return 7;
}

// The control arm is the test above: with a limit longer than it needs, the same zygote goes on.
TEST_F(Zygote, ThatHangsIsReplacedWhileItsRunningTasksGoOn) {
  runtime rt({}, processes({.workers = 2, .spares = 1, .zygote_timeout = bound(200ms)}));
  ASSERT_TRUE(becomes_whole(rt));
  const auto hung = pool_of(rt).status().zygote;
  rt.run([&](scope& s) {
    auto going =
        s.spawn({.background = true}, offload({}, wait_for_marker, markers.file("started"), markers.file("end")));
    markers.await("started", s);
    kill(hung, SIGSTOP);
    while (pool_of(rt).status().zygotes < 2) s.sleep_for(1ms);
    EXPECT_EQ(exercise(s), "") << "a new one does it all";
    EXPECT_EQ(pool_of(rt).status().outgoing, 1u);
    EXPECT_TRUE(is_alive(hung)) << "its task's worker would die with it";
    leave_marker(markers.file("end"));
    EXPECT_EQ(how(going.result()), "value");
  });
  EXPECT_TRUE(eventually([&] { return !is_alive(hung); }));
  EXPECT_TRUE(becomes_whole(rt));
  EXPECT_EQ(pool_of(rt).status().zygotes, 2u);
  EXPECT_EQ(pool_of(rt).status().zygote_failures, 1u);
}

// A zygote that hangs reports no worker's death; its tasks end all the same, with the true outcome.
TEST_F(Zygote, ThatHangsLeavesNoTaskUnanswered) {
  runtime rt({}, processes({.workers = 3, .spares = 0, .zygote_timeout = bound(200ms)}));
  ASSERT_TRUE(becomes_whole(rt));
  kill(pool_of(rt).status().zygote, SIGSTOP);
  rt.run([&](scope& s) {
    auto exits = s.spawn({.background = true}, offload({}, [] { _exit(3); }));
    auto crashes = s.spawn({.background = true}, offload({}, [] { raise(SIGSEGV); }));
    auto endless = s.spawn({.background = true}, offload({}, spin_for_ever));
    auto waiting = s.spawn({.background = true}, offload({}, add, 2, 3));
    EXPECT_EQ(how(exits.result()), "zygote_lost");
    EXPECT_EQ(how(crashes.result()), "worker_crashed " + std::to_string(SIGSEGV));
    EXPECT_EQ(how(waiting.result()), "value");
    endless.cancel("enough");
    EXPECT_EQ(how(endless.result()), "cancelled");
  });
  EXPECT_TRUE(becomes_whole(rt));
  EXPECT_EQ(pool_of(rt).status().zygotes, 2u);
}

// It may be given up and then continue with a pending request to fork: no process of that is left.
TEST_F(Zygote, ThatGoesOnAfterItWasGivenUpLeavesNothing) {
  runtime rt({}, processes({.workers = 2, .spares = 0, .zygote_timeout = bound(100ms)}));
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(becomes_whole(rt));
    const auto hung = pool_of(rt).status().zygote;
    const auto before = pool_of(rt).status().zygotes;
    const auto end = "end" + std::to_string(round), started = "started" + std::to_string(round);
    rt.run([&](scope& s) {
      auto going =
          s.spawn({.background = true}, offload({}, wait_for_marker, markers.file(started), markers.file(end)));
      markers.await(started, s);
      kill(hung, SIGSTOP);
      EXPECT_EQ(how(s.spawn({.background = true}, offload({}, [] { raise(SIGSEGV); })).result()),
                "worker_crashed " + std::to_string(SIGSEGV));  // its successor is asked of the one that hangs
      while (pool_of(rt).status().zygotes == before) s.sleep_for(1ms);
      kill(hung, SIGCONT);
      EXPECT_EQ(adds_up(s), 5);
      leave_marker(markers.file(end));
      EXPECT_EQ(how(going.result()), "value");
    });
    EXPECT_TRUE(eventually([&] { return !is_alive(hung); }));
  }
}

}  // namespace
}  // namespace workit::test
