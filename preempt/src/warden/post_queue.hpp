// Work that other threads hand to the warden's.
#pragma once

#include <functional>
#include <mutex>
#include <vector>
#include <workit/base/unique_fd.hpp>

namespace workit::preempt {

/// Threads: any for post(); run() on the thread that the work is for.
class post_queue {
 public:
  /// Errors: std::system_error when descriptors have run out.
  post_queue();

  /// See warden::post().
  void post(std::function<void()> work);
  /// Readable while something waits to be run.
  [[nodiscard]] int descriptor() const noexcept { return ready_event_.get(); }
  /// Runs what has been posted, in order. What it posts in turn waits for the next call.
  void run();

 private:
  unique_fd ready_event_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace workit::preempt
