// The floor of a stop, measured bare: fork, spin, SIGKILL, membarrier (linux/membarrier.h).
#include "floor.hpp"

#include <linux/membarrier.h>
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

double one_trial(std::atomic<std::uint64_t>& counter) {
  counter = 0;
  const auto child = fork();
  if (child < 0) throw std::runtime_error("no child can be forked for the floor");
  if (child == 0)
    for (;;) counter.fetch_add(1, std::memory_order_relaxed);
  while (counter.load(std::memory_order_relaxed) == 0) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
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
