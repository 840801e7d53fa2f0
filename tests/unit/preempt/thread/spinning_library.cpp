// A library of another owner: it spins, calls back, and blocks signals, as libraries do.
#include <pthread.h>

#include <atomic>
#include <csignal>

extern "C" {

// Until told otherwise.
[[gnu::visibility("default")]] void spin_while(const std::atomic<bool>* busy) {
  while (busy->load(std::memory_order_relaxed)) {
  }
}

// The same, and then calls back from a frame of this library.
[[gnu::visibility("default")]] void spin_then_call(const std::atomic<bool>* busy, void (*then)()) {
  spin_while(busy);
  then();
  asm volatile("");  // no tail call
}

[[gnu::visibility("default")]] void block_all_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}
}
