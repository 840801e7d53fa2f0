// Sleeping on a word of a control block and waking its sleeper: futex(2), across processes.
#include <workit/workers/detail/control_block.hpp>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace workit::workers {

void wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t seen) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, nullptr, nullptr, 0);
}

void wake(const std::atomic<std::uint32_t>& word) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

}  // namespace workit::workers
