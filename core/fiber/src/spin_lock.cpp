// spin_lock: how a waiting thread backs off.
#include <workit/fiber/detail/spin_lock.hpp>

#include <thread>

namespace workit::detail {

void backoff::pause() noexcept {
  constexpr unsigned spins = 64, yields = 128;
  ++rounds_;
  if (rounds_ < spins) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  } else if (rounds_ < yields) {
    std::this_thread::yield();
  } else {
    // Yielding does not help where the holder's priority is lower than the spinner's.
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

}  // namespace workit::detail
