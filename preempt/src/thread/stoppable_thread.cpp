// stoppable_thread: see the header; thread_state.hpp has the invariants of what is shared with the handler.
#include <workit/preempt/stoppable_thread.hpp>

#include <fcntl.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif

#include <cxxabi.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <system_error>
#include <workit/base/assert.hpp>
#include <workit/base/detail/calling_environment.hpp>
#include <workit/base/unique_fd.hpp>

#include "code_map.hpp"
#include "stack_switch.hpp"
#include "system_call.hpp"
#include "task_stack.hpp"
#include "thread_attributes.hpp"
#include "thread_state.hpp"

namespace workit::preempt {
namespace {

/// How many quarantined stacks a thread keeps.
constexpr std::size_t most_quarantined = 16;
/// Bytes for the frames of the handler and the walk; the kernel's signal frame comes on top.
constexpr std::size_t handler_stack = std::size_t{64} << 10;

/// Itanium C++ ABI, 2.2.2: what __cxa_get_globals() points to.
struct exception_globals {
  void* caught;
  unsigned uncaught;
};

exception_globals& globals() noexcept { return *reinterpret_cast<exception_globals*>(abi::__cxa_get_globals()); }

timespec to_timespec(std::int64_t ns) noexcept {
  return {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
}

void set_timer(timer_t timer, std::int64_t due) noexcept {
  const itimerspec spec{{}, to_timespec(due)};
  ::timer_settime(timer, TIMER_ABSTIME, &spec, nullptr);
}

/// A timer that kicks the calling thread.
timer_t make_timer(pid_t thread) {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = kick_signal();
  event._sigev_un._tid = thread;
  timer_t made{};
  if (::timer_create(CLOCK_MONOTONIC, &event, &made) == 0) return made;
  if (errno != EAGAIN) checked(-1, "timer_create");
  throw std::system_error(EAGAIN, std::system_category(),
                          "timer_create: as many signals are queued for this user, by all of its processes, as "
                          "RLIMIT_SIGPENDING (ulimit -i) allows here. Raise it, or end what queues them");
}

std::size_t alternate_stack_size() noexcept {
#ifdef AT_MINSIGSTKSZ
  const auto frame = ::getauxval(AT_MINSIGSTKSZ);
#else
  const auto frame = 0UL;
#endif
  return std::max<std::size_t>(frame, MINSIGSTKSZ) + handler_stack;
}

}  // namespace

struct owned_state : thread_state {
  explicit owned_state(const stoppable_options& options)
      : task_stack(options.stack_size), signal_stack(alternate_stack_size()) {}

