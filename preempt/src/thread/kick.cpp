// kick: the signal handler that decides, and the two other places at which a thread leaves a task.
//
// The handler calls only functions that are safe there: clock_gettime (POSIX 2.4.3), process_vm_readv (a bare system
// call), _Unwind_Backtrace and _dl_find_object (see stack_walk.hpp, code_map.hpp). It takes no lock; the rest is loads
// and stores of this thread's own words.
#include "thread_state.hpp"

#include <pthread.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "stack_switch.hpp"

#define WORKIT_RT [[gnu::section("workit_rt"), gnu::noinline]]

namespace workit::preempt {

constinit thread_local thread_mark this_mark [[gnu::tls_model("initial-exec")]];
constinit thread_local thread_state* this_state [[gnu::tls_model("initial-exec")]] = nullptr;

namespace {

std::atomic<int> chosen_signal{0};
std::atomic<unsigned> forks_since{0};

/// In the child of a fork: drops the stop requests and the hijacked return address of the parent's thread.
void in_child() {
  forks_since.fetch_add(1, std::memory_order_relaxed);
  this_mark.wanted.store(0, std::memory_order_relaxed);
  if (auto* const self = this_state; self != nullptr) {
    self->due = 0;
    self->kick_on_its_way.store(0, std::memory_order_relaxed);
    un_hijack();
  }
}

bool has_task() noexcept { return this_mark.task.load(std::memory_order_relaxed) != no_task; }

void note(thread_state& self, obstacle o, const char* where = nullptr) noexcept { self.in_the_way.set(o, where); }

/// Whether the thread waits for the mutex that it locked last: the mutex has another owner, or none yet. Reads by a
/// system call, which fails where a load would fault: a mutex can be unlocked by calls that are not interposed, and
/// freed.
bool waits_for_mutex(const thread_state& self) noexcept {
  const auto* const m = static_cast<const pthread_mutex_t*>(const_cast<const void*>(this_mark.locking));
  if (m == nullptr) return false;
  int owner = 0;
  const iovec here{&owner, sizeof owner}, there{const_cast<int*>(&m->__data.__owner), sizeof owner};
  return ::process_vm_readv(::getpid(), &here, 1, &there, 1, 0) == sizeof owner && owner != self.id;
}

void note_held(thread_state& self, std::uint64_t held) noexcept {
  if (const char* call = this_mark.blocked_in) return note(self, obstacle::blocked_in, call);
  if (waits_for_mutex(self)) return note(self, obstacle::blocked_in, "pthread_mutex_lock");
  if (held >= held_exception) return note(self, obstacle::exception_in_flight);
  if (held >= held_guard) return note(self, obstacle::static_init);
  if (held >= held_call) return note(self, obstacle::allocator);
  note(self, obstacle::lock_held);
}

/// The task is over from here on: the other places of leaving see no task.
void close(thread_state& self, leaving how, std::int64_t now) noexcept {
  this_mark.task.store(no_task, std::memory_order_relaxed);
  self.how = how;
  self.left_at = now;
}

void hijack(thread_state& self, const stack_view& view) noexcept {
  self.hijacked_from = view.returns_to;
  *view.slot = reinterpret_cast<std::uintptr_t>(workit_returned);
  self.hijacked = view.slot;
}

/// Whether the task may be left now. If not, hijacks the return address of the library function where that is possible.
bool look(thread_state& self, const stack_view& view) noexcept {
  if (view.in_the_way == obstacle::none) return true;
  note(self, view.in_the_way, view.in_the_way == obstacle::foreign_module ? view.module : nullptr);
  if (view.slot != nullptr) hijack(self, view);
  return false;
}

bool is_in(std::uintptr_t pc, const char* begin, const char* end) noexcept {
  return pc >= reinterpret_cast<std::uintptr_t>(begin) && pc < reinterpret_cast<std::uintptr_t>(end);
}

void decide(thread_state& self, ucontext_t& interrupted) noexcept {
  constexpr greg_t direction = 0x400, alignment_check = 0x40000, trap = 0x100;
  const auto began = monotonic_ns();
  if (!has_task()) return;  // it is over: normal
  if (self.due != 0 && began >= self.due) this_mark.want(this_mark.task.load(std::memory_order_relaxed));
  if (!this_mark.is_wanted()) return;
  self.signals.fetch_add(1, std::memory_order_relaxed);
  auto* const registers = interrupted.uc_mcontext.gregs;
  const auto pc = static_cast<std::uintptr_t>(registers[REG_RIP]);
  if (!self.stack.has(static_cast<std::uintptr_t>(registers[REG_RSP]))) return note(self, obstacle::other_stack);
  if (const auto held = this_mark.held; held != 0) return note_held(self, held);
  un_hijack();
  if (is_in(pc, workit_returned, workit_returned_end)) return;  // it is about to decide for itself
  // The unwinder calls pthread_once, which is interposed: with `held` not zero that call does not walk as well.
  this_mark.held = held_call;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const auto view = walk_from_handler(registers, self.stack);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  this_mark.held = 0;
  if (!look(self, view)) return;
  const auto now = monotonic_ns();
  self.walk = duration{now - began};
  close(self, leaving::in_place, now);
  registers[REG_RSP] = static_cast<greg_t>(self.own_stack);
  registers[REG_RIP] = static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(workit_landing));
  registers[REG_EFL] &= ~(direction | alignment_check | trap);
}

// Only tgkill's signal clears the mark. The timer's does not: a kick may still be about to be sent, and drain() waits.
void on_kick(int, siginfo_t* from, void* context) {
  const int error = errno;
  if (auto* const self = this_state; self != nullptr) {
    if (from->si_code == SI_TKILL) self->kick_on_its_way.store(0, std::memory_order_release);
    decide(*self, *static_cast<ucontext_t*>(context));
  }
  errno = error;
}

}  // namespace

