// The allocator's calls, during which a task is not left. operator new and delete go through these.
//
// Cost: one addition before and one subtraction with a test after each call, on words in the executable's own TLS.
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

constinit real<void*(std::size_t)> real_malloc("malloc");
constinit real<void(void*)> real_free("free");
constinit real<void*(std::size_t, std::size_t)> real_calloc("calloc");
constinit real<void*(void*, std::size_t)> real_realloc("realloc");
constinit real<void*(std::size_t, std::size_t)> real_memalign("memalign");
constinit real<void*(std::size_t, std::size_t)> real_aligned_alloc("aligned_alloc");
constinit real<int(void**, std::size_t, std::size_t)> real_posix_memalign("posix_memalign");
constinit bool resolved = false;

[[gnu::section("workit_rt"), gnu::noinline]] void* early_alloc(std::size_t bytes) noexcept {
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
[[gnu::always_inline]] inline bool is_ready() noexcept {
  if (__builtin_expect(resolved, 1)) return true;
  if (resolving) return false;
  resolve_allocator();
  return true;
}

}  // namespace

[[gnu::section("workit_rt")]] void resolve_allocator() noexcept {
  if (resolved) return;
  resolving = true;
  real_malloc.resolve();
  real_free.resolve();
  real_calloc.resolve();
  real_realloc.resolve();
  real_memalign.resolve();
  real_aligned_alloc.resolve();
  real_posix_memalign.resolve();
  resolving = false;
  resolved = true;
}

}  // namespace workit::preempt

using namespace workit::preempt;

WORKIT_INTERPOSED void* malloc(std::size_t bytes) {
  if (__builtin_expect(!is_ready(), 0)) return early_alloc(bytes);
  hold(held_call);
  void* const p = real_malloc.get()(bytes);
  let_go(held_call);
  return p;
}

WORKIT_INTERPOSED void free(void* p) {
  if (__builtin_expect(is_early(p), 0)) return;
  if (__builtin_expect(!is_ready(), 0)) return;
  hold(held_call);
  real_free.get()(p);
  let_go(held_call);
}

WORKIT_INTERPOSED void* calloc(std::size_t count, std::size_t each) {
  if (__builtin_expect(!is_ready(), 0)) return early_alloc(count * each);
  hold(held_call);
  void* const p = real_calloc.get()(count, each);
  let_go(held_call);
  return p;
}

WORKIT_INTERPOSED void* realloc(void* old, std::size_t bytes) {
  if (__builtin_expect(!is_ready() || is_early(old), 0)) {
    void* const p = is_ready() ? malloc(bytes) : early_alloc(bytes);
    if (p != nullptr && old != nullptr) {
      const auto behind = static_cast<std::size_t>(early + sizeof early - static_cast<char*>(old));
      std::memcpy(p, old, bytes < behind ? bytes : behind);
    }
    return p;
  }
  hold(held_call);
  void* const p = real_realloc.get()(old, bytes);
  let_go(held_call);
  return p;
}

WORKIT_INTERPOSED void* memalign(std::size_t alignment, std::size_t bytes) {
  hold(held_call);
  void* const p = is_ready() ? real_memalign.get()(alignment, bytes) : nullptr;
  let_go(held_call);
  return p;
}

WORKIT_INTERPOSED void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  hold(held_call);
  void* const p = is_ready() ? real_aligned_alloc.get()(alignment, bytes) : nullptr;
  let_go(held_call);
  return p;
}

WORKIT_INTERPOSED int posix_memalign(void** to, std::size_t alignment, std::size_t bytes) {
  hold(held_call);
  const int error = is_ready() ? real_posix_memalign.get()(to, alignment, bytes) : ENOMEM;
  let_go(held_call);
  return error;
}
