// The floor of a stop, measured bare: fork, spin, SIGKILL, membarrier (linux/membarrier.h).
//
// Killer and victim have a processor each, as a server's loop and a busy worker do, and the killer comes out of a wait
// as long as the pace of the model's tokens. On one shared processor the victim is dead before the barrier looks for
// it, and no interrupt travels: that is three to five times quicker, and nothing that a stop could be held against.
#include "floor.hpp"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <stdexcept>
#include <thread>

#include "chat_client.hpp"

namespace demo {
namespace {

long membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }

constexpr std::chrono::milliseconds pause{20};

/// Keeps the calling thread on one of the processors it may use; back to all of them at its end.
class on_processor {
 public:
  /// `which` counts the allowed ones. With fewer than two, or where it is forbidden, the thread stays where it is.
  explicit on_processor(int which) {
    if (sched_getaffinity(0, sizeof before_, &before_) != 0 || CPU_COUNT(&before_) < 2) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &before_) && which-- == 0) CPU_SET(cpu, &one);
    pinned_ = sched_setaffinity(0, sizeof one, &one) == 0;
  }
  ~on_processor() {
    if (pinned_) sched_setaffinity(0, sizeof before_, &before_);
  }
  on_processor(const on_processor&) = delete;
  on_processor& operator=(const on_processor&) = delete;

 private:
  cpu_set_t before_{};
  bool pinned_ = false;
};

[[noreturn]] void spin(std::atomic<std::uint64_t>& counter) {
  for (;;) counter.fetch_add(1, std::memory_order_relaxed);
}

double one_trial(std::atomic<std::uint64_t>& counter) {
  counter = 0;
  const auto child = fork();
  if (child < 0) throw std::runtime_error("no child can be forked for the floor");
  if (child == 0) {
    const on_processor other(1);
    spin(counter);
  }
  const on_processor mine(0);
  while (counter.load(std::memory_order_relaxed) == 0) std::this_thread::yield();
  std::this_thread::sleep_for(pause);
  const auto began = now_ns();
  kill(child, SIGKILL);
  membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
  const auto proven = now_ns();
  waitpid(child, nullptr, 0);
  return static_cast<double>(proven - began) / 1e3;
}

}  // namespace

std::vector<double> kill_to_proof_us(int trials) {
  if (membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) != 0)  // the children inherit it
    throw std::runtime_error("this kernel has no expedited membarrier(2)");
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw std::runtime_error("no shared page for the floor");
  auto& counter = *new (page) std::atomic<std::uint64_t>(0);
  std::vector<double> us;
  for (int i = 0; i < trials; ++i) us.push_back(one_trial(counter));
  munmap(page, 4096);
  std::sort(us.begin(), us.end());
  return us;
}

}  // namespace demo
