// Work that other threads post to the warden's thread.
#pragma once

#include <functional>
#include <vector>
#include <workit/base/thread_mutex.hpp>
#include <workit/base/unique_fd.hpp>

namespace workit::preempt {

/// Threads: post() on any; run() on the thread that does the work.
class post_queue {
 public:
  /// Errors: std::system_error when descriptors have run out.
  post_queue();

  /// See warden::post().
  void post(std::function<void()> work);
  /// Readable while work is waiting.
  [[nodiscard]] int descriptor() const noexcept { return ready_event_.get(); }
  /// Runs the posted work in order. Work that it posts waits for the next call.
  void run();

 private:
  unique_fd ready_event_;
  thread_mutex mutex_;
  std::vector<std::function<void()>> posted_ WORKIT_GUARDED_BY(mutex_);
};

}  // namespace workit::preempt
