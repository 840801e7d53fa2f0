// life_mutex: see the header for what it promises. What the kernel does at the owner's death:
// Documentation/locking/robust-futexes.rst.
#include <workit/preempt/life_mutex.hpp>

#include <dlfcn.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <workit/base/assert.hpp>
#include <workit/base/detail/sanitizers.hpp>

#include "owner_word.hpp"

namespace workit::preempt {
namespace {

#ifdef WORKIT_THREAD_SANITIZER
// The sanitizer's search for deadlocks knows 64 mutexes of a thread, and ends the program at the next. The warden holds
// more of these, which no thread waits for by locking: they are taken and let go by libc's own functions.
int by_libc(const char* function, pthread_mutex_t* mutex) noexcept {
  void* const libc = ::dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  return reinterpret_cast<int (*)(pthread_mutex_t*)>(::dlsym(libc, function))(mutex);
}
int try_lock(pthread_mutex_t* mutex) noexcept { return by_libc("pthread_mutex_trylock", mutex); }
int unlock(pthread_mutex_t* mutex) noexcept { return by_libc("pthread_mutex_unlock", mutex); }
#else
int try_lock(pthread_mutex_t* mutex) noexcept { return pthread_mutex_trylock(mutex); }
int unlock(pthread_mutex_t* mutex) noexcept { return pthread_mutex_unlock(mutex); }
#endif

}  // namespace

life_mutex::life_mutex() {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex_, &attributes);
  pthread_mutexattr_destroy(&attributes);
}

const life_mutex& life_mutex::at(const void* shared) noexcept { return *static_cast<const life_mutex*>(shared); }

void life_mutex::hold() {
  const int error = try_lock(&mutex_);
  WORKIT_ASSERT(error == 0, std::string("a life mutex cannot be taken (") + std::strerror(error) +
                                "): it serves one owner, once; initialise it anew for the next owner");
  announce_waiters(const_cast<std::uint32_t*>(word()));
}

void life_mutex::release() {
  const int error = unlock(&mutex_);
  WORKIT_ASSERT(error == 0, "a life mutex was released by a thread that does not hold it: only its owner releases it");
  tell_others(word());
}

// Waits for the futex word and does not lock the mutex: locking it would make this thread the next owner.
life_mutex::ending life_mutex::wait_for_death() const {
  using state = owner_reading::state;
  auto now = read_owner(word());
  while (now.owner == state::holds) {
    const long woken = ::syscall(SYS_futex, word(), FUTEX_WAIT, now.value, nullptr, nullptr, 0);
    WORKIT_ASSERT(woken == 0 || errno == EAGAIN || errno == EINTR,
                  std::string("a life mutex cannot be waited for: futex: ") + std::strerror(errno));
    now = read_owner(word());
  }
  tell_others(word());
  return now.owner == state::died ? ending::died : ending::released;
}

const std::uint32_t* life_mutex::word() const noexcept {
  return reinterpret_cast<const std::uint32_t*>(&mutex_.__data.__lock);
}

bool owner_died(const std::uint32_t* word) noexcept {
  return (__atomic_load_n(word, __ATOMIC_ACQUIRE) & FUTEX_OWNER_DIED) != 0;
}

}  // namespace workit::preempt
