// What a task leaves changed in its thread, the next task does not see.
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xmmintrin.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "stopping_fixture.hpp"

namespace workit::test {
namespace {

/// Something that a thread has, as a number.
struct attribute {
  const char* name;
  void (*change)();
  long (*read)();
  bool costs_a_system_call;  ///< to put back; restored after a stop only
};

sigset_t only(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return set;
}

long is_blocked(int signal) {
  sigset_t now;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
  return sigismember(&now, signal);
}

long own_nice() { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid))); }

bool set_own_nice(long nice) {
  return ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), static_cast<int>(nice)) == 0;
}

void change_own_nice() { set_own_nice(own_nice() == 19 ? 18 : 19); }

cpu_set_t own_cpus() {
  cpu_set_t now;
  CPU_ZERO(&now);
  ::sched_getaffinity(0, sizeof now, &now);
  return now;
}

void use_one_cpu() {
  const auto now = own_cpus();
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &now)) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ::sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

locale_t other_locale() {
  static const locale_t made = ::newlocale(LC_ALL_MASK, "C", nullptr);
  return made;
}

alignas(16) char other_signal_stack[64 << 10];

const std::vector<attribute>& attributes() {
  static const std::vector<attribute> all = {
      {"errno", [] { errno = EDOM; }, [] { return static_cast<long>(errno); }, false},
      {"the rounding of x87", [] { std::ignore = ::fesetround(FE_UPWARD); },
       [] {
         unsigned short control = 0;
         asm volatile("fnstcw %0" : "=m"(control));
         return static_cast<long>(control);
       },
       false},
      {"the rounding of SSE", [] { std::ignore = ::fesetround(FE_DOWNWARD); },
       [] { return static_cast<long>(_MM_GET_ROUNDING_MODE()); }, false},
      {"flushing to zero", [] { _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON); },
       [] { return static_cast<long>(_MM_GET_FLUSH_ZERO_MODE()); }, false},
      {"floating point exceptions that trap", [] { ::feenableexcept(FE_DIVBYZERO); },
       [] { return static_cast<long>(::fegetexcept()); }, false},
      {"floating point flags", [] { ::feraiseexcept(FE_OVERFLOW); },
       [] { return static_cast<long>(::fetestexcept(FE_OVERFLOW)); }, false},
      {"the locale", [] { ::uselocale(other_locale()); },
       [] { return static_cast<long>(reinterpret_cast<std::intptr_t>(::uselocale(nullptr))); }, false},
      {"whether it can be cancelled", [] { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr); },
       [] {
         int now = 0;
         ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &now);
         ::pthread_setcancelstate(now, nullptr);
         return static_cast<long>(now);
       },
       false},
      {"how it is cancelled", [] { ::pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr); },
       [] {
         int now = 0;
         ::pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &now);
         ::pthread_setcanceltype(now, nullptr);
         return static_cast<long>(now);
       },
       false},
      {"the signal mask",
       [] {
         const auto usr1 = only(SIGUSR1);
         ::pthread_sigmask(SIG_UNBLOCK, &usr1, nullptr);
         const auto usr2 = only(SIGUSR2);
         ::pthread_sigmask(SIG_BLOCK, &usr2, nullptr);
       },
       [] { return is_blocked(SIGUSR1) + 2 * is_blocked(SIGUSR2); }, true},
      {"the signal stack",
       [] {
         const stack_t other{other_signal_stack, 0, sizeof other_signal_stack};
         ::sigaltstack(&other, nullptr);
       },
       [] {
         stack_t now{};
         ::sigaltstack(nullptr, &now);
         return static_cast<long>(reinterpret_cast<std::intptr_t>(now.ss_sp));
       },
       true},
      {"the name", [] { ::prctl(PR_SET_NAME, "mine"); },
       [] {
         char now[16] = {};
         ::prctl(PR_GET_NAME, now);
         return static_cast<long>(std::strcmp(now, "mine"));
       },
       true},
      {"the niceness", change_own_nice, own_nice, true},
      {"the policy",
       [] {
         const sched_param none{};
         ::sched_setscheduler(0, SCHED_BATCH, &none);
       },
       [] { return static_cast<long>(::sched_getscheduler(0)); }, true},
      {"the processors", use_one_cpu,
       [] {
         const auto now = own_cpus();
         return static_cast<long>(CPU_COUNT(&now));
       },
       true},
      {"the timer slack", [] { ::prctl(PR_SET_TIMERSLACK, 1'000'000UL); },
       [] { return static_cast<long>(::prctl(PR_GET_TIMERSLACK)); }, true},
  };
  return all;
}

/// Whether it can be changed here, and back: a single processor, or a process that may not raise a priority, cannot.
bool can_be_tried(const attribute& a) {
  bool is_other = false, back = true;
  std::thread([&] {
    const auto before = a.read();
    a.change();
    is_other = a.read() != before;
    if (a.read == own_nice) back = set_own_nice(before);
  }).join();
  return is_other && back;
}

const attribute* current = nullptr;
std::atomic<long> read_before{0}, read_changed{0}, read_after{0};
std::atomic<bool> is_changed{false};

void change_and_return() {
  read_before = current->read();
  current->change();
  read_changed = current->read();
  is_changed = true;
}

void change_and_spin() {
  change_and_return();
  while (!let_out) {
  }
}

void look() { read_after = current->read(); }

class NextTaskOn : public testing::TestWithParam<attribute> {
 protected:
  void SetUp() override {
    if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
    if (!can_be_tried(GetParam())) GTEST_SKIP() << GetParam().name << " cannot be changed here and back";
    current = &GetParam();
    is_changed = false;
  }
};
INSTANTIATE_TEST_SUITE_P(TheThread, NextTaskOn, testing::ValuesIn(attributes()), [](const auto& row) {
  std::string name = row.param.name;
  std::erase_if(name, [](char c) { return c == ' '; });
  return name;
});

TEST_P(NextTaskOn, DoesNotSeeWhatAStoppedOneHasChanged) {
  stopping_fixture fixture;
  for (int round = 0; round < 20; ++round) {
    is_changed = false;
    fixture.start(change_and_spin);
    while (!is_changed) std::this_thread::yield();
    const auto stopped = fixture.stop();
    ASSERT_TRUE(stopped.end.left) << describe(stopped.why_not);
    EXPECT_NE(read_changed, read_before) << "the control: the task did change it";
    fixture.start(look);
    fixture.wait();
    ASSERT_EQ(read_after, read_before);
  }
}

TEST_P(NextTaskOn, DoesNotSeeWhatOneThatReturnedHasChangedUnlessThatCostsASystemCall) {
  stopping_fixture fixture;
  fixture.start(change_and_return);
  fixture.wait();
  fixture.start(look);
  fixture.wait();
  EXPECT_NE(read_changed, read_before);
  EXPECT_EQ(read_after, GetParam().costs_a_system_call ? read_changed.load() : read_before.load());
}

// The control arm: on a thread that is not ours, the next function sees it.
TEST_P(NextTaskOn, WouldSeeItOnAPlainThread) {
  std::thread([] {
    change_and_return();
    look();
  }).join();
  EXPECT_NE(read_after, read_before);
}

}  // namespace
}  // namespace workit::test
