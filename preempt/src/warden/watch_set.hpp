// Descriptors, and what to call when one of them is readable.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
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
  static constexpr int nobody = -1;
  void call(std::uint64_t id);

  unique_fd set_;
  std::mutex mutex_;
  std::condition_variable call_ended_;
  std::unordered_map<std::uint64_t, std::shared_ptr<watched>> by_id_;
  std::unordered_map<int, std::uint64_t> id_of_;
  std::uint64_t last_id_ = 0;
  int running_ = nobody;
  std::thread::id caller_;
};

}  // namespace workit::preempt
