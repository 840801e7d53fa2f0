// leftovers: children by wait4(2), threads and descriptors by their number before and after.
#include "leftovers.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "child_list.hpp"
#include "process_setup.hpp"

namespace workit::workers {
namespace {

/// How often a sandboxed worker looks whether joined threads are gone, 0.1 ms apart.
constexpr int most_looks = 20;

/// How often descriptors are counted though the first that is too many seems not to be there.
constexpr unsigned tasks_between_counts = 16;

/// The number that is free now and has that many free ones below.
int free_number(unsigned below) noexcept {
  int number = 0;
  for (unsigned passed = 0;; ++number)
    if (::fcntl(number, F_GETFD) < 0 && passed++ == below) return number;
}

/// Reaps the children that have ended; whether there are others.
bool has_any_child() noexcept {
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
  children_ = has_any_child() ? list_children().size() : 0;
  sandboxed_ = sandboxed;
  counter_.open();
  descriptor_counter_.open();
}

void leftovers::begin_descriptors(unsigned most) noexcept {
  const auto own = descriptors();
  most_descriptors_ = ~0U;
  rlimit files{};
  if (most == 0 || own == ~0U || ::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  const auto room = files.rlim_cur - std::min<rlim_t>(files.rlim_cur, own);
  const auto more = static_cast<unsigned>(std::min<rlim_t>(most, room / 2));
  most_descriptors_ = own + more;
  first_too_many_ = free_number(more);
}

bool leftovers::exist([[maybe_unused]] unsigned more_own_threads) noexcept {
#ifdef WORKIT_WITHOUT_LEFTOVERS
  return false;
#else
  return has_descriptors() || has_children() || has_threads(threads_ + more_own_threads);
#endif
}

/// The kernel gives out the lowest number that is free, so where too many are open, the number that the first of these
/// was given is one of them, unless a task has closed just that one. Asking for it takes a third of the time of a
/// count. A task that has closed the counter's own has left something as well: the worker cannot count any more.
bool leftovers::has_descriptors() noexcept {
  if (most_descriptors_ == ~0U) return false;
  const bool is_taken = ::fcntl(first_too_many_, F_GETFD) >= 0;
  if (!is_taken && ++tasks_ % tasks_between_counts != 0) return false;
  return descriptors() > most_descriptors_;
}

/// A sandbox lets no task have children.
bool leftovers::has_children() const noexcept try {
  return has_any_child() && (children_ == 0 || (!sandboxed_ && list_children().size() > children_));
} catch (...) {  // the task's limit of memory
  return true;
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
