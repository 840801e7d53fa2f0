// Attempts to break a stop in place: a hijacked return address that is thrown or jumped over, storms of signals,
// libraries that come and go, forks, and memory that must not be touched again.
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <mutex>
#include <thread>
#include <vector>

#include "libraries.hpp"
#include "workloads.hpp"

// Declared by libc under _FORTIFY_SOURCE only.
extern "C" int __ppoll_chk(pollfd*, nfds_t, const timespec*, const sigset_t*, std::size_t);

namespace workit::test {
namespace {

using namespace std::chrono_literals;

std::atomic<bool> busy{false};
std::atomic<int> counted{0};

spin_then_call_call& through_a_library() {
  static auto* const call = (new library(WORKIT_SPINNING_LIBRARY))->get<spin_then_call_call>("spin_then_call");
  return *call;
}

void spin() {
  while (!let_out.load(std::memory_order_relaxed)) {
  }
}

template <class Condition>
bool comes_true(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  return condition();
}

class Adversary : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
    ground_.emplace();
    through_a_library();
    busy = true;
    counted = 0;
  }

  /// Starts a task that enters the library, and returns once its way back is hijacked. One that was stopped before it
  /// got there is followed by another.
  void start_hijacked(task_body body) {
    const stop_refusal inside{obstacle::foreign_module, WORKIT_SPINNING_LIBRARY_NAME};
    do {
      if (ground_->has_ended()) ground_->wait();
      busy = true;
      ground_->start(body);
      ASSERT_TRUE(comes_true([&] { return !ground_->kick() || ground_->why_not() == inside; }));
      ASSERT_TRUE(comes_true([&] { return ground_->has_ended() || ground_->why_not() == inside; }));
    } while (ground_->has_ended());
  }
  stopped_task expect_stopped() {
    const auto stopped = ground_->stop();
    EXPECT_FALSE(stopped.let_out) << describe(stopped.why_not);
    EXPECT_TRUE(stopped.end.left);
    return stopped;
  }

  std::mt19937_64 random_{seed()};
  std::optional<stopping_fixture> ground_;  // where threads can be stopped
};

// --- Over a hijacked frame ------------------------------------------------------------------------------------------

TEST_F(Adversary, AHijackedFrameReturnsToUs) {
  for (int i = 0; i < 300; ++i) {
    start_hijacked([] {
      through_a_library()(&busy, [] {});
      spin();
    });
    if (HasFatalFailure()) return;
    wait_randomly(random_, 50us);
    busy = false;
    EXPECT_EQ(expect_stopped().end.how.at, leaving::frame_return);
  }
}

TEST_F(Adversary, AnExceptionIsThrownThroughAHijackedFrame) {
  for (int i = 0; i < 500; ++i) {
    start_hijacked([] {
      try {
        through_a_library()(&busy, [] { throw 1; });
      } catch (int) {
      }
      spin();
    });
    if (HasFatalFailure()) return;
    wait_randomly(random_, 50us);
    busy = false;
    EXPECT_NE(expect_stopped().end.how.at, leaving::frame_return);
  }
}

std::jmp_buf back;
[[gnu::noinline]] void write_over_the_stack(int depth) {
  volatile char frame[256];
  for (auto& c : frame) c = static_cast<char>(depth);
  if (depth > 0) write_over_the_stack(depth - 1);
  asm volatile("");
}
void jump_out() {
  if (setjmp(back) == 0) through_a_library()(&busy, [] { std::longjmp(back, 1); });
  for (int i = 0; i < 50; ++i) write_over_the_stack(20);
  ++counted;
  spin();
}

TEST_F(Adversary, AJumpSkipsAHijackedFrame) {
  for (int i = 0; i < 500; ++i) {
    start_hijacked(jump_out);
    if (HasFatalFailure()) return;
    busy = false;
    // Every other time it is seen to go on where it jumped to.
    if (i % 2 == 0) {
      EXPECT_TRUE(comes_true([] { return counted > 0; }));
    }
    expect_stopped();
    counted = 0;
  }
}

// --- Signals --------------------------------------------------------------------------------------------------------

void count_a_signal(int) { counted.fetch_add(1, std::memory_order_relaxed); }

