// Every obstacle to leaving a task is detected and named; once it is gone, the task is stopped.
#include <pthread.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <workit/preempt/no_preempt_scope.hpp>

#include "libraries.hpp"
#include "workloads.hpp"

// Loops while the byte at rdi is not zero, in a frame without unwind information.
asm(R"(
.pushsection .text
.type workit_test_no_unwind,@function
workit_test_no_unwind:
  push %rbx
  mov %rdi,%rbx
1:
  cmpb $0,(%rbx)
  jne 1b
  pop %rbx
  ret
.size workit_test_no_unwind,.-workit_test_no_unwind
.popsection
)");
extern "C" void workit_test_no_unwind(const std::atomic<bool>* busy);

namespace workit::test {
namespace {

std::atomic<bool> in_the_way{false};
std::atomic<bool> reached{false};

bool is_in_the_way() { return in_the_way.load(std::memory_order_relaxed) && !let_out.load(std::memory_order_relaxed); }
void stay() {
  reached.store(true, std::memory_order_relaxed);
  while (is_in_the_way()) {
  }
}
void leave_later() {
  while (!let_out.load(std::memory_order_relaxed)) {
  }
}

void hold_a_mutex() {
  {
    const std::lock_guard guard(shared_mutex_of_tasks());
    stay();
  }
  leave_later();
}

std::shared_mutex with_readers;
void hold_a_shared_lock() {
  {
    const std::shared_lock guard(with_readers);
    stay();
  }
  leave_later();
}

void hold_a_spin_lock() {
  pthread_spinlock_t lock;
  pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
  pthread_spin_lock(&lock);
  stay();
  pthread_spin_unlock(&lock);
  leave_later();
}

void hold_a_stream() {
  flockfile(stderr);
  stay();
  funlockfile(stderr);
  leave_later();
}

// The lock is taken, though the call returns another number than 0.
pthread_mutex_t of_the_dead;
void leave_a_mutex_locked() {
  pthread_mutexattr_t robust;
  pthread_mutexattr_init(&robust);
  pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&of_the_dead, &robust);
  std::thread([] { pthread_mutex_lock(&of_the_dead); }).join();
}
void inherit_a_mutex() {
  if (pthread_mutex_lock(&of_the_dead) == EOWNERDEAD) pthread_mutex_consistent(&of_the_dead);
  stay();
  pthread_mutex_unlock(&of_the_dead);
  leave_later();
}

// A lock that could not be taken is not held.
void fail_to_lock() {
  pthread_mutexattr_t checked;
  pthread_mutexattr_init(&checked);
  pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_t m;
  pthread_mutex_init(&m, &checked);
  pthread_mutex_lock(&m);
  const bool twice = pthread_mutex_lock(&m) == 0 || pthread_mutex_trylock(&m) == 0;
  stay();
  if (!twice) pthread_mutex_unlock(&m);
  leave_later();
}

// Two locks, released in the order in which they were taken.
void hold_by_turns() {
  std::mutex a, b;
  a.lock();
  b.lock();
  a.unlock();
  stay();
  b.unlock();
  leave_later();
}

void be_in_nested_scopes() {
  {
    const no_preempt_scope outer;
    { const no_preempt_scope inner; }
    stay();
  }
  leave_later();
}

int initialised() {
  stay();
  return 1;
}
void initialise_a_static() {
  [[maybe_unused]] static const int once = initialised();
  leave_later();
}

std::once_flag flag;
void call_once() {
  std::call_once(flag, stay);
  leave_later();
}

struct unwinding {
  ~unwinding() { stay(); }
};
void unwind() {
  try {
    const unwinding slow;
    throw 1;
  } catch (int) {
  }
  leave_later();
}

// Opened before the task begins, so that it is known, and never closed.
spin_while_call& in_a_library() {
  static auto* const call = (new library(WORKIT_SPINNING_LIBRARY))->get<spin_while_call>("spin_while");
  return *call;
}
void open_the_library() { in_a_library(); }
void be_in_a_library() {
  auto& spin_while = in_a_library();
  reached = true;
  spin_while(&in_the_way);
  leave_later();
}

std::mutex& of_the_test() {
  static std::mutex m;
  return m;
}
std::condition_variable changed;

void await_a_condition() {
  {
    std::unique_lock lock(of_the_test());
    reached = true;
    while (is_in_the_way()) changed.wait(lock);
  }
  leave_later();
}
void notify() { changed.notify_all(); }

void wait_for_a_mutex() {
  reached = true;
  of_the_test().lock();
  of_the_test().unlock();
  leave_later();
}
void lock_first() { of_the_test().lock(); }
void unlock() { of_the_test().unlock(); }

[[gnu::noinline]] void descend(int depth) {
  if (depth == 0) return stay();
  descend(depth - 1);
  asm volatile("");  // no tail call
}
void be_too_deep() {
  descend(10000);
  leave_later();
}

ucontext_t of_the_task, of_its_own;
alignas(16) char other_stack[1 << 16];
void be_on_another_stack() {
  getcontext(&of_its_own);
  of_its_own.uc_stack = {other_stack, 0, sizeof other_stack};
  of_its_own.uc_link = &of_the_task;
  makecontext(&of_its_own, stay, 0);
  swapcontext(&of_the_task, &of_its_own);
  leave_later();
}

void be_without_unwinding() {
  reached = true;
  workit_test_no_unwind(&in_the_way);
  leave_later();
}

struct refusal {
  const char* name;
  task_body body;
  stop_refusal expected;
  void (*before)() = nullptr;
  void (*after)() = nullptr;
};

std::ostream& operator<<(std::ostream& to, const refusal& r) { return to << r.name; }

const refusal refusals[] = {
    {"AMutexIsHeld", hold_a_mutex, {obstacle::lock_held}},
    {"AMutexOfADeadOwnerIsHeld", inherit_a_mutex, {obstacle::lock_held}, leave_a_mutex_locked},
    {"AMutexWasAskedForTwice", fail_to_lock, {obstacle::lock_held}},
    {"ASharedLockIsHeld", hold_a_shared_lock, {obstacle::lock_held}},
    {"ASpinLockIsHeld", hold_a_spin_lock, {obstacle::lock_held}},
    {"AStreamIsHeld", hold_a_stream, {obstacle::lock_held}},
    {"LocksAreHeldByTurns", hold_by_turns, {obstacle::lock_held}},
    {"ScopesAreNested", be_in_nested_scopes, {obstacle::lock_held}},
    {"AStaticIsInitialised", initialise_a_static, {obstacle::static_init}},
    {"SomethingIsCalledOnce", call_once, {obstacle::static_init}},
    {"AnExceptionIsInFlight", unwind, {obstacle::exception_in_flight}},
    {"ALibraryIsEntered", be_in_a_library, {obstacle::foreign_module, WORKIT_SPINNING_LIBRARY_NAME}, open_the_library},
    {"AConditionIsAwaited", await_a_condition, {obstacle::blocked_in, "pthread_cond_wait"}, nullptr, notify},
    {"AMutexIsAwaited", wait_for_a_mutex, {obstacle::blocked_in, "pthread_mutex_lock"}, lock_first, unlock},
    {"TheStackIsTooDeep", be_too_deep, {obstacle::too_deep}},
    {"TheStackIsAnother", be_on_another_stack, {obstacle::other_stack}},
    {"AFrameCannotBeUnwound", be_without_unwinding, {obstacle::no_unwind}},
};

template <class Condition>
testing::AssertionResult soon(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return testing::AssertionFailure() << "not within 20 s";
    usleep(100);
  }
  return testing::AssertionSuccess();
}