  guarded_stack task_stack;
  guarded_stack signal_stack;
  std::deque<guarded_stack> quarantined;
  stack_t stack_before{};
  workit::detail::calling_environment environment;
  std::optional<thread_attributes> attributes;  // once the thread has its signal stack and lets kicks through
};

namespace {

/// Where the kernel writes the processor that the calling thread runs on; null unless glibc (2.35) has registered rseq.
/// Source: rseq(2), sys/rseq.h.
const std::uint32_t* processor_note() noexcept {
#if defined(RSEQ_SIG)
  if (__rseq_size != 0) {
    char* thread = nullptr;
    asm("mov %%fs:0, %0" : "=r"(thread));
    return &reinterpret_cast<const struct rseq*>(thread + __rseq_offset)->cpu_id;
  }
#endif
  return nullptr;
}

owned_state& whole(thread_state& s) noexcept { return static_cast<owned_state&>(s); }

/// Waits until no kick is on its way to this thread. A signal that was sent is taken at the latest on the way back from
/// a system call. A sender that finds the task finished clears its mark, within a microsecond. This spins for that long
/// before it makes a system call, since that would wait for the sender's, which takes 15 us for a signal.
void drain(owned_state& self) noexcept {
  for (int i = 0; self.kick_on_its_way.load(std::memory_order_acquire) != 0; ++i) {
    if (i == 100) break;
    __builtin_ia32_pause();
  }
  if (self.kick_on_its_way.load(std::memory_order_acquire) == 0) return;
  ::pthread_sigmask(SIG_SETMASK, &self.attributes->mask(), nullptr);  // the task may have blocked it
  while (self.kick_on_its_way.load(std::memory_order_acquire) != 0) ::sched_yield();
}

}  // namespace

stoppable_thread::stoppable_thread(stoppable_options options) : kick_handle(nullptr), options_(options) {
  WORKIT_ASSERT(why_unsupported().empty(), "a stoppable thread is made where there can be none: " + why_unsupported());
  WORKIT_ASSERT(this_state == nullptr, "this thread is a stoppable one already");
  auto made = std::make_shared<owned_state>(options);
  made->stack = made->task_stack.bounds();
  made->id = static_cast<pid_t>(::syscall(SYS_gettid));
  made->mark = &this_mark;
  made->processor = processor_note();
  ::pthread_getcpuclockid(::pthread_self(), &made->cpu_clock);
  const auto signals = made->signal_stack.bounds();
  const stack_t alternate{reinterpret_cast<void*>(signals.low), 0, signals.high - signals.low};
  made->timer = make_timer(made->id);
  if (::sigaltstack(&alternate, &made->stack_before) != 0) {
    const int error = errno;
    ::timer_delete(made->timer);
    throw std::system_error(error, std::system_category(), "sigaltstack");
  }
  sigset_t kicks;
  sigemptyset(&kicks);
  sigaddset(&kicks, kick_signal());
  ::pthread_sigmask(SIG_UNBLOCK, &kicks, nullptr);
  made->attributes.emplace();
  code_map::refresh();
  state_ = std::move(made);
  this_state = state_.get();
}

stoppable_thread::~stoppable_thread() {
  if (state_ != nullptr) release();
}

void stoppable_thread::release() noexcept {
  auto& self = whole(*state_);
  ::timer_delete(self.timer);
  drain(self);
  this_state = nullptr;
  ::sigaltstack(&self.stack_before, nullptr);
  state_.reset();
}

run_end stoppable_thread::run(std::uint64_t number, deadline_point until, void (*fn)(void*), void* argument) {
  auto& self = whole(*state_);
  WORKIT_ASSERT(this_state == &self, "stoppable_thread::run() was called on another thread than it was made on");
  code_map::refresh();
  const auto exceptions = globals();
  errno = 0;
  this_mark.held = 0;
  this_mark.blocked_in = nullptr;
  this_mark.locking = nullptr;
  self.hijacked = nullptr;
  self.forks = forks();
  self.signals.store(0, std::memory_order_relaxed);
  self.in_the_way.set(obstacle::none, nullptr);
  self.due = until.is_never() ? 0 : until.at().time_since_epoch().count();
  this_mark.task.store(number, std::memory_order_relaxed);
  self.task.store(number, std::memory_order_seq_cst);
  if (self.due != 0) set_timer(self.timer, self.due);

  const bool left = workit_run_on_stack(self.task_stack.top(), fn, argument, &self.own_stack) != 0;

  this_mark.task.store(no_task, std::memory_order_relaxed);
  self.task.store(no_task, std::memory_order_seq_cst);
  if (self.due != 0) set_timer(self.timer, 0);
  self.due = 0;
  drain(self);
  if (self.kicked_by_timer.load(std::memory_order_relaxed)) {  // its signal is taken before this returns
    set_timer(self.timer, 0);
    ::pthread_sigmask(SIG_SETMASK, &self.attributes->mask(), nullptr);
    self.kicked_by_timer.store(false, std::memory_order_relaxed);
  }
  this_mark.look.store(0, std::memory_order_relaxed);
  this_mark.held = 0;
  WORKIT_ASSERT(self.forks == forks(),
                "a task at the thread boundary has forked, and its child has come back out of the task: end the child "
                "by _exit() or exec()");
  self.environment.restore();
  run_end end{.left = left};
  if (!left) return end;
  globals() = exceptions;
  self.attributes->restore();
  end.how = {.at = self.how, .signals = self.signals.load(std::memory_order_relaxed), .walk = self.walk};
  end.stopped = time_point{duration{self.left_at}};
  end.spoilt = this_mark.has_thread_locals;
  if (options_.quarantine) {
    guarded_stack fresh(options_.stack_size);
    std::swap(fresh, self.task_stack);
    self.stack = self.task_stack.bounds();
    fresh.forbid();
    self.quarantined.push_back(std::move(fresh));
    if (self.quarantined.size() > most_quarantined) self.quarantined.pop_front();
  }
  return end;
}

namespace {

/// Whether the task leaves by itself, at an interposed call that sees the stop request. That saves a signal, which
/// takes 20 us and is waited for. The longer time is for a task that walks its stack or holds something: a signal could
/// do nothing then.
bool leaves_by_itself(const thread_state& target, std::uint64_t number) noexcept {
  constexpr std::int64_t to_see = 1'000, to_let_go = 5'000;
  const auto asked = monotonic_ns();
  while (target.task.load(std::memory_order_acquire) == number) {
    if (monotonic_ns() - asked > (target.mark->held != 0 ? to_let_go : to_see)) return false;
    __builtin_ia32_pause();
  }
  return true;
}

}  // namespace

// The thread ends only after drain(), so its words can be read while our mark is set and the task is still this one.
// Every kick stores the request anew: a late kick of an earlier task may have overwritten it.
bool kick_handle::kick(std::uint64_t number) const noexcept {
  auto& target = *state_;
  // A late kick sets no mark, not even for a moment: drain() would wait for it.
  if (target.task.load(std::memory_order_relaxed) != number) return false;
  std::uint32_t none = 0;
  if (!target.kick_on_its_way.compare_exchange_strong(none, 1, std::memory_order_seq_cst)) return true;
  bool over = target.task.load(std::memory_order_seq_cst) != number;
  if (!over) {
    target.mark->want(number);
    over = leaves_by_itself(target, number);
    if (target.processor != nullptr)
      target.kicked_on.store(static_cast<int>(__atomic_load_n(target.processor, __ATOMIC_RELAXED)),
                             std::memory_order_relaxed);
    if (!over && ::syscall(SYS_tgkill, ::getpid(), target.id, kick_signal()) == 0) return true;
    // Too many signals are queued. The timer's has had its place since the timer was made.
    if (!over) {
      target.unqueued.fetch_add(1, std::memory_order_relaxed);
      target.kicked_by_timer.store(true, std::memory_order_relaxed);
      set_timer(target.timer, 1);
    }
  }
  target.kick_on_its_way.store(0, std::memory_order_release);
  return !over;
}

bool kick_handle::kick_is_pending() const noexcept {
  return state_->kick_on_its_way.load(std::memory_order_acquire) != 0;
}

// proc(5), /proc/[pid]/status: SigBlk is a mask in hexadecimal.
bool kick_handle::blocks_kicks() const noexcept {
  char text[4096];
  const unique_fd file(
      ::open(("/proc/self/task/" + std::to_string(state_->id) + "/status").c_str(), O_RDONLY | O_CLOEXEC));
  const auto size = file ? ::read(file.get(), text, sizeof text - 1) : -1;
  if (size <= 0) return false;
  text[size] = 0;
  const char* const line = std::strstr(text, "\nSigBlk:");
  return line != nullptr && ((std::strtoull(line + 8, nullptr, 16) >> (kick_signal() - 1)) & 1) != 0;
}

unsigned stoppable_thread::take_unqueued() noexcept { return state_->unqueued.exchange(0, std::memory_order_relaxed); }

unsigned kick_handle::signals() const noexcept { return state_->signals.load(std::memory_order_relaxed); }

stop_refusal kick_handle::why_not() const { return state_->in_the_way.get(); }

duration kick_handle::cpu_time() const noexcept {
  timespec used{};
  if (::clock_gettime(state_->cpu_clock, &used) != 0) return {};
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

int kick_handle::kicked_on() const noexcept { return state_->kicked_on.load(std::memory_order_relaxed); }

pid_t kick_handle::id() const noexcept { return state_->id; }

bool stoppable_thread::guards(std::uintptr_t address) const noexcept {
  return whole(*state_).task_stack.guards(address);
}

// Calls exit(2) itself, since pthread_exit runs destructors. pthread_join waits for the kernel to clear the thread's
// id, which happens however the thread ends (set_tid_address(2)).
void stoppable_thread::end_thread(const std::function<void()>& last) {
  release();
  last();
  for (;;) ::syscall(SYS_exit, 0);
}

std::uint64_t next_task_number() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void allow_module(std::string name) { code_map::allow(std::move(name)); }

}  // namespace workit::preempt
