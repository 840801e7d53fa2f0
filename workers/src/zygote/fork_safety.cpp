// fork_safety: see the header.
#include "fork_safety.hpp"

#include <dirent.h>
#include <unistd.h>

#include <fstream>
#include <limits>

#include "process_setup.hpp"

namespace workit::workers {
namespace {

/// The names of threads other than this one, three at most: `("a", "b", ...)`.
std::string names_of_others() {
  std::string names;
  int told = 0;
  DIR* const tasks = ::opendir("/proc/self/task");
  if (tasks == nullptr) return {};
  while (const dirent* entry = ::readdir(tasks)) {
    if (entry->d_name[0] == '.' || entry->d_name == std::to_string(::gettid())) continue;
    std::string name;
    std::getline(std::ifstream("/proc/self/task/" + std::string(entry->d_name) + "/comm"), name);
    names += told == 0 ? " (" : ", ";
    names += ++told > 3 ? "..." : '"' + name + '"';
    if (told > 3) break;
  }
  ::closedir(tasks);
  return told == 0 ? "" : names + ')';
}

}  // namespace

unsigned threads_in_user_code() noexcept {
  const auto all = count_threads();
  return all > baseline_threads() ? count_living_threads() : all;
}

std::optional<std::string> why_unforkable(threads_from where) {
  const auto threads = threads_in_user_code();
  if (threads <= baseline_threads()) return std::nullopt;
  if (threads == std::numeric_limits<unsigned>::max())
    return "the zygote cannot tell how many threads it has, since /proc/self/task cannot be read, and with more than "
           "one "
           "it cannot be forked: mount proc on /proc";
  const auto found = "the zygote has " + std::to_string(threads) + " threads" + names_of_others() +
                     " and cannot be forked, since a child would find the locks of the others locked: ";
  if (where == threads_from::before_init)
    return found +
           "a static object, a library, or a line of main before workit::init has started them; start them after it, "
           "or let the library use one thread (e.g. OPENBLAS_NUM_THREADS=1)";
  return found +
         "preload, or a library it loads, has started them; let it use one thread (e.g. OPENBLAS_NUM_THREADS=1) or "
         "start them in the task";
}

}  // namespace workit::workers
