// fork_safety: see the header.
#include "fork_safety.hpp"

#include "process_setup.hpp"

namespace workit::workers {

unsigned threads_in_user_code() noexcept {
  const auto all = count_threads();
  return all > baseline_threads() ? count_living_threads() : all;
}

std::optional<std::string> why_unforkable() {
  const auto threads = threads_in_user_code();
  if (threads <= baseline_threads()) return std::nullopt;
  return "the zygote has " + std::to_string(threads) +
         " threads and cannot be forked: preload, or a library it loads, has started them; let it use one thread "
         "(e.g. OPENBLAS_NUM_THREADS=1) or start them in the task";
}

}  // namespace workit::workers