std::int64_t monotonic_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

unsigned forks() noexcept { return forks_since.load(std::memory_order_relaxed); }

int kick_signal() noexcept { return chosen_signal.load(std::memory_order_relaxed); }

bool install_kick() noexcept {
  if (kick_signal() != 0) return true;
  for (int candidate = SIGRTMAX; candidate >= SIGRTMIN; --candidate) {
    struct sigaction before {};
    if (sigaction(candidate, nullptr, &before) != 0 || before.sa_handler != SIG_DFL) continue;
    struct sigaction ours {};
    ours.sa_sigaction = on_kick;
    // No SA_RESTART: a blocking call of a task that is to stop returns with EINTR.
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&ours.sa_mask);
    if (sigaction(candidate, &ours, nullptr) != 0) continue;
    chosen_signal.store(candidate, std::memory_order_relaxed);
    ::pthread_atfork(nullptr, nullptr, in_child);
    return true;
  }
  return false;
}

WORKIT_RT void un_hijack() noexcept {
  auto* const self = this_state;
  if (self == nullptr || self->hijacked == nullptr) return;
  auto* const slot = self->hijacked;
  // A frame that longjmp has skipped is gone, and another frame uses its slot.
  if (*slot == reinterpret_cast<std::uintptr_t>(workit_returned)) *slot = self->hijacked_from;
  self->hijacked = nullptr;
}

WORKIT_RT void leave_here() {
  auto* const self = this_state;
  if (self == nullptr || !has_task()) return;
  this_mark.held = held_call;  // keeps the handler out
  std::atomic_signal_fence(std::memory_order_seq_cst);
  un_hijack();
  const auto began = monotonic_ns();
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const auto view = self->stack.has(here) ? walk_from_here(self->stack) : stack_view{obstacle::other_stack};
  if (look(*self, view)) {
    const auto now = monotonic_ns();
    self->walk = duration{now - began};
    close(*self, leaving::critical_exit, now);
    jump_to_landing(self->own_stack);
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  this_mark.held = 0;
}

extern "C" WORKIT_RT std::uintptr_t workit_after_return() {
  auto& self = *this_state;
  const auto back = self.hijacked_from;
  self.hijacked = nullptr;
  if (this_mark.held != 0 || !has_task() || !this_mark.is_wanted()) return back;
  close(self, leaving::frame_return, monotonic_ns());
  jump_to_landing(self.own_stack);
}

}  // namespace workit::preempt
