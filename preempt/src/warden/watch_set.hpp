// Descriptors, and what to call when one of them is readable.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <workit/base/thread_mutex.hpp>
#include <workit/base/unique_fd.hpp>

namespace workit::preempt {

/// An epoll set and its callbacks, which run on the one thread that calls turn(). Threads: any for the rest.
class watch_set {
 public:
  /// Errors: std::system_error when descriptors have run out.
  watch_set();

  /// See warden::watch() and warden::unwatch().
  void watch(int descriptor, std::function<void()> ready);
  void unwatch(int descriptor) noexcept;

  /// Waits until something is readable, then calls for it. Threads: always the same.
  void turn();

 private:
  struct watched {
    int descriptor;
    std::function<void()> ready;
  };
  static constexpr int none = -1;
  void call(std::uint64_t id);

  unique_fd set_;
  thread_mutex mutex_;
  std::condition_variable call_ended_;
  std::unordered_map<std::uint64_t, std::shared_ptr<watched>> by_id_ WORKIT_GUARDED_BY(mutex_);
  std::unordered_map<int, std::uint64_t> id_of_ WORKIT_GUARDED_BY(mutex_);
  std::uint64_t last_id_ WORKIT_GUARDED_BY(mutex_) = 0;
  int running_ WORKIT_GUARDED_BY(mutex_) = none;
  std::thread::id caller_ WORKIT_GUARDED_BY(mutex_);
};

}  // namespace workit::preempt
