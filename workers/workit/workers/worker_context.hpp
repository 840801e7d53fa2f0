// worker_context: what a function at any worker boundary may ask for, at no cost worth naming.
#pragma once

#include <atomic>
#include <functional>
#include <memory_resource>
#include <workit/base/deadline_point.hpp>

namespace workit {

namespace workers {
class task_frame;
}

/// A first parameter `worker_context&` is given to the function that offload() runs, at the boundaries cooperative,
/// thread and process alike. It is of the thread that the function runs on; other threads of the task may call
/// stopping() only. Lifetime: the task's.
class worker_context {
 public:
  worker_context(const worker_context&) = delete;
  worker_context& operator=(const worker_context&) = delete;

  /// Whether the task is being stopped. Costs a load. Threads: any.
  [[nodiscard]] bool stopping() const noexcept { return asked_->load(std::memory_order_relaxed) == when_; }
  /// Throws `cancelled` when stopping: for loops, under a nanosecond. The task then counts as stopped by itself.
  void check() const {
    if (stopping()) [[unlikely]]
      leave();
  }
  /// The earliest deadline that rules the task, in machine time.
  [[nodiscard]] deadline_point deadline() const noexcept { return deadline_; }

  /// Runs `cleanup` on this thread when the task has ended, also when it was left in place; last registered first. At
  /// the process boundary not after a kill, with which the whole process goes. It is short, and nothing stops it; what
  /// it throws is lost. Errors: std::bad_alloc.
  void defer(std::function<void()> cleanup);
  /// Closes `descriptor` when the task has ended, in the order of defer(). Returns it. Errors: as defer(); closes it
  /// then.
  int own(int descriptor);
  /// Memory that is given back all at once when the task has ended, however it did: for std::pmr containers. What a
  /// stopped task has allocated elsewhere is leaked at the thread boundary. Never for what outlives the task, such as a
  /// static. Threads: the task's own.
  [[nodiscard]] std::pmr::memory_resource& memory() noexcept;

 private:
  friend class workers::task_frame;
  worker_context() = default;
  [[noreturn]] void leave() const;

  const std::atomic<std::uint32_t>* asked_ = nullptr;  // equal to when_: the task is to stop
  std::uint32_t when_ = 0;
  deadline_point deadline_{};
  workers::task_frame* frame_ = nullptr;
};

}  // namespace workit
