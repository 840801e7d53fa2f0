// The interposed lock calls: a task is not left between the call that takes a lock and the call that releases it.
//
// Invariants
// 1. The count goes up before the real call that takes a lock, and down again when that call fails.
// 2. It goes down before the real call that releases a lock. Until that call has returned, its frame, or that of the
//    interposed call, is on the stack, and a task is not left in those. So the real function is jumped to, unless the
//    task is to stop: then it is left once the lock is released.
// 3. `mark.locking` is the last plain mutex that was asked for, until any mutex is unlocked. The kick handler reads its
//    owner while something is held: a thread that is not the owner waits for it.
// Lock order: there are no locks of our own.
//
// A wait for a condition releases its mutex and takes it again inside one call, so the count does not change, and the
// name of the call says why the task cannot be left.
#include <pthread.h>
#include <threads.h>

#include <cstdint>
#include <cstdio>

#include "hooks.hpp"
#include "real.hpp"

namespace workit::preempt {
namespace {

#define WORKIT_REAL(name) constinit real<decltype(::name)> real_##name(#name)
WORKIT_REAL(pthread_mutex_lock);
WORKIT_REAL(pthread_mutex_trylock);
WORKIT_REAL(pthread_mutex_timedlock);
WORKIT_REAL(pthread_mutex_clocklock);
WORKIT_REAL(pthread_mutex_unlock);
WORKIT_REAL(pthread_rwlock_rdlock);
WORKIT_REAL(pthread_rwlock_tryrdlock);
WORKIT_REAL(pthread_rwlock_timedrdlock);
WORKIT_REAL(pthread_rwlock_wrlock);
WORKIT_REAL(pthread_rwlock_trywrlock);
WORKIT_REAL(pthread_rwlock_timedwrlock);
WORKIT_REAL(pthread_rwlock_unlock);
WORKIT_REAL(pthread_spin_lock);
WORKIT_REAL(pthread_spin_trylock);
WORKIT_REAL(pthread_spin_unlock);
WORKIT_REAL(pthread_cond_wait);
WORKIT_REAL(pthread_cond_timedwait);
WORKIT_REAL(pthread_cond_clockwait);
WORKIT_REAL(pthread_once);
WORKIT_REAL(mtx_lock);
WORKIT_REAL(mtx_trylock);
WORKIT_REAL(mtx_timedlock);
WORKIT_REAL(mtx_unlock);
WORKIT_REAL(flockfile);
WORKIT_REAL(ftrylockfile);
WORKIT_REAL(funlockfile);
#undef WORKIT_REAL
// Itanium C++ ABI, 3.3.3.
using guard_call = int(std::uint64_t*);
using guard_end = void(std::uint64_t*);
constinit real<guard_call> real_guard_acquire("__cxa_guard_acquire");
constinit real<guard_end> real___cxa_guard_release("__cxa_guard_release");
constinit real<guard_end> real___cxa_guard_abort("__cxa_guard_abort");

/// Names the waiting call while it lasts. Waiting calls do not nest.
class waiting {
 public:
  [[gnu::always_inline]] explicit waiting(const char* call) noexcept {
    this_mark.blocked_in = call;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  [[gnu::always_inline]] ~waiting() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    this_mark.blocked_in = nullptr;
  }
  waiting(const waiting&) = delete;
  waiting& operator=(const waiting&) = delete;
};

/// Whether this result means that the lock was taken; also from an owner that has died.
bool has_taken(int result) noexcept { return result == 0 || result == EOWNERDEAD; }

/// Before a lock is released. Whether the task is to be left once it is.
[[gnu::always_inline]] inline bool count_down(std::uint64_t unit) noexcept {
  this_mark.locking = nullptr;
  const std::uint64_t held = this_mark.held;
  if (__builtin_expect((held & unit * 0xffff) == 0, 0)) return false;  // it was taken elsewhere
  this_mark.held = held - unit;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return held == unit && this_mark.is_wanted();
}

/// Leaves the task at its end if the task is to stop and holds nothing.
class leaving_afterwards {
 public:
  leaving_afterwards() = default;
  ~leaving_afterwards() {
    if (this_mark.held == 0 && this_mark.is_wanted()) leave_here();
  }
  leaving_afterwards(const leaving_afterwards&) = delete;
  leaving_afterwards& operator=(const leaving_afterwards&) = delete;
};

WORKIT_RT int lock_or_not(pthread_mutex_t* m) {
  const int result = real_pthread_mutex_lock.get()(m);
  if (has_taken(result)) return result;
  this_mark.locking = nullptr;
  let_go(held_lock);
  return result;
}

}  // namespace

void resolve_locks() noexcept {
  const auto all = [](auto&... each) { (each.resolve(), ...); };
  all(real_pthread_mutex_lock, real_pthread_mutex_trylock, real_pthread_mutex_timedlock, real_pthread_mutex_clocklock,
      real_pthread_mutex_unlock, real_pthread_rwlock_rdlock, real_pthread_rwlock_tryrdlock,
      real_pthread_rwlock_timedrdlock, real_pthread_rwlock_wrlock, real_pthread_rwlock_trywrlock,
      real_pthread_rwlock_timedwrlock, real_pthread_rwlock_unlock, real_pthread_spin_lock, real_pthread_spin_trylock,
      real_pthread_spin_unlock, real_pthread_cond_wait, real_pthread_cond_timedwait, real_pthread_cond_clockwait,
      real_pthread_once, real_mtx_lock, real_mtx_trylock, real_mtx_timedlock, real_mtx_unlock, real_flockfile,
      real_ftrylockfile, real_funlockfile, real_guard_acquire, real___cxa_guard_release, real___cxa_guard_abort);
}

}  // namespace workit::preempt

