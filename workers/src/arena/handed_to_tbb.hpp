// What oneTBB takes to one of its threads.
#pragma once

#include <functional>
#include <memory>

#if defined(__SANITIZE_THREAD__)
#define WORKIT_TELLS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WORKIT_TELLS_TSAN 1
#endif
#endif
#ifdef WORKIT_TELLS_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace workit::workers {

/// Work for task_arena::enqueue(), run once. The library orders what is enqueued before what runs, but it is not
/// instrumented, so ThreadSanitizer sees no order: it is told of the two ends, and of nothing in between. The release
/// comes last in the making of oneTBB's task, whose last member this is, the acquire before anything is read.
class handed_to_tbb {
 public:
  explicit handed_to_tbb(std::function<void()> work)
      : work_(std::make_unique<std::function<void()>>(std::move(work)).release()) {}
  handed_to_tbb(const handed_to_tbb& other) noexcept : work_(other.work_) {
#ifdef WORKIT_TELLS_TSAN
    __tsan_release(work_);
#endif
  }
  handed_to_tbb& operator=(const handed_to_tbb&) = delete;

#ifdef WORKIT_TELLS_TSAN
  __attribute__((noinline, no_sanitize("thread"))) void operator()() const {
    __tsan_acquire(work_);
    run(work_);
  }
#else
  void operator()() const { run(work_); }
#endif

 private:
  static void run(std::function<void()>* work) {
    const std::unique_ptr<std::function<void()>> own(work);
    (*own)();
  }

  std::function<void()>* work_;
};

}  // namespace workit::workers