/// Another thread kicks, and sends a signal of the program's own, as fast as it can.
void storm(stopping_fixture& fixture, std::mt19937_64& random, int flags, std::span<const task_body> bodies) {
  struct sigaction handle {
  }, before{};
  handle.sa_handler = count_a_signal;
  handle.sa_flags = flags;
  ASSERT_EQ(::sigaction(SIGUSR1, &handle, &before), 0);
  for (int i = 0; i < 200; ++i) {
    busy = true;
    fixture.start(bodies[static_cast<std::size_t>(i) % bodies.size()]);
    std::atomic<bool> over{false};
    std::thread other([&, id = fixture.thread_id()] {
      while (!over) {
        ::syscall(SYS_tgkill, ::getpid(), id, SIGUSR1);
        fixture.kick();
        for (int k = 0; k < 200; ++k) asm volatile("");
      }
    });
    wait_randomly(random, 200us);
    busy = false;
    const auto stopped = fixture.stop();
    over = true;
    other.join();
    ASSERT_TRUE(stopped.end.left) << "stop " << i << ": " << describe(stopped.why_not);
  }
  EXPECT_GT(counted, 0);
  // One that the thread has not taken yet would end the process; ignoring a signal discards it (POSIX 2.4.3).
  handle.sa_handler = SIG_IGN;
  ::sigaction(SIGUSR1, &handle, nullptr);
  ::sigaction(SIGUSR1, &before, nullptr);
}

constexpr task_body stormy[] = {
    [] {
      while (!let_out) through_a_library()(&busy, [] {});
    },
    [] {
      while (!let_out) try {
          through_a_library()(&busy, [] { throw 1; });
        } catch (int) {
        }
    },
    [] {
      while (!let_out) {
        const std::string text(100, 'x');
        ++counted;
      }
    },
    spin,
};

TEST_F(Adversary, ASignalStormOnTheTasksStack) { storm(*ground_, random_, SA_RESTART, stormy); }
TEST_F(Adversary, ASignalStormOnTheAlternateStack) { storm(*ground_, random_, SA_ONSTACK, stormy); }

void block_all(int how, int (*call)(int, const sigset_t*, sigset_t*)) {
  sigset_t all;
  sigfillset(&all);
  call(how, &all, nullptr);
}

template <class Wait>
void wait_with_all_blocked(Wait wait) {
  sigset_t all;
  sigfillset(&all);
  while (!let_out) wait(&all);
}

TEST_F(Adversary, SignalsAreBlockedByEveryCallThereIs) {
  static auto* const in_library = (new library(WORKIT_SPINNING_LIBRARY))->get<void()>("block_all_signals");
  for (int i = 0; i < 100; ++i) {
    for (const task_body body :
         {+[] { block_all(SIG_SETMASK, pthread_sigmask), spin(); }, +[] { block_all(SIG_BLOCK, sigprocmask), spin(); },
          +[] { in_library(), spin(); },
          // Each waits with everything blocked, by a mask of its own.
          +[] { wait_with_all_blocked([](auto* all) { ::ppoll(nullptr, 0, nullptr, all); }); },
          +[] { wait_with_all_blocked([](auto* all) { ::pselect(0, nullptr, nullptr, nullptr, nullptr, all); }); },
          +[] {
            wait_with_all_blocked([](auto* all) {
              static const int nothing = ::epoll_create1(EPOLL_CLOEXEC);
              epoll_event event;
              ::epoll_pwait(nothing, &event, 1, -1, all);
            });
          },
          +[] {
            wait_with_all_blocked([](auto* all) {
              static const int nothing = ::epoll_create1(EPOLL_CLOEXEC);
              epoll_event event;
              ::epoll_pwait2(nothing, &event, 1, nullptr, all);
            });
          },
          // What ppoll() is in a program that is compiled with _FORTIFY_SOURCE.
          +[] { wait_with_all_blocked([](auto* all) { ::__ppoll_chk(nullptr, 0, nullptr, all, 0); }); },
          +[] { wait_with_all_blocked([](auto* all) { ::sigsuspend(all); }); }}) {
      ground_->start(body);
      wait_randomly(random_, 50us);
      expect_stopped();
    }
  }
}

/// The signal of kicks: the real-time one that has a handler; 0 when there is none.
int signal_with_a_handler() {
  for (int s = SIGRTMAX; s >= SIGRTMIN; --s) {
    struct sigaction now {};
    if (sigaction(s, nullptr, &now) == 0 && now.sa_handler != SIG_DFL) return s;
  }
  return 0;
}

TEST_F(Adversary, ATaskCannotTakeTheHandlerAway) {
  static const int handled = signal_with_a_handler();
  ASSERT_NE(handled, 0);
  for (const task_body body :
       {+[] { ::signal(handled, SIG_IGN), spin(); }, +[] { ::signal(handled, SIG_DFL), spin(); }}) {
    ground_->start(body);
    expect_stopped();
  }
}

