// signal_stack: a stack for the signal handlers of an I/O thread, because a fiber's own may have no room left.
#pragma once

#include <sys/mman.h>

#include <csignal>

namespace workit::detail {

/// Gives the calling thread an alternate signal stack for as long as this lives, unless it has one (AddressSanitizer
/// brings its own). Without memory for it there is none, and handlers run on the fiber's stack. Threads: one; a
/// thread_local of it serves a thread that is not the runtime's as well.
class signal_stack {
 public:
  signal_stack() noexcept {
    stack_t present{};
    if (sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return;
    void* memory =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) return;
    memory_ = memory;
    stack_t ours{};
    ours.ss_sp = memory_;
    ours.ss_size = bytes;
    sigaltstack(&ours, nullptr);
  }
  ~signal_stack() {
    if (memory_ == nullptr) return;
    stack_t present{};
    if (sigaltstack(nullptr, &present) != 0) return;
    if (present.ss_sp == memory_) {
      stack_t none{};
      none.ss_flags = SS_DISABLE;
      sigaltstack(&none, nullptr);
    }
    munmap(memory_, bytes);
  }
  signal_stack(const signal_stack&) = delete;
  signal_stack& operator=(const signal_stack&) = delete;

 private:
  // A signal frame with the AVX-512 and AMX registers is 11 KiB, an unwinder's walk takes about 4.
  static constexpr std::size_t bytes = 64 * 1024;
  void* memory_ = nullptr;
};

}  // namespace workit::detail
