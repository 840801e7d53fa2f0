// The locks: from the call that takes one to the call that gives it back, a task is not left.
//
// A count goes up before the real call, so that there is no instruction between taking and counting; it goes down again
// when the lock was not to be had. A wait for a condition gives its mutex back and takes it again inside one call, so
// the count stays as it is, and the call's name tells why the task cannot be left.
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
constinit real<guard_end> real_guard_release("__cxa_guard_release");
constinit real<guard_end> real_guard_abort("__cxa_guard_abort");

/// Names the waiting call while it lasts.
class waiting {
 public:
  [[gnu::always_inline]] explicit waiting(const char* call) noexcept : before_(this_mark.blocked_in) {
    this_mark.blocked_in = call;
  }
  [[gnu::always_inline]] ~waiting() { this_mark.blocked_in = before_; }
  waiting(const waiting&) = delete;
  waiting& operator=(const waiting&) = delete;

 private:
  const char* const before_;
};

}  // namespace

void resolve_locks() noexcept {
  const auto all = [](auto&... each) { (each.resolve(), ...); };
  all(real_pthread_mutex_lock, real_pthread_mutex_trylock, real_pthread_mutex_timedlock, real_pthread_mutex_clocklock,
      real_pthread_mutex_unlock, real_pthread_rwlock_rdlock, real_pthread_rwlock_tryrdlock,
      real_pthread_rwlock_timedrdlock, real_pthread_rwlock_wrlock, real_pthread_rwlock_trywrlock,
      real_pthread_rwlock_timedwrlock, real_pthread_rwlock_unlock, real_pthread_spin_lock, real_pthread_spin_trylock,
      real_pthread_spin_unlock, real_pthread_cond_wait, real_pthread_cond_timedwait, real_pthread_cond_clockwait,
      real_pthread_once, real_mtx_lock, real_mtx_trylock, real_mtx_timedlock, real_mtx_unlock, real_flockfile,
      real_ftrylockfile, real_funlockfile, real_guard_acquire, real_guard_release, real_guard_abort);
}

}  // namespace workit::preempt

using namespace workit::preempt;

// Takes a lock when it returns 0, and may wait for it.
#define WORKIT_TAKES(name, parameters, ...)                  \
  WORKIT_INTERPOSED int name parameters {                    \
    hold(held_lock);                                         \
    int result = 0;                                          \
    {                                                        \
      const waiting here(#name);                             \
      result = real_##name.get()(__VA_ARGS__);               \
    }                                                        \
    if (__builtin_expect(result != 0, 0)) let_go(held_lock); \
    return result;                                           \
  }

// Gives one back.
#define WORKIT_GIVES(name, parameters, ...)            \
  WORKIT_INTERPOSED int name parameters {              \
    const int result = real_##name.get()(__VA_ARGS__); \
    let_go_if_held(held_lock);                         \
    return result;                                     \
  }

// Waits with a lock that it will take again.
#define WORKIT_WAITS(name, parameters, ...) \
  WORKIT_INTERPOSED int name parameters {   \
    const waiting here(#name);              \
    return real_##name.get()(__VA_ARGS__);  \
  }

extern "C" {
WORKIT_TAKES(pthread_mutex_lock, (pthread_mutex_t * m) noexcept, m)
WORKIT_TAKES(pthread_mutex_trylock, (pthread_mutex_t * m) noexcept, m)
WORKIT_TAKES(pthread_mutex_timedlock, (pthread_mutex_t * m, const timespec* t) noexcept, m, t)
WORKIT_TAKES(pthread_mutex_clocklock, (pthread_mutex_t * m, clockid_t c, const timespec* t) noexcept, m, c, t)
WORKIT_GIVES(pthread_mutex_unlock, (pthread_mutex_t * m) noexcept, m)
WORKIT_TAKES(pthread_rwlock_rdlock, (pthread_rwlock_t * l) noexcept, l)
WORKIT_TAKES(pthread_rwlock_tryrdlock, (pthread_rwlock_t * l) noexcept, l)
WORKIT_TAKES(pthread_rwlock_timedrdlock, (pthread_rwlock_t * l, const timespec* t) noexcept, l, t)
WORKIT_TAKES(pthread_rwlock_wrlock, (pthread_rwlock_t * l) noexcept, l)
WORKIT_TAKES(pthread_rwlock_trywrlock, (pthread_rwlock_t * l) noexcept, l)
WORKIT_TAKES(pthread_rwlock_timedwrlock, (pthread_rwlock_t * l, const timespec* t) noexcept, l, t)
WORKIT_GIVES(pthread_rwlock_unlock, (pthread_rwlock_t * l) noexcept, l)
WORKIT_TAKES(pthread_spin_lock, (pthread_spinlock_t * l) noexcept, l)
WORKIT_TAKES(pthread_spin_trylock, (pthread_spinlock_t * l) noexcept, l)
WORKIT_GIVES(pthread_spin_unlock, (pthread_spinlock_t * l) noexcept, l)
WORKIT_TAKES(mtx_lock, (mtx_t * m), m)
WORKIT_TAKES(mtx_trylock, (mtx_t * m), m)
WORKIT_TAKES(mtx_timedlock, (mtx_t * m, const timespec* t), m, t)
WORKIT_GIVES(mtx_unlock, (mtx_t * m), m)
WORKIT_TAKES(ftrylockfile, (FILE * f) noexcept, f)
WORKIT_WAITS(pthread_cond_wait, (pthread_cond_t * c, pthread_mutex_t* m), c, m)
WORKIT_WAITS(pthread_cond_timedwait, (pthread_cond_t * c, pthread_mutex_t* m, const timespec* t), c, m, t)
WORKIT_WAITS(pthread_cond_clockwait, (pthread_cond_t * c, pthread_mutex_t* m, clockid_t k, const timespec* t), c, m, k,
             t)
}

WORKIT_INTERPOSED void flockfile(FILE* f) noexcept {
  hold(held_lock);
  const waiting here("flockfile");
  real_flockfile.get()(f);
}

WORKIT_INTERPOSED void funlockfile(FILE* f) noexcept {
  real_funlockfile.get()(f);
  let_go_if_held(held_lock);
}

WORKIT_INTERPOSED int pthread_once(pthread_once_t* once, void (*init)()) {
  hold(held_guard);
  const int result = real_pthread_once.get()(once, init);
  let_go(held_guard);
  return result;
}

// 1 asks the caller to initialise and then to release; 0 says that it is done.
WORKIT_INTERPOSED int __cxa_guard_acquire(std::uint64_t* guard) {  // NOLINT(bugprone-reserved-identifier)
  hold(held_guard);
  const int result = real_guard_acquire.get()(guard);
  if (result == 0) let_go(held_guard);
  return result;
}

WORKIT_INTERPOSED void __cxa_guard_release(std::uint64_t* guard) {  // NOLINT(bugprone-reserved-identifier)
  real_guard_release.get()(guard);
  let_go_if_held(held_guard);
}

WORKIT_INTERPOSED void __cxa_guard_abort(std::uint64_t* guard) {  // NOLINT(bugprone-reserved-identifier)
  real_guard_abort.get()(guard);
  let_go_if_held(held_guard);
}
