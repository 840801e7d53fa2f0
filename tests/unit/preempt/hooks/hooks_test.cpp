// The interposed calls: what a thread counts as held, when it looks whether it is to stop, and what it lets through.
#include "real.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>

#include "../thread/task_on_a_thread.hpp"
#include "thread_state.hpp"

namespace workit::test {
namespace {

using preempt::this_mark;

class LockHooks : public with_stoppable_threads {};
class ExceptionHooks : public with_stoppable_threads {};
class AllocatorHooks : public with_stoppable_threads {};
class SignalHooks : public with_stoppable_threads {};
class HooksAnnounced : public with_stoppable_threads {};

std::uint64_t held() { return this_mark.held; }

TEST_F(LockHooks, CountALockFromItsTakingToItsRelease) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
  ASSERT_EQ(held(), 0u);
  pthread_mutex_lock(&mutex);
  EXPECT_EQ(held(), preempt::held_lock);
  EXPECT_EQ(this_mark.locking, &mutex);
  pthread_rwlock_rdlock(&rwlock);
  EXPECT_EQ(held(), 2 * preempt::held_lock);
  pthread_rwlock_unlock(&rwlock);
  pthread_mutex_unlock(&mutex);
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(this_mark.locking, nullptr);
}

TEST_F(LockHooks, CountNoLockThatWasNotTaken) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  EXPECT_EQ(pthread_mutex_trylock(&mutex), EBUSY);
  EXPECT_EQ(held(), preempt::held_lock);
  pthread_mutex_unlock(&mutex);
  std::thread([&] {
    EXPECT_EQ(held(), 0u) << "each thread counts its own";
    pthread_mutex_unlock(&mutex);  // taken by no thread
    EXPECT_EQ(held(), 0u);
  }).join();
}

TEST_F(LockHooks, CountAStreamAndWhatIsInitialisedOnce) {
  flockfile(stdout);
  EXPECT_EQ(held(), preempt::held_lock);
  funlockfile(stdout);
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static std::uint64_t inside;
  pthread_once(&once, [] { inside = held(); });
  EXPECT_EQ(inside, preempt::held_guard);
  static const std::uint64_t in_static = held();
  EXPECT_EQ(in_static, preempt::held_guard);
  EXPECT_EQ(held(), 0u);
}

TEST_F(LockHooks, NameTheCallThatWaitsForACondition) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  const preempt::thread_mark* waiter = nullptr;
  std::thread waiting([&] {
    pthread_mutex_lock(&mutex);
    waiter = &this_mark;
    pthread_cond_wait(&condition, &mutex);
    EXPECT_EQ(this_mark.blocked_in, nullptr);
    EXPECT_EQ(held(), preempt::held_lock) << "a wait takes its mutex again";
    pthread_mutex_unlock(&mutex);
  });
  for (bool waits = false; !waits;) {
    pthread_mutex_lock(&mutex);
    waits = waiter != nullptr;  // with the mutex ours it is in its wait
    if (waits) {
      EXPECT_STREQ(waiter->blocked_in, "pthread_cond_wait");
    }
    pthread_mutex_unlock(&mutex);
  }
  pthread_cond_signal(&condition);
  waiting.join();
}

TEST_F(ExceptionHooks, CountAnExceptionFromItsThrowToItsCatch) {
  struct at_unwinding {
    std::uint64_t& seen;
    ~at_unwinding() { seen = held(); }
  };
  std::uint64_t unwinding = 0;
  try {
    const at_unwinding guard{unwinding};
    throw std::runtime_error("thrown");
  } catch (const std::runtime_error&) {
    EXPECT_EQ(held(), 0u);
    unwinding |= 0;
  }
  EXPECT_EQ(unwinding, preempt::held_exception);
  try {
    std::rethrow_exception(std::make_exception_ptr(1));
  } catch (int) {
    EXPECT_EQ(held(), 0u);
  }
}

TEST_F(ExceptionHooks, NoteThatAThreadHasThreadLocals) {
  struct local {
    int value = 1;
    ~local() { value = 0; }
  };
  std::thread([] {
    this_mark.has_thread_locals = false;
    thread_local const local mine;
    EXPECT_EQ(mine.value, 1);
    EXPECT_TRUE(this_mark.has_thread_locals);
  }).join();
}

// No signal is sent: the task is to stop, and looks at its next allocation.
TEST_F(AllocatorHooks, ATaskThatIsToStopIsLeftAtItsNextAllocation) {
  for (const bool by_free : {false, true}) {
    void* const memory = std::malloc(16);
    std::atomic<bool> returned{false};
    task_on_a_thread task([&] {
      this_mark.want(this_mark.task);
      [[maybe_unused]] void* volatile kept = nullptr;
      if (by_free)
        std::free(memory);
      else
        kept = std::malloc(16);
      returned = true;
    });
    const auto end = task.join();
    EXPECT_TRUE(end.left);
    EXPECT_FALSE(returned);
    EXPECT_EQ(end.how.at, leaving::critical_exit);
    EXPECT_EQ(end.how.signals, 0u);
    if (by_free) continue;
    std::free(memory);
  }
}

