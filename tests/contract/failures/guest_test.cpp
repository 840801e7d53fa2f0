// Guests that defend themselves: locks, descriptors, sessions, descendants, a tracer. (T2, T11, T18, T29)
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <random>

#include "failures.hpp"

namespace workit::test {
namespace {

class Guest : public failures_test {
 protected:
  /// Cancels a guest that has left its mark, and waits until its worker is reclaimed.
  void stop(runtime& rt, std::function<void(context&)> guest, const std::string& mark) {
    kept_receipt receipt;
    rt.run({.on_receipt = receipt.keeper()}, [&](scope& s) {
      auto task = s.spawn({.background = true}, std::move(guest));
      markers.await(mark, s);
      const auto asked = machine::now();
      task.cancel("enough");
      EXPECT_EQ(how(task.result()), "cancelled");
      EXPECT_LT(machine::now() - asked, bound(1s));
      EXPECT_EQ(adds_up(s), 5);
    });
    const auto& stop = receipt.get().stops.at(0).receipt;
    EXPECT_EQ(stop.method, stop_method::killed);
    EXPECT_TRUE(stop.reclaimed);
    EXPECT_FALSE(is_alive(stop.worker));
  }
  /// The process whose id the guest has written into `file`.
  pid_t noted(const std::string& file) const {
    std::ifstream marker(markers.file(file));
    pid_t pid = 0;
    marker >> pid;
    return pid;
  }
};

// --- Locks (T2) -----------------------------------------------------------------------------------------------------

/// Takes and releases the locks of the C library: the allocator's, standard output's, the locale's.
void use_every_lock(const std::string& mark) {
  leave_marker(mark);
  for (unsigned n = 0;; ++n) {
    std::vector<std::string> some(n % 50, std::string(n % 3000, 'x'));
    std::printf("%s", some.empty() ? "" : "");
    const std::locale locale("C");
  }
}

TEST_F(Guest, KilledWithAnyLockOfTheLibraryInItsHandsLeavesItsNeighboursAlone) {
  std::mt19937_64 random(seed());
  runtime rt({}, processes({.workers = 2, .spares = 2}));
  for (int n = 0; n < 60; ++n) {
    const auto mark = "locking" + std::to_string(n);
    rt.run([&](scope& s) {
      auto victim = s.spawn({.background = true}, offload({}, use_every_lock, markers.file(mark)));
      markers.await(mark, s);
      s.sleep_for(std::chrono::microseconds(random() % 500));
      victim.cancel("with a lock");
      EXPECT_EQ(how(victim.result()), "cancelled");
      EXPECT_EQ(offload({.timeout = bound(10s)},
                        [] { return std::vector<std::string>(100, std::string(1000, 'x')).size(); })(s),
                100u);
    });
  }
  EXPECT_EQ(pool_of(rt).status().zygotes, 1u);
}

/// Reads all that comes from whatever it has.
void take_from_every_descriptor(const std::string& mark) {
  std::vector<int> open;
  for (int descriptor = 3; descriptor < 16; ++descriptor)
    if (fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0) open.push_back(descriptor);
  leave_marker(mark);
  for (char taken[64];;)
    for (const int descriptor : open) static_cast<void>(!read(descriptor, taken, sizeof taken));
}

// All workers tell the host by the same pipe that they have ended.
TEST_F(Guest, ThatReadsFromItsDescriptorsKeepsNoNewsOfItsNeighboursFromTheHost) {
  runtime rt({}, processes({.workers = 2, .spares = 1}));
  stop(
      rt, [&](context& ctx) { offload({}, take_from_every_descriptor, markers.file("taking"))(ctx); }, "taking");
  rt.run([&](scope& s) {
    auto taker = s.spawn({.background = true}, offload({}, take_from_every_descriptor, markers.file("taking")));
    markers.await("taking", s);
    for (int n = 0; n < 500; ++n) ASSERT_EQ(offload({.timeout = bound(30s)}, add, n, 1)(s), n + 1);
    taker.cancel("enough");
  });
}

/// A mutex that tasks share by a file, unknown to workit.
pthread_mutex_t* shared_mutex(const std::string& file, bool make) {
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (ftruncate(fd, sizeof(pthread_mutex_t)) != 0) abort();
  void* page = mmap(nullptr, sizeof(pthread_mutex_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  auto* mutex = static_cast<pthread_mutex_t*>(page);
  if (make) {
    pthread_mutexattr_t shared;
    pthread_mutexattr_init(&shared);
    pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(mutex, &shared);
  }
  return mutex;
}

TEST_F(Guest, ControlArmALockThatTasksShareStaysLockedForEver) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  const auto file = markers.file("mutex");
  shared_mutex(file, true);
  stop(rt,
       offload(
           {},
           [](const std::string& path, const std::string& mark) {
             pthread_mutex_lock(shared_mutex(path, false));
             leave_marker(mark);
             spin_for_ever();
           },
           file, markers.file("locked")),
       "locked");
  EXPECT_EQ(rt.run([&](scope& s) {
    return offload(
        {}, [](const std::string& path) { return pthread_mutex_trylock(shared_mutex(path, false)); }, file)(s);
  }),
            EBUSY);
}

// --- Descriptors, sessions, descendants (T18) -----------------------------------------------------------------------

TEST_F(Guest, ThatClosedEveryDescriptorAndBlockedEverySignalIsStopped) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  stop(rt,
       offload(
           {},
           [](const std::string& mark) {
             sigset_t all;
             sigfillset(&all);
             sigprocmask(SIG_SETMASK, &all, nullptr);
             for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_IGN);
             leave_marker(mark);
             close_range(0, ~0U, 0);
             spin_for_ever();
           },
           markers.file("deaf")),
       "deaf");
}

TEST_F(Guest, ThatCrashesAfterItClosedEverythingAndTookTheHandlerAwayIsACrash) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  rt.run([](scope& s) {
    auto guest = s.spawn({.background = true}, offload({}, [] {
                           close_range(0, ~0U, 0);
                           const stack_t none{nullptr, SS_DISABLE, 0};
                           sigaltstack(&none, nullptr);
                           for (const int signal : {SIGSEGV, SIGABRT}) std::signal(signal, SIG_DFL);
                           raise(SIGSEGV);
                         }));
    EXPECT_EQ(how(guest.result()), "worker_crashed " + std::to_string(SIGSEGV));
    EXPECT_EQ(adds_up(s), 5);
  });
}

