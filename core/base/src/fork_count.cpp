// fork_count: counted by pthread_atfork(3) in the child.
#include <workit/base/detail/fork_count.hpp>

#include <pthread.h>

#include <atomic>

namespace workit::detail {
namespace {

std::atomic<unsigned> forks{0};

}  // namespace

unsigned fork_count() noexcept {
  [[maybe_unused]] static const int listens =
      ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  return forks.load(std::memory_order_relaxed);
}

}  // namespace workit::detail
