// Whatever the work in a worker does, it is dead when its time-out is delivered. Each victim has a control arm
// in which it is not stopped; every check waits until the victim would have ended by itself.
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <random>
#include <support/processes_below.hpp>
#include <support/seed.hpp>
#include <support/spin_until.hpp>

#include "../victims.hpp"

namespace workit::test {
namespace {

/// What a victim does.
enum class manner {
  spinning,
  blocking_all_signals,
  ignoring_sigterm,
  reading,
  waiting_for_a_shell,
  stopped,
  allocating
};

using machine = std::chrono::steady_clock;

void be_stopped_until(machine::time_point end) {
  const auto helper = fork();
  if (helper == 0) {
    spin_until(end);
    _exit(kill(getppid(), SIGCONT));
  }
  raise(SIGSTOP);
  waitpid(helper, nullptr, 0);
}

void allocate_until(machine::time_point end) {
  std::vector<std::vector<char>> blocks;
  while (machine::now() < end) {
    blocks.emplace_back(1 + blocks.size() * 16 % 4096, 'x');
    if (blocks.size() > 10'000) blocks.clear();
  }
}

int live(manner how, const std::string& started, const std::string& ended, std::int64_t ms) {
  const auto end = machine::now() + std::chrono::milliseconds(ms);
  sigset_t all;
  sigfillset(&all);
  if (how == manner::blocking_all_signals) sigprocmask(SIG_SETMASK, &all, nullptr);
  if (how == manner::ignoring_sigterm) signal(SIGTERM, SIG_IGN);
  leave_marker(started);
  switch (how) {
    case manner::reading:
      read_until(end);
      break;
    case manner::waiting_for_a_shell:
      // The shell leaves the mark, so that it has to die too.
      return std::system(("sleep " + std::to_string(ms / 1000) + "; : > " + ended).c_str());
    case manner::stopped:
      be_stopped_until(end);
      break;
    case manner::allocating:
      allocate_until(end);
      break;
    default:
      spin_until(end);
  }
  leave_marker(ended);
  return 0;
}

class workers_test : public runtime_test {
 protected:
  void TearDown() override {
    for (const auto& p : processes_below()) ADD_FAILURE() << "process " << p.pid << ", " << p.name << ", is left";
    runtime_test::TearDown();
  }
  marker_folder markers;
};

/// Waits until the pool's start is complete.
std::size_t settled_number_of_processes() {
  for (auto n = processes_below().size();;) {
    std::this_thread::sleep_for(200ms);
    const auto now = processes_below().size();
    if (now == n) return n;
    n = now;
  }
}

class HardKill : public workers_test, public testing::WithParamInterface<manner> {};

TEST_P(HardKill, WithItsLimitTheVictimIsDeadWhenTheErrorIsDelivered) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  const auto before = settled_number_of_processes();
  kept_receipt receipt;
  machine::time_point delivered;
  constexpr auto limit = natural_end / 2;
  rt.run({.on_receipt = receipt.keeper()}, [&](scope& s) {
    const auto victim = offload({.timeout = limit}, live, GetParam(), markers.file("started"), markers.file("ended"),
                                natural_end.count());
    try {
      victim(s);
      ADD_FAILURE() << "the victim outlived its limit";
    } catch (const timed_out& e) {
      delivered = machine::now();
      EXPECT_EQ(e.limit(), limit);
    }
    EXPECT_FALSE(s.stopping());
    EXPECT_EQ(offload({}, [] { return 5; })(s), 5) << "the capacity is not back";
  });
  EXPECT_TRUE(markers.has("started")) << "this machine was too slow to begin within the limit";
  const auto& stop = receipt.get().stops.at(0).receipt;
  EXPECT_EQ(stop.method, stop_method::killed);
  EXPECT_NE(stop.proof, stop_proof::none);
  EXPECT_TRUE(std::holds_alternative<reason::timeout>(stop.why)) << describe(stop.why);
  EXPECT_LE(stop.requested, stop.stopped);
  EXPECT_LE(stop.stopped, delivered) << "the error came before the proof";
  ASSERT_TRUE(stop.reclaimed);
  EXPECT_FALSE(is_alive(stop.worker));
  std::this_thread::sleep_for(natural_end + 300ms);
  EXPECT_FALSE(markers.has("ended")) << "the victim, or what it had started, came to its end";
  EXPECT_EQ(processes_below().size(), before) << "the pool is whole, and there is no other process";
}

TEST_P(HardKill, ControlArmWithoutALimitTheVictimReachesItsEnd) {
  runtime rt({}, processes({.workers = 1}));
  rt.run([&](scope& s) {
    EXPECT_EQ(offload({}, live, GetParam(), markers.file("started"), markers.file("ended"), std::int64_t{1000})(s), 0);
  });
  EXPECT_TRUE(markers.has("ended"));
}

std::string name_of_manner(const testing::TestParamInfo<manner>& info) {
  static constexpr std::array names{"Spinning", "BlockingAllSignals", "IgnoringSigterm", "Reading", "WaitingForAShell",
                                    "Stopped",  "Allocating"};
  return names[static_cast<std::size_t>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(On, HardKill,
                         testing::Values(manner::spinning, manner::blocking_all_signals, manner::ignoring_sigterm,
                                         manner::reading, manner::waiting_for_a_shell, manner::stopped,
                                         manner::allocating),
                         name_of_manner);

class WorkerEnding : public workers_test {};

[[gnu::noinline]] int recurse(const volatile char* above) {
  volatile char here[1024] = {};
  if (above != nullptr) here[0] = above[0];
  return here[0] == 1 ? 0 : recurse(here) + here[0];
}

TEST_F(WorkerEnding, AnEndWithoutAReplyIsATypedCrash) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  struct ending {
    const char* name;
    void (*run)(context&);
    int signal, exit_code;
  };
  for (const ending& e :
       {ending{"abort", [](context& c) { offload({}, [] { abort(); })(c); }, SIGABRT, 0},
        ending{"segv", [](context& c) { offload({}, [] { raise(SIGSEGV); })(c); }, SIGSEGV, 0},
        ending{"kill", [](context& c) { offload({}, [] { raise(SIGKILL); })(c); }, SIGKILL, 0},
        ending{"overflow", [](context& c) { offload({}, [] { return recurse(nullptr); })(c); }, SIGSEGV, 0},
        ending{"exit 0", [](context& c) { offload({}, [] { _exit(0); })(c); }, 0, 0},
        ending{"exit 3", [](context& c) { offload({}, [] { _exit(3); })(c); }, 0, 3}}) {
    SCOPED_TRACE(e.name);
    rt.run([&](scope& s) {
      try {
        e.run(s);
        ADD_FAILURE() << "the end was taken for a reply";
      } catch (const worker_crashed& crash) {
        EXPECT_EQ(crash.signal(), e.signal);
        EXPECT_EQ(crash.exit_code(), e.exit_code);
      }
      EXPECT_EQ(offload({}, [] { return 5; })(s), 5) << "the control arm: a reply is one";
    });
  }
}

// The worker ends by itself at about the time of the cancellation: it is the one or the other, and harms no other task.
TEST_F(WorkerEnding, ACancellationWinsOverTheExitThatFollows) {
  std::mt19937_64 random(seed());
  runtime rt({}, processes({.workers = 1, .spares = 2}));
  int cancellations = 0, crashes = 0;
  for (int n = 0; n < 100; ++n)
    rt.run([&](scope& s) {
      auto t = s.spawn({.background = true}, offload(
                                                 {},
                                                 [](std::uint64_t us) {
                                                   spin_until(machine::now() + std::chrono::microseconds(us));
                                                   _exit(3);
                                                 },
                                                 random() % 1000));
      s.sleep_for(std::chrono::microseconds(random() % 1500));
      t.cancel("first");
      auto ended = t.result();
      if (ended.is_cancelled()) {
        ++cancellations;
        EXPECT_EQ(describe(ended.why()), "manual: first");
      } else {
        ++crashes;
        try {
          std::rethrow_exception(ended.error());
        } catch (const worker_crashed& crash) {
          EXPECT_EQ(crash.exit_code(), 3);
        }
      }
      EXPECT_EQ(offload({}, [] { return 5; })(s), 5);
    });
  EXPECT_EQ(cancellations + crashes, 100);
  RecordProperty("cancellations", cancellations);
}

// While the host is stopped, the worker's own timer ends it; afterwards the warden and the notice of its death race.
TEST_F(WorkerEnding, ATimeOutIsOneAlsoWhenOnlyTheKernelWasThereToKeepIt) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  const auto stop_the_host =
      "kill -STOP " + std::to_string(getpid()) + "; sleep 1; kill -CONT " + std::to_string(getpid());
  for (int n = 0; n < 5; ++n) {
    const auto started = "started" + std::to_string(n);
    rt.run([&](scope& s) {
      auto t = s.spawn({.background = true}, offload({.timeout = 300ms}, spin_and_mark, markers.file(started),
                                                     markers.file("ended"), std::int64_t{60'000}));
      // A machine under load may let the limit pass before the worker has begun.
      while (!markers.has(started) && t.status() != task_status::failed) s.sleep_for(1ms);
      EXPECT_EQ(std::system(stop_the_host.c_str()), 0) << "the host could not be stopped";
      auto ended = t.result();
      ASSERT_TRUE(ended.is_error()) << "it was taken for a cancellation";
      EXPECT_THROW(std::rethrow_exception(ended.error()), timed_out);
      EXPECT_FALSE(s.stopping());
    });
  }
  EXPECT_FALSE(markers.has("ended"));
}

TEST_F(WorkerEnding, DetachedWorkIsDeadWhenItsLifetimeIsOver) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  const auto work = offload({}, spin_and_mark, markers.file("started"), markers.file("ended"), natural_end.count());
  auto t = detached(rt, {.max_lifetime = natural_end / 2}, work);
  const auto ended = t.result();
  const auto delivered = machine::now();
  ASSERT_TRUE(ended.is_error());
  EXPECT_THROW(std::rethrow_exception(ended.error()), timed_out);
  let_out(markers.file("started"));
  EXPECT_TRUE(markers.has("started"));
  EXPECT_FALSE(markers.has("ended"));
  EXPECT_LE(heartbeat(markers.file("started.beat")).last(), delivered);
  EXPECT_TRUE(rt.detached().drain(1s));
  EXPECT_EQ(detached(rt, {.max_lifetime = 1min},
                     offload({}, spin_and_mark, markers.file("again"), markers.file("end"), std::int64_t{10}))
                .get(),
            42)
      << "the control arm: in time";
}

}  // namespace
}  // namespace workit::test