TEST_F(Adversary, TheHandlerCannotBeReplaced) {
  const int handled = signal_with_a_handler();
  ASSERT_NE(handled, 0);
  struct sigaction mine {};
  mine.sa_handler = SIG_IGN;
  errno = 0;
  EXPECT_EQ(sigaction(handled, &mine, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(sigaction(handled - 1, &mine, nullptr), 0);  // any other signal is free
  mine.sa_handler = SIG_DFL;
  EXPECT_EQ(sigaction(handled - 1, &mine, nullptr), 0);
  ground_->start(spin);
  expect_stopped();
}

// --- Libraries that come and go --------------------------------------------------------------------------------------

TEST_F(Adversary, LibrariesAreOpenedAndClosedByTheTaskAndBesideIt) {
  std::atomic<bool> over{false};
  std::thread other([&] {
    while (!over) {
      const library l(WORKIT_LAZY_LIBRARY);
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < 500; ++i) {
    ground_->start(i % 2 == 0 ? +[] {
      while (!let_out) const library l(WORKIT_ALLOWED_LIBRARY);
    } : spin);
    wait_randomly(random_);
    const auto stopped = ground_->stop();
    ASSERT_TRUE(stopped.end.left) << "stop " << i << ": " << describe(stopped.why_not);
  }
  over = true;
  other.join();
}

int (*call_all)() = nullptr;

// Each call is the first of its function, so it goes by the dynamic linker, which holds a lock of its own meanwhile.
TEST_F(Adversary, FunctionsAreBoundAtTheirFirstCall) {
  preempt::allow_module(WORKIT_LAZY_LIBRARY_NAME);
  int complete = 0;
  for (int i = 0; i < 500; ++i) {
    const library fresh(WORKIT_LAZY_LIBRARY);
    call_all = fresh.get<int()>("call_all");
    counted = 0;
    busy = true;
    ground_->start([] {
      while (busy) {
      }
      counted = call_all();
      spin();
    });
    busy = false;
    wait_randomly(random_, 40us);  // all of them take about as long
    expect_stopped();
    complete += counted != 0 ? 1 : 0;
    ASSERT_EQ(call_all(), (100 + 299) * 200 / 2);  // the linker has bound every function correctly
  }
  EXPECT_LT(complete, 500);  // some were stopped in the middle
}

// --- Forks ----------------------------------------------------------------------------------------------------------

TEST_F(Adversary, ATaskForksAndTheKickDoesNotReachTheChild) {
  static std::atomic<pid_t> child{0};
  for (int i = 0; i < 100; ++i) {
    child = 0;
    ground_->start([] {
      const auto c = ::fork();
      if (c == 0) {
        const std::string text(100, 'x');  // whatever looks for a stop
        ::_exit(text.size() == 100 ? 7 : 8);
      }
      child = c;
      spin();
    });
    if (i % 2 == 0) wait_randomly(random_);
    if (i % 2 != 0) {
      EXPECT_TRUE(comes_true([] { return child != 0; }));
    }
    expect_stopped();
    int status = 0;
    while (::waitpid(-1, &status, 0) > 0) EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
  }
}

// --- What is initialised once ----------------------------------------------------------------------------------------

template <int N>
int& once() {
  static int value = [] {
    for (int i = 0; i < 20000; ++i) asm volatile("");
    return N;
  }();
  return value;
}
template <int... N>
constexpr std::array<task_body, sizeof...(N)> all_once(std::integer_sequence<int, N...>) {
  return {[] {
    once<N>();
    spin();
  }...};
}

TEST_F(Adversary, AStaticThatWasBeingInitialisedIsUsableByTheNext) {
  for (const auto body : all_once(std::make_integer_sequence<int, 64>()))
    for (int again = 0; again < 2; ++again) {
      ground_->start(body);
      wait_randomly(random_, 60us);
      expect_stopped();
    }
}

// --- Memory ---------------------------------------------------------------------------------------------------------

std::atomic<int*> escaped{nullptr};

TEST(AdversaryDeathTest, APointerIntoAQuarantinedStackFaults) {
  if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
  const auto read_after = [](bool quarantine) {
    stopping_fixture fixture({.quarantine = quarantine});
    fixture.start([] {
      int local = 5;
      escaped = &local;
      spin();
    });
    while (escaped == nullptr) std::this_thread::yield();
    fixture.stop();
    ::_exit(*static_cast<volatile int*>(escaped.load()) == 0 ? 3 : 4);
  };
  EXPECT_EXIT(read_after(true), testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT(
      read_after(false), [](int s) { return WIFEXITED(s); }, "");  // which is why there is quarantine
}

[[gnu::noinline]] int descend(volatile int* above) {
  volatile int here[16];
  here[0] = *above + 1;
  if (here[0] < 0) return 0;  // or it would be known to never return
  return descend(here) + here[0];
}

TEST(AdversaryDeathTest, AStackThatOverflowsFaultsOnItsGuardPage) {
  if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
  const auto overflow = [] {
    stopping_fixture fixture({.stack_size = std::size_t{64} << 10});
    fixture.start([] {
      volatile int zero = 0;
      counted = descend(&zero);
    });
    fixture.wait();
    ::_exit(0);
  };
  EXPECT_EXIT(overflow(), testing::KilledBySignal(SIGSEGV), "");
}

}  // namespace
}  // namespace workit::test
