// The crash note: a signal handler on a stack of its own that calls nothing but async-signal-safe functions.
#include "crash_note.hpp"

#include <unistd.h>

#include <csignal>

namespace workit::workers {
namespace {

std::atomic<std::int32_t>* crash_note = nullptr;
const std::atomic<int>* crash_bell = nullptr;
pid_t owner = -1;
alignas(64) char handler_stack[64 * 1024];

void store_and_die(int signal) {
  if (::getpid() == owner) {  // a child that the task has forked crashes for itself
    crash_note->store(signal, std::memory_order_release);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto heard = ::write(crash_bell->load(std::memory_order_relaxed), &one, sizeof one);
  }
  ::signal(signal, SIG_DFL);
  ::raise(signal);  // blocked until this returns; a fault happens again by itself
}

}  // namespace

void note_crashes_in(std::atomic<std::int32_t>& note, const std::atomic<int>& bell) noexcept {
  crash_note = &note;
  crash_bell = &bell;
  owner = ::getpid();
  stack_t stack{};
  stack.ss_sp = handler_stack;
  stack.ss_size = sizeof handler_stack;
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_handler = store_and_die;
  action.sa_flags = SA_ONSTACK;
  sigfillset(&action.sa_mask);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) ::sigaction(signal, &action, nullptr);
}

}  // namespace workit::workers