[[gnu::noinline]] int recurse(const volatile char* above) {
  volatile char here[1024] = {};
  if (above != nullptr) here[0] = above[0];
  return here[0] == 1 ? 0 : recurse(here) + here[0];
}

// (T11)
TEST_F(Guest, ThatOverflowsItsStackIsACrashWithAndWithoutAStackForTheHandler) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  rt.run([](scope& s) {
    for (const bool with : {true, false}) {
      auto guest = s.spawn({.background = true}, offload(
                                                     {},
                                                     [](bool keep) {
                                                       const stack_t none{nullptr, SS_DISABLE, 0};
                                                       if (!keep) sigaltstack(&none, nullptr);
                                                       return recurse(nullptr);
                                                     },
                                                     with));
      EXPECT_EQ(how(guest.result()), "worker_crashed " + std::to_string(SIGSEGV)) << with;
    }
    EXPECT_EQ(adds_up(s), 5);
  });
}

/// How a guest leaves a spinning descendant behind.
enum class descent { child, session_of_its_own, twice_forked, vforked, stopped, forking };

void have_descendants(descent how, const std::string& child_mark, const std::string& mark) {
  const auto be_the_child = [&] {
    if (how == descent::session_of_its_own || how == descent::twice_forked) setsid();
    if (how == descent::twice_forked && fork() != 0) _exit(0);
    leave_marker(child_mark);
    if (how == descent::stopped) raise(SIGSTOP);
    while (how == descent::forking) {  // each of them has one child and ends: a chain that cannot be followed
      if (fork() > 0) _exit(0);
      usleep(500);
    }
    spin_for_ever();
  };
  if (how == descent::vforked) {
    std::thread([&] {  // vfork(2) holds the thread that calls it
      if (vfork() == 0) {
        for (volatile unsigned n = 0;;) n = n + 1;
      }
    })
        .detach();
    leave_marker(child_mark);
  } else if (fork() == 0) {
    be_the_child();
  }
  while (access(child_mark.c_str(), F_OK) != 0) usleep(100);
  leave_marker(mark);
  spin_for_ever();
}

class GuestWithDescendants : public Guest, public testing::WithParamInterface<descent> {};

TEST_P(GuestWithDescendants, IsGoneWithAllOfThem) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  ASSERT_TRUE(becomes_whole(rt));
  stop(rt, offload({}, have_descendants, GetParam(), markers.file("child"), markers.file("begun")), "begun");
  EXPECT_TRUE(eventually([&] { return processes_below().size() == processes_of_pool(2); }, bound(2s)))
      << processes_below().size() << " instead of " << processes_of_pool(2);
}

std::string name_of(const testing::TestParamInfo<descent>& info) {
  static constexpr std::array names{"AChild",        "ASession",      "AGrandchild",
                                    "AVforkedChild", "AStoppedChild", "AChainOfForks"};
  return names[static_cast<std::size_t>(info.param)];
}
INSTANTIATE_TEST_SUITE_P(With, GuestWithDescendants,
                         testing::Values(descent::child, descent::session_of_its_own, descent::twice_forked,
                                         descent::vforked, descent::stopped, descent::forking),
                         name_of);

// --- A tracer (T18, T29) --------------------------------------------------------------------------------------------

// The kernel does not let a parent reap a process that another traces: to the pool, such a worker does not die.
// It delays its own reclaim until its tracer ends, and nothing else.
TEST_F(Guest, TracedByAStoppedTracerDelaysNoOtherTask) {
  runtime rt({}, processes({.workers = 2, .spares = 1}));
  rt.run([&](scope& s) {
    auto traced = s.spawn({.background = true}, offload(
                                                    {},
                                                    [](const std::string& mark) {
                                                      if (fork() == 0) {
                                                        setsid();
                                                        if (ptrace(PTRACE_SEIZE, getppid(), nullptr, nullptr) != 0)
                                                          _exit(1);
                                                        leave_marker(mark);
                                                        raise(SIGSTOP);
                                                      }
                                                      spin_for_ever();
                                                    },
                                                    markers.file("traced")));
    markers.await("traced", s);
    const auto asked = machine::now();
    traced.cancel("enough");
    EXPECT_EQ(how(traced.result()), "cancelled");
    EXPECT_LT(machine::now() - asked, bound(1s));
    for (int n = 0; n < 5; ++n) {
      const auto begun = machine::now();
      EXPECT_EQ(how(s.spawn({.background = true}, offload({.timeout = 20ms}, spin_for_ever)).result()), "timed_out");
      EXPECT_LT(machine::now() - begun, bound(1s)) << "its deadline waited for another's corpse";
    }
    EXPECT_EQ(exercise(s), "");
    const auto tracer = noted("traced");
    EXPECT_TRUE(eventually([&] { return !is_alive(tracer); })) << "the pool does not kill the tracer";
  });
  EXPECT_TRUE(becomes_whole(rt));
}

}  // namespace
}  // namespace workit::test
