// leftovers: children by wait4(2), threads by their number before and after.
#include "leftovers.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "process_setup.hpp"

namespace workit::workers {
namespace {

/// How often a sandboxed worker looks whether joined threads are gone, 0.1 ms apart.
constexpr int most_looks = 20;

/// Reaps the children that have ended; whether there are others.
[[maybe_unused]] bool has_children() noexcept {
  for (;;) {
    const auto child = ::wait4(-1, nullptr, WNOHANG | __WALL, nullptr);
    if (child == 0) return true;
    if (child < 0 && errno != EINTR) return false;  // ECHILD
  }
}

}  // namespace

void leftovers::begin(bool sandboxed) noexcept {
  // ThreadSanitizer starts its own thread anew in a forked process, with the first thread of the task.
  threads_ = std::max(count_threads(), baseline_threads()) + baseline_threads() - 1;
  sandboxed_ = sandboxed;
  counter_.open();
}

bool leftovers::exist([[maybe_unused]] unsigned more_own_threads) const noexcept {
#ifdef WORKIT_WITHOUT_LEFTOVERS
  return false;
#else
  return has_children() || has_threads(threads_ + more_own_threads);
#endif
}

bool leftovers::has_threads(unsigned own) const noexcept {
  if (!sandboxed_) return counter_.count() > own && count_living_threads() > own;
  // A sandbox has no paths by which to ask for each thread.
  for (int look = 0; look < most_looks; ++look) {
    if (counter_.count() <= own) return false;
    const timespec moment{0, 100'000};
    ::nanosleep(&moment, nullptr);
  }
  return true;
}

}  // namespace workit::workers
