// Work that oneTBB runs on one of its threads.
#pragma once

#include <functional>
#include <memory>
#include <workit/base/detail/sanitizers.hpp>

#ifdef WORKIT_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace workit::workers {

/// For task_arena::enqueue(); runs once. oneTBB is not instrumented, so ThreadSanitizer does not see that it orders the
/// enqueue before the run: both ends are annotated. The release is the last step of constructing oneTBB's task, whose
/// last member this is; the acquire precedes every read.
class handed_to_tbb {
 public:
  explicit handed_to_tbb(std::function<void()> work)
      : work_(std::make_unique<std::function<void()>>(std::move(work)).release()) {}
  handed_to_tbb(const handed_to_tbb& other) noexcept : work_(other.work_) {
#ifdef WORKIT_THREAD_SANITIZER
    __tsan_release(work_);
#endif
  }
  handed_to_tbb& operator=(const handed_to_tbb&) = delete;

#ifdef WORKIT_THREAD_SANITIZER
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
