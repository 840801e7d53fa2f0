// thread_counter: the number of links of /proc/self/task (proc(5)).
#include "thread_counter.hpp"

namespace workit::workers {

void thread_counter::open() noexcept { tasks_.open("/proc/self/task"); }

unsigned thread_counter::count() const noexcept {
  const auto now = tasks_.look();
  if (!now || now->st_nlink < 3) return ~0U;
  return static_cast<unsigned>(now->st_nlink) - 2;
}

}  // namespace workit::workers
