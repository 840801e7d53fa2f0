// The interposed allocator calls: a task that is to stop is left on its way into one of them.
//
// operator new and delete call these, too.
//
// Invariants
// 1. Inside the allocator nothing has to be counted: a task that is interrupted there has frames of another library on
//    its stack, and is not left in those. So the real function is jumped to.
// 2. Allocations by libc's sorters are counted all the same: the walk assumes that a sorter and what it calls hold
//    nothing, which does not hold while they allocate. A task's calls are checked for that from its first sort on
//    (`look_sorting`), and the walk makes the assumption only then.
// 3. `target` of a call is never null: until the real functions are known, it is the function that looks them up.
// Lock order: there are no locks.
//
// Cost: a comparison of a word in the executable's own TLS, and a jump.
#include <dlfcn.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include "hooks.hpp"
#include "real.hpp"

namespace workit::preempt {
namespace {

// For what dlsym() itself allocates before the real functions are known: a few hundred bytes, never freed.
alignas(16) constinit char early[4096];
constinit std::size_t early_used = 0;
constinit bool resolving = false;
constinit bool resolved = false;

// Of libc's code.
constinit std::uintptr_t libc_begin = 0;
constinit std::uintptr_t libc_size = 0;

constinit real<decltype(::qsort)> real_qsort("qsort");
constinit real<decltype(::qsort_r)> real_qsort_r("qsort_r");

WORKIT_RT void* early_alloc(std::size_t bytes) noexcept {
  const auto rounded = (bytes + 15) / 16 * 16;
  if (early_used + rounded > sizeof early) return nullptr;
  void* const at = early + early_used;
  early_used += rounded;
  return at;  // zero, since no early memory is reused
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

/// A task may be left in the comparison of a sorter, which is the task's own code.
WORKIT_RT void sorts() noexcept {
  if (this_mark.task.load(std::memory_order_relaxed) != no_task) this_mark.look.fetch_or(look_sorting);
}

}  // namespace
}  // namespace workit::preempt

using namespace workit::preempt;

// `while_resolving` is the answer while the real function is not known.
#define WORKIT_UNPACKED(...) __VA_ARGS__
#define WORKIT_ALLOCATOR(result, name, while_resolving, arguments, ...)                               \
  namespace workit::preempt {                                                                         \
  WORKIT_RT static result name##_first(__VA_ARGS__);                                                  \
  static constinit real<result(__VA_ARGS__)> real_##name(#name);                                      \
  static constinit std::add_pointer_t<result(__VA_ARGS__)> name##_target = name##_first;              \
  WORKIT_RT static result name##_first(__VA_ARGS__) {                                                 \
    if (!is_ready()) return while_resolving;                                                          \
    return name##_target arguments;                                                                   \
  }                                                                                                   \
  WORKIT_RT static result name##_watched(const void* caller, __VA_ARGS__) {                           \
    if ((this_mark.look.load(std::memory_order_relaxed) & look_sorting) != 0 && is_in_libc(caller)) { \
      const counted here;                                                                             \
      return name##_target arguments;                                                                 \
    }                                                                                                 \
    if (this_mark.is_wanted() && this_mark.held == 0) leave_here();                                   \
    return name##_target arguments;                                                                   \
  }                                                                                                   \
  }                                                                                                   \
  WORKIT_INTERPOSED result name(__VA_ARGS__) {                                                        \
    if (__builtin_expect(this_mark.look.load(std::memory_order_relaxed) != 0, 0))                     \
      return name##_watched(__builtin_return_address(0), WORKIT_UNPACKED arguments);                  \
    return name##_target arguments;                                                                   \
  }

WORKIT_ALLOCATOR(void*, malloc, early_alloc(bytes), (bytes), std::size_t bytes)
WORKIT_ALLOCATOR(void, free, void(), (p), void* p)
WORKIT_ALLOCATOR(void*, calloc, early_alloc(count* each), (count, each), std::size_t count, std::size_t each)
WORKIT_ALLOCATOR(void*, realloc, move_early(old, bytes), (old, bytes), void* old, std::size_t bytes)
WORKIT_ALLOCATOR(void*, memalign, nullptr, (alignment, bytes), std::size_t alignment, std::size_t bytes)
WORKIT_ALLOCATOR(void*, aligned_alloc, nullptr, (alignment, bytes), std::size_t alignment, std::size_t bytes)
WORKIT_ALLOCATOR(int, posix_memalign, ENOMEM, (to, alignment, bytes), void** to, std::size_t alignment,
                 std::size_t bytes)

WORKIT_INTERPOSED void qsort(void* items, std::size_t count, std::size_t each, comparison_fn_t compare) {
  sorts();
  real_qsort.get()(items, count, each, compare);
}
WORKIT_INTERPOSED void qsort_r(void* items, std::size_t count, std::size_t each, __compar_d_fn_t compare, void* with) {
  sorts();
  real_qsort_r.get()(items, count, each, compare, with);
}

namespace workit::preempt {
namespace {

// Used only in a process that has allocated early memory.
WORKIT_RT void free_any(void* p) {
  if (!is_early(p)) real_free.known()(p);
}
WORKIT_RT void* realloc_any(void* old, std::size_t bytes) {
  return is_early(old) ? move_early(old, bytes) : real_realloc.known()(old, bytes);
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
  real_qsort.resolve();
  real_qsort_r.resolve();
  dl_find_object libc{};
  if (_dl_find_object(reinterpret_cast<void*>(real_qsort.known()), &libc) == 0) {
    libc_begin = reinterpret_cast<std::uintptr_t>(libc.dlfo_map_start);
    libc_size = reinterpret_cast<std::uintptr_t>(libc.dlfo_map_end) - libc_begin;
  }
  malloc_target = real_malloc.known();
  free_target = early_used == 0 ? real_free.known() : free_any;
  calloc_target = real_calloc.known();
  realloc_target = early_used == 0 ? real_realloc.known() : realloc_any;
  memalign_target = real_memalign.known();
  aligned_alloc_target = real_aligned_alloc.known();
  posix_memalign_target = real_posix_memalign.known();
  resolving = false;
  resolved = true;
}

}  // namespace workit::preempt
