// The crash report: a signal handler on a stack of its own that calls nothing but async-signal-safe functions.
//
// Invariants
// 1. `crash.signal` is stored when the rest is complete: a host that reads it may kill the process.
// 2. The backtrace cannot keep the process alive. At a second fault in the handler the kernel kills, since the handler
//    blocks the signal; an alarm ends a backtrace that hangs, e.g. on an overwritten stack. `crash.noted`, which is
//    stored before it, names the signal in both cases.
#include "crash_report.hpp"

#include <execinfo.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <workit/base/detail/guarded_stacks.hpp>

#include "task_backtrace.hpp"
#include "task_limits.hpp"

namespace workit::workers {
namespace {

/// The innermost frames are left out: write_backtrace(), the handler, and the kernel's return from it.
constexpr int own_frames = 3;
constexpr timeval longest_backtrace{0, 200'000};

control_block* crash_block = nullptr;
const payload* crash_content = nullptr;
const std::atomic<int>* crash_event = nullptr;
pid_t owner = -1;
alignas(64) char handler_stack[128 * 1024];

/// take_backtrace() was called before, so that its library is loaded; backtrace_symbols_fd() is async-signal-safe
/// (glibc manual, 33.1); lseek(2), fstat(2), setitimer(2) are system calls.
[[gnu::noinline]] void write_backtrace() noexcept {
  const itimerval alarm{{}, longest_backtrace};
  ::setitimer(ITIMER_REAL, &alarm, nullptr);
  ::signal(SIGALRM, SIG_DFL);
  sigset_t alarms;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGALRM);
  ::sigprocmask(SIG_UNBLOCK, &alarms, nullptr);
  const int to = crash_content->descriptor();
  if (!crash_content->descriptor_intact() || ::lseek(to, payload_offset, SEEK_SET) < 0) return;
  task_frames frames;
  take_backtrace(frames, own_frames);
  ::backtrace_symbols_fd(frames.at, frames.count, to);
  if (frames.more) {
    constexpr auto size = sizeof task_frames::further - 1;
    [[maybe_unused]] const auto written = ::write(to, task_frames::further, size);
  }
  const auto end = ::lseek(to, 0, SEEK_CUR);
  if (end > static_cast<off_t>(payload_offset))
    crash_block->crash.trace_size.store(static_cast<std::uint32_t>(end - static_cast<off_t>(payload_offset)),
                                        std::memory_order_relaxed);
}

void store_and_die(int signal, siginfo_t* info, void*) {
  ::signal(signal, SIG_DFL);
  if (::getpid() == owner) {  // not in a child that the task has forked
    crash_block->crash.address.store(reinterpret_cast<std::uintptr_t>(info->si_addr), std::memory_order_relaxed);
    if (signal == SIGSEGV) {
      record_stack_overflow(info->si_addr);
      workit::detail::report_overflow(info->si_addr);  // of a fiber of the worker's scope
    }
    crash_block->crash.noted.store(signal, std::memory_order_release);
    write_backtrace();
    crash_block->crash.signal.store(signal, std::memory_order_release);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(crash_event->load(std::memory_order_relaxed), &one, sizeof one);
  }
  ::raise(signal);  // blocked until this returns; a fault happens again by itself
}

}  // namespace

void report_crashes_in(const payload& content, const std::atomic<int>& loop_event) noexcept {
  crash_block = &content.control();
  crash_content = &content;
  crash_event = &loop_event;
  owner = ::getpid();
  task_frames first;
  take_backtrace(first, 0);  // loads the unwinder, which a signal handler must not
  stack_t stack{};
  stack.ss_sp = handler_stack;
  stack.ss_size = sizeof handler_stack;
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = store_and_die;
  action.sa_flags = SA_ONSTACK | SA_SIGINFO;
  sigfillset(&action.sa_mask);
  for (const int signal : crash_signals) ::sigaction(signal, &action, nullptr);
}

}  // namespace workit::workers