/// Expects the stop once `clear` has removed the obstacle.
template <class Clear>
void expect_stopped_after(Clear clear, stopping_fixture& fixture) {
  const int checked_before = survivors_checked;  // a request is pending, so it may stop before the next kick
  clear();
  const auto stopped = fixture.stop();
  EXPECT_FALSE(stopped.let_out) << describe(stopped.why_not);
  EXPECT_TRUE(stopped.end.left);
  EXPECT_EQ(survivors_checked, checked_before + 1);
}

class Refusal : public ::testing::TestWithParam<refusal> {
 protected:
  void SetUp() override {
    if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
    in_the_way = true;
    reached = false;
  }
};

TEST_P(Refusal, While) {
  const auto& expected = GetParam().expected;
  if (GetParam().before != nullptr) GetParam().before();
  {
    stopping_fixture fixture;
    fixture.start(GetParam().body);
    ASSERT_TRUE(soon([] { return reached.load(); }));
    EXPECT_TRUE(soon([&] { return fixture.kick() && fixture.why_not() == expected; }))
        << "what it said is " << describe(fixture.why_not());
    // And no kick changes that, as long as it is so.
    for (int i = 0; i < 200; ++i) {
      EXPECT_TRUE(fixture.kick());
      usleep(20);
    }
    EXPECT_EQ(fixture.why_not(), expected);
    const auto clear = [go = GetParam().after] {
      in_the_way = false;
      if (go != nullptr) go();
    };
    expect_stopped_after(clear, fixture);
    // The thread is as good as new, and so is what was held.
    if (expected.kind == obstacle::static_init || expected.kind == obstacle::lock_held) {
      in_the_way = true;
      reached = false;
      fixture.start(GetParam().body);
      if (expected.kind == obstacle::lock_held) {
        EXPECT_TRUE(soon([] { return reached.load(); }));
      }
      expect_stopped_after(clear, fixture);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Stays, Refusal, ::testing::ValuesIn(refusals),
                         [](const auto& of) { return std::string(of.param.name); });

// Giving back 128 MiB of touched memory keeps free() in the kernel for milliseconds. When it returns, the task is left.
constexpr std::size_t much = std::size_t{128} << 20;
void free_much() {
  auto* const block = static_cast<char*>(std::malloc(much));
  for (std::size_t i = 0; i < much; i += 4096) block[i] = 1;
  reached = true;
  std::free(block);
  stay();
}

TEST(RefusalWhile, InsideTheAllocator) {
  if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
  bool refused = false;
  leaving at{};
  for (int i = 0; i < 50 && !(refused && at == leaving::frame_return); ++i) {
    in_the_way = true;
    reached = false;
    stopping_fixture fixture;
    fixture.start(free_much);
    while (!reached) {
    }
    usleep(200);
    fixture.kick();
    const auto stopped = fixture.stop();
    ASSERT_TRUE(stopped.end.left);
    at = stopped.end.how.at;
    refused = fixture.why_not().kind == obstacle::allocator;
  }
  EXPECT_TRUE(refused);
  EXPECT_EQ(at, leaving::frame_return);
}

void be_in_an_allowed_library() {
  static auto* const spin_while = (new library(WORKIT_ALLOWED_LIBRARY))->get<spin_while_call>("spin_while");
  reached = true;
  spin_while(&in_the_way);
}

TEST(RefusalWhile, ALibraryIsEnteredEndsOnceItIsAllowed) {
  if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
  preempt::allow_module(WORKIT_ALLOWED_LIBRARY_NAME);
  for (int i = 0; i < 200; ++i) {
    in_the_way = true;
    reached = false;
    stopping_fixture fixture;
    fixture.start(be_in_an_allowed_library);  // the first opens it, so that only the next knows it
    while (!reached) {
    }
    usleep(100);
    if (i == 0) in_the_way = false;
    const int checked_before = survivors_checked;
    const auto stopped = fixture.stop();
    if (i == 0) continue;
    ASSERT_TRUE(stopped.end.left) << describe(stopped.why_not);
    EXPECT_EQ(stopped.end.how.at, leaving::in_place);
    EXPECT_EQ(survivors_checked, checked_before + 1);
  }
}

void block_by_the_system_call_itself() {
  std::uint64_t all = ~std::uint64_t{0}, before = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
  stay();
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, sizeof all);
  leave_later();
}

TEST(RefusalWhile, TheSignalIsBlocked) {
  if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
  in_the_way = true;
  reached = false;
  stopping_fixture fixture;
  fixture.start(block_by_the_system_call_itself);
  ASSERT_TRUE(soon([] { return reached.load(); }));
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(fixture.kick());
    EXPECT_TRUE(fixture.kick_is_pending());
    usleep(100);
  }
  expect_stopped_after([] { in_the_way = false; }, fixture);
  EXPECT_FALSE(fixture.kick_is_pending());
}

}  // namespace
}  // namespace workit::test