using namespace workit::preempt;

// Takes a lock, and may wait for it.
#define WORKIT_TAKES(name, parameters, ...)                         \
  WORKIT_INTERPOSED int name parameters {                           \
    hold(held_lock);                                                \
    int result = 0;                                                 \
    {                                                               \
      const waiting here(#name);                                    \
      result = real_##name.get()(__VA_ARGS__);                      \
    }                                                               \
    if (__builtin_expect(!has_taken(result), 0)) let_go(held_lock); \
    return result;                                                  \
  }

// Releases one.
#define WORKIT_GIVES(name, unit, result, parameters, ...)                                                    \
  namespace workit::preempt {                                                                                \
  WORKIT_RT static result name##_slowly parameters {                                                         \
    const leaving_afterwards end;                                                                            \
    return real_##name.get()(__VA_ARGS__);                                                                   \
  }                                                                                                          \
  }                                                                                                          \
  WORKIT_INTERPOSED result name parameters {                                                                 \
    if (__builtin_expect(count_down(unit) || !real_##name.is_known(), 0)) return name##_slowly(__VA_ARGS__); \
    return real_##name.known()(__VA_ARGS__);                                                                 \
  }

// Waits for a condition, with a mutex that it takes again.
#define WORKIT_WAITS(name, parameters, ...) \
  WORKIT_INTERPOSED int name parameters {   \
    const waiting here(#name);              \
    return real_##name.get()(__VA_ARGS__);  \
  }

extern "C" {
WORKIT_TAKES(pthread_mutex_trylock, (pthread_mutex_t * m) noexcept, m)
WORKIT_TAKES(pthread_mutex_timedlock, (pthread_mutex_t * m, const timespec* t) noexcept, m, t)
WORKIT_TAKES(pthread_mutex_clocklock, (pthread_mutex_t * m, clockid_t c, const timespec* t) noexcept, m, c, t)
WORKIT_TAKES(pthread_rwlock_rdlock, (pthread_rwlock_t * l) noexcept, l)
WORKIT_TAKES(pthread_rwlock_tryrdlock, (pthread_rwlock_t * l) noexcept, l)
WORKIT_TAKES(pthread_rwlock_timedrdlock, (pthread_rwlock_t * l, const timespec* t) noexcept, l, t)
WORKIT_TAKES(pthread_rwlock_wrlock, (pthread_rwlock_t * l) noexcept, l)
WORKIT_TAKES(pthread_rwlock_trywrlock, (pthread_rwlock_t * l) noexcept, l)
WORKIT_TAKES(pthread_rwlock_timedwrlock, (pthread_rwlock_t * l, const timespec* t) noexcept, l, t)
WORKIT_TAKES(pthread_spin_lock, (pthread_spinlock_t * l) noexcept, l)
WORKIT_TAKES(pthread_spin_trylock, (pthread_spinlock_t * l) noexcept, l)
WORKIT_TAKES(mtx_lock, (mtx_t * m), m)
WORKIT_TAKES(mtx_trylock, (mtx_t * m), m)
WORKIT_TAKES(mtx_timedlock, (mtx_t * m, const timespec* t), m, t)
WORKIT_TAKES(ftrylockfile, (FILE * f) noexcept, f)
WORKIT_WAITS(pthread_cond_wait, (pthread_cond_t * c, pthread_mutex_t* m), c, m)
WORKIT_WAITS(pthread_cond_timedwait, (pthread_cond_t * c, pthread_mutex_t* m, const timespec* t), c, m, t)
WORKIT_WAITS(pthread_cond_clockwait, (pthread_cond_t * c, pthread_mutex_t* m, clockid_t k, const timespec* t), c, m, k,
             t)
}

// A mutex of the default kind is always taken in the end (glibc 2.36, nptl/pthread_mutex_lock.c), so the result needs
// no look.
WORKIT_INTERPOSED int pthread_mutex_lock(pthread_mutex_t* m) noexcept {
  hold(held_lock);
  this_mark.locking = m;
  if (__builtin_expect(m->__data.__kind != PTHREAD_MUTEX_TIMED_NP || !real_pthread_mutex_lock.is_known(), 0))
    return lock_or_not(m);
  return real_pthread_mutex_lock.known()(m);
}

WORKIT_GIVES(pthread_mutex_unlock, held_lock, int, (pthread_mutex_t * m) noexcept, m)
WORKIT_GIVES(pthread_rwlock_unlock, held_lock, int, (pthread_rwlock_t * l) noexcept, l)
WORKIT_GIVES(pthread_spin_unlock, held_lock, int, (pthread_spinlock_t * l) noexcept, l)
WORKIT_GIVES(mtx_unlock, held_lock, int, (mtx_t * m), m)
// Itanium C++ ABI, 3.3.3.
WORKIT_GIVES(__cxa_guard_release, held_guard, void, (std::uint64_t * guard), guard)  // NOLINT
WORKIT_GIVES(__cxa_guard_abort, held_guard, void, (std::uint64_t * guard), guard)    // NOLINT
WORKIT_GIVES(funlockfile, held_lock, void, (FILE * f) noexcept, f)

WORKIT_INTERPOSED void flockfile(FILE* f) noexcept {
  hold(held_lock);
  const waiting here("flockfile");
  real_flockfile.get()(f);
}

WORKIT_INTERPOSED int pthread_once(pthread_once_t* once, void (*init)()) {
  hold(held_guard);
  const int result = real_pthread_once.get()(once, init);
  let_go(held_guard);
  return result;
}

// 1 asks the caller to initialise and then to release; 0 says that it is done.
WORKIT_INTERPOSED_WEAKLY int __cxa_guard_acquire(std::uint64_t* guard) {  // NOLINT(bugprone-reserved-identifier)
  hold(held_guard);
  const int result = real_guard_acquire.get()(guard);
  if (result == 0) let_go(held_guard);
  return result;
}
