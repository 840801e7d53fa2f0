// The allocator's calls: where a task that is to stop looks, on its way in. operator new and delete go through these.
//
// Invariants
// 1. Inside the allocator nothing has to be counted: a task that is interrupted there has frames of another library on
//    its stack, and those are not left. So the real function is jumped to.
// 2. What libc calls is counted all the same: of its sorters the walk takes it that they, and what of the library they
//    have called, hold nothing, which is not so while they allocate.
// Lock order: there are no locks.
//
// Cost: a comparison of the caller's address, and one of two words in the executable's own TLS.
#include <dlfcn.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hooks.hpp"
#include "real.hpp"

namespace workit::preempt {
namespace {

// What dlsym() itself allocates before the real functions are known: a few hundred bytes, never given back.
alignas(16) constinit char early[4096];
constinit std::size_t early_used = 0;
constinit bool resolving = false;
constinit bool resolved = false;

constinit real<void*(std::size_t)> real_malloc("malloc");
constinit real<void(void*)> real_free("free");
constinit real<void*(std::size_t, std::size_t)> real_calloc("calloc");
constinit real<void*(void*, std::size_t)> real_realloc("realloc");
constinit real<void*(std::size_t, std::size_t)> real_memalign("memalign");
constinit real<void*(std::size_t, std::size_t)> real_aligned_alloc("aligned_alloc");
constinit real<int(void**, std::size_t, std::size_t)> real_posix_memalign("posix_memalign");

// Of libc's code; all there is until it is known, so that everything is counted.
constinit std::uintptr_t libc_begin = 0;
constinit std::uintptr_t libc_size = ~std::uintptr_t{0};

WORKIT_RT void* early_alloc(std::size_t bytes) noexcept {
  const auto rounded = (bytes + 15) / 16 * 16;
  if (early_used + rounded > sizeof early) return nullptr;
  void* const at = early + early_used;
  early_used += rounded;
  return at;  // zero, since nothing is given back
}

[[gnu::always_inline]] inline bool is_early(const void* p) noexcept {
  return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(early) < sizeof early;
}

/// False while the real functions are being looked up.
WORKIT_RT bool is_ready() noexcept {
  if (resolved) return true;
  if (resolving) return false;
  resolve_allocator();
  return true;
}

[[gnu::always_inline]] inline bool is_in_libc(const void* caller) noexcept {
  return reinterpret_cast<std::uintptr_t>(caller) - libc_begin < libc_size;
}

class counted {
 public:
  [[gnu::always_inline]] counted() noexcept { hold(held_call); }
  [[gnu::always_inline]] ~counted() { let_go(held_call); }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
};

WORKIT_RT void* move_early(void* old, std::size_t bytes) {
  void* const p = std::malloc(bytes);
  if (p != nullptr && old != nullptr) {
    const auto behind = static_cast<std::size_t>(early + sizeof early - static_cast<char*>(old));
    std::memcpy(p, old, bytes < behind ? bytes : behind);
  }
  return p;
}

}  // namespace

WORKIT_RT void resolve_allocator() noexcept {
  if (resolved) return;
  resolving = true;
  real_malloc.resolve();
  real_free.resolve();
  real_calloc.resolve();
  real_realloc.resolve();
  real_memalign.resolve();
  real_aligned_alloc.resolve();
  real_posix_memalign.resolve();
  dl_find_object libc{};
  if (_dl_find_object(find_next("qsort"), &libc) == 0) {
    libc_begin = reinterpret_cast<std::uintptr_t>(libc.dlfo_map_start);
    libc_size = reinterpret_cast<std::uintptr_t>(libc.dlfo_map_end) - libc_begin;
  }
  resolving = false;
  resolved = true;
}

}  // namespace workit::preempt

using namespace workit::preempt;

// `early` answers what the real function is not to see, or cannot be asked yet: known by `is_special`, or by a caller
// in libc, as which everybody counts until libc is known. The three are functions of their own so that the fast way
// needs no frame.
#define WORKIT_ALLOCATOR(result, name, parameters, is_special, early, ...)                \
  namespace workit::preempt {                                                             \
  WORKIT_RT static result name##_counted parameters {                                     \
    if (is_special || !is_ready()) return early;                                          \
    const counted here;                                                                   \
    return real_##name.get()(__VA_ARGS__);                                                \
  }                                                                                       \
  WORKIT_RT static result name##_of_wanted parameters {                                   \
    if (this_mark.held == 0) leave_here();                                                \
    return real_##name.get()(__VA_ARGS__);                                                \
  }                                                                                       \
  }                                                                                       \
  WORKIT_INTERPOSED result name parameters {                                              \
    if (__builtin_expect(is_special || is_in_libc(__builtin_return_address(0)), 0))       \
      return name##_counted(__VA_ARGS__);                                                 \
    if (__builtin_expect(this_mark.is_wanted(), 0)) return name##_of_wanted(__VA_ARGS__); \
    return real_##name.known()(__VA_ARGS__);                                              \
  }

WORKIT_ALLOCATOR(void*, malloc, (std::size_t bytes), false, early_alloc(bytes), bytes)
WORKIT_ALLOCATOR(void, free, (void* p), is_early(p), void(), p)
WORKIT_ALLOCATOR(void*, calloc, (std::size_t count, std::size_t each), false, early_alloc(count* each), count, each)
WORKIT_ALLOCATOR(void*, realloc, (void* old, std::size_t bytes), is_early(old), move_early(old, bytes), old, bytes)
WORKIT_ALLOCATOR(void*, memalign, (std::size_t alignment, std::size_t bytes), false, nullptr, alignment, bytes)
WORKIT_ALLOCATOR(void*, aligned_alloc, (std::size_t alignment, std::size_t bytes), false, nullptr, alignment, bytes)
WORKIT_ALLOCATOR(int, posix_memalign, (void** to, std::size_t alignment, std::size_t bytes), false, ENOMEM, to,
                 alignment, bytes)
