// One run of a task at a worker boundary: its context, cleanups and memory.
#pragma once

#include <functional>
#include <optional>
#include <vector>
#include <workit/base/detail/exit_from_work.hpp>
#include <workit/workers/worker_context.hpp>

#include "task_arena.hpp"

namespace workit::workers {

/// Stands on the runner's stack, not on the task's. While it lives its context is the thread's this_worker_context().
class task_frame {
 public:
  /// The task is to stop once `*asked` equals `when`.
  task_frame(const std::atomic<std::uint32_t>& asked, std::uint32_t when, deadline_point until);
  /// finish(), and forgets the context.
  ~task_frame();
  task_frame(const task_frame&) = delete;
  task_frame& operator=(const task_frame&) = delete;

  /// Runs the cleanups and frees the memory; returns its bytes. Idempotent.
  std::uint64_t finish() noexcept;

  void defer(std::function<void()> cleanup);
  [[nodiscard]] std::pmr::memory_resource& memory() noexcept;
  [[nodiscard]] worker_context& context() noexcept { return context_; }

 private:
  const workit::detail::runs_work work_;
  worker_context context_;
  task_frame* const before_;
  std::vector<std::function<void()>> cleanups_;
  std::optional<task_arena> arena_;  // made when it is first asked for
};

}  // namespace workit::workers
