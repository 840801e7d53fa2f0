// thread_mutex: a mutex whose use Clang checks: https://clang.llvm.org/docs/ThreadSafetyAnalysis.html.
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define WORKIT_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define WORKIT_THREAD_ANNOTATION(x)
#endif

/// The member may be read and written only under this mutex.
#define WORKIT_GUARDED_BY(x) WORKIT_THREAD_ANNOTATION(guarded_by(x))
/// What the pointer points to may be read and written only under this mutex.
#define WORKIT_PT_GUARDED_BY(x) WORKIT_THREAD_ANNOTATION(pt_guarded_by(x))
/// The caller holds these mutexes.
#define WORKIT_REQUIRES(...) WORKIT_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
/// The caller does not hold these mutexes: the function takes them, or calls what may.
#define WORKIT_EXCLUDES(...) WORKIT_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
/// Switches the analysis off for one function; a comment beside it says why.
#define WORKIT_NO_THREAD_ANALYSIS WORKIT_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace workit {

/// std::mutex with the annotations that libstdc++ lacks. Blocks: the thread; a fiber takes workit::mutex instead.
class WORKIT_THREAD_ANNOTATION(capability("mutex")) thread_mutex {
 public:
  thread_mutex() = default;
  thread_mutex(const thread_mutex&) = delete;
  thread_mutex& operator=(const thread_mutex&) = delete;

  void lock() WORKIT_THREAD_ANNOTATION(acquire_capability()) { native_.lock(); }
  void unlock() WORKIT_THREAD_ANNOTATION(release_capability()) { native_.unlock(); }
  bool try_lock() WORKIT_THREAD_ANNOTATION(try_acquire_capability(true)) { return native_.try_lock(); }
  /// Tells the analysis that the mutex is held where it cannot see that: in the predicate of a wait.
  void assert_held() const WORKIT_THREAD_ANNOTATION(assert_capability(this)) {}

 private:
  friend class thread_lock;
  std::mutex native_;
};

/// Holds a thread_mutex from its construction to its end, except between unlock() and lock().
class WORKIT_THREAD_ANNOTATION(scoped_lockable) thread_lock {
 public:
  explicit thread_lock(thread_mutex& m) WORKIT_THREAD_ANNOTATION(acquire_capability(m)) : lock_(m.native_) {}
  ~thread_lock() WORKIT_THREAD_ANNOTATION(release_capability()) = default;
  thread_lock(const thread_lock&) = delete;
  thread_lock& operator=(const thread_lock&) = delete;

  void lock() WORKIT_THREAD_ANNOTATION(acquire_capability()) { lock_.lock(); }
  void unlock() WORKIT_THREAD_ANNOTATION(release_capability()) { lock_.unlock(); }
  /// For std::condition_variable, which gives the mutex up while it waits and has it again afterwards.
  [[nodiscard]] std::unique_lock<std::mutex>& native() noexcept { return lock_; }

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace workit
