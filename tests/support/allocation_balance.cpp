// Operators new and delete that count.
#include "allocation_balance.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace workit::test {
namespace {
std::atomic<std::ptrdiff_t> live{0};
}
std::ptrdiff_t live_allocations() noexcept { return live.load(std::memory_order_relaxed); }
}  // namespace workit::test

// A sanitizer has operators of its own. Clang says so by __has_feature.
#if defined(__has_feature)
#define WORKIT_TEST_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WORKIT_TEST_SANITIZER 1
#else
#define WORKIT_TEST_SANITIZER 0
#endif

#if !WORKIT_TEST_SANITIZER
// The array, nothrow and sized forms of the standard library call these.
void* operator new(std::size_t bytes) {
  void* const memory = std::malloc(bytes != 0 ? bytes : 1);
  if (memory == nullptr) throw std::bad_alloc();
  workit::test::live.fetch_add(1, std::memory_order_relaxed);
  return memory;
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto to = static_cast<std::size_t>(alignment);
  void* const memory = std::aligned_alloc(to, (bytes + to) / to * to);
  if (memory == nullptr) throw std::bad_alloc();
  workit::test::live.fetch_add(1, std::memory_order_relaxed);
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  workit::test::live.fetch_sub(1, std::memory_order_relaxed);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { operator delete(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { operator delete(memory); }
#endif