TEST_F(AllocatorHooks, GiveMemoryThatIsUsableAndAligned) {
  char* p = static_cast<char*>(std::calloc(4, 8));
  EXPECT_EQ(p[31], 0);
  p = static_cast<char*>(std::realloc(p, 1 << 16));
  p[(1 << 16) - 1] = 1;
  std::free(p);
  void* aligned = nullptr;
  ASSERT_EQ(posix_memalign(&aligned, 4096, 1), 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(aligned) % 4096, 0u);
  std::free(aligned);
  std::free(nullptr);
}

TEST_F(AllocatorHooks, ATasksSortsAreWatchedFromTheFirstOn) {
  const auto compare = [](const void* a, const void* b) {
    return *static_cast<const int*>(a) - *static_cast<const int*>(b);
  };
  int items[3] = {3, 1, 2};
  std::qsort(items, 3, sizeof(int), compare);
  EXPECT_EQ(items[0], 1);
  EXPECT_EQ(this_mark.look & preempt::look_sorting, 0u) << "the control: there is no task here";
  std::uint32_t looks = 0;
  task_on_a_thread task([&] {
    std::qsort(items, 3, sizeof(int), compare);
    looks = this_mark.look;
  });
  task.join();
  EXPECT_NE(looks & preempt::look_sorting, 0u);
}

TEST_F(SignalHooks, AStoppableThreadCannotBlockTheKickAndOtherThreadsCan) {
  sigset_t all;
  sigfillset(&all);
  const auto blocks_the_kick = [&] {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    pthread_sigmask(SIG_BLOCK, nullptr, &now);
    return sigismember(&now, preempt::kick_signal()) == 1;
  };
  bool on_stoppable = true, elsewhere = false;
  task_on_a_thread task([&] { on_stoppable = blocks_the_kick(); });
  task.join();
  std::thread([&] { elsewhere = blocks_the_kick(); }).join();
  EXPECT_FALSE(on_stoppable);
  EXPECT_TRUE(elsewhere) << "the control";
}

TEST_F(SignalHooks, TheHandlerOfTheKickCannotBeReplaced) {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  errno = 0;
  EXPECT_EQ(sigaction(preempt::kick_signal(), &ignore, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
  struct sigaction before {};
  EXPECT_EQ(sigaction(SIGUSR2, &ignore, &before), 0) << "the control";
  EXPECT_EQ(sigaction(SIGUSR2, &before, nullptr), 0);
}

/// Every call of libc that replaces a handler or blocks a signal by its number, by its symbol.
TEST_F(SignalHooks, NoCallOfLibcTakesTheKickAway) {
  using handler = void (*)(int);
  using replaces = handler (*)(int, handler);
  using holds = int (*)(int);
  const auto handler_of = [](int signal) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    return reinterpret_cast<void*>(now.sa_sigaction);
  };
  const int kick = preempt::kick_signal();
  const auto ours = handler_of(kick);
  const auto look_up = [](const char* name) {
    void* found = dlsym(RTLD_DEFAULT, name);
    EXPECT_NE(found, nullptr) << name;
    return found;
  };
  for (const char* name : {"signal", "ssignal", "bsd_signal", "sysv_signal", "__sysv_signal", "sigset"}) {
    const auto call = reinterpret_cast<replaces>(look_up(name));
    for (const handler given : {SIG_DFL, SIG_IGN}) {
      errno = 0;
      EXPECT_EQ(call(kick, given), SIG_ERR) << name;
      EXPECT_EQ(errno, EINVAL) << name;
      EXPECT_EQ(handler_of(kick), ours) << name;
    }
    EXPECT_NE(call(SIGUSR2, SIG_IGN), SIG_ERR) << name << ", the control";
    EXPECT_EQ(handler_of(SIGUSR2), reinterpret_cast<void*>(SIG_IGN)) << name << ", the control";
    ::signal(SIGUSR2, SIG_DFL);
  }
  for (const char* name : {"sighold", "sigignore"}) {
    const auto call = reinterpret_cast<holds>(look_up(name));
    EXPECT_EQ(call(kick), -1) << name;
    EXPECT_EQ(handler_of(kick), ours) << name;
    EXPECT_EQ(call(SIGUSR2), 0) << name << ", the control";
    ::signal(SIGUSR2, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);  // after sighold
  EXPECT_EQ(reinterpret_cast<int (*)(int, int)>(look_up("siginterrupt"))(kick, 1), -1);
}

TEST_F(HooksAnnounced, TheFunctionBehindAnInterposedOneIsTheLibrarys) {
  Dl_info info{};
  ASSERT_NE(dladdr(preempt::find_next("malloc"), &info), 0);
  EXPECT_NE(std::string(info.dli_fname).find("libc.so"), std::string::npos);
  EXPECT_NE(preempt::find_next("malloc"), reinterpret_cast<void*>(&std::malloc)) << "the control: this one is ours";
}

}  // namespace
}  // namespace workit::test
