// Pins the thread that loads it to one processor, as OpenMP's library does with OMP_PROC_BIND.
#include <sched.h>

extern "C" int pinned_threads;
int pinned_threads = 0;

namespace {

[[gnu::constructor]] void pin() {
  cpu_set_t all, one;
  CPU_ZERO(&one);
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
  if (sched_setaffinity(0, sizeof one, &one) == 0) ++pinned_threads;
}

}  // namespace
