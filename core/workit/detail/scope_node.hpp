// The node of a scope: counts of its children, its first failure, its receipt.
#pragma once

#include <workit/detail/settled_tasks.hpp>
#include <workit/scope_receipt.hpp>

namespace workit::detail {

class scope_node final : public node {
 public:
  using node::node;

  void deliver() override;
  /// A task of this scope failed: the first one stops its siblings.
  void child_failed(task_state_base& child);
  /// A task was spawned here while the scope is stopping: it settles at once.
  void child_never_starts(task_state_base& child);
  /// A task of this scope has ended and left the tree.
  void child_settled(const task_state_base& child, task_status how, time_point now);
  /// Waits until no task is left, runs the cleanups, leaves the tree. On the scope's own fiber.
  void finish();
  /// Calls `on_receipt` once every stop is reclaimed: now, or from the loop later.
  void publish_receipt();

  enum class phase : std::uint8_t { running, closing, closed };
  phase now_in = phase::running;
  std::uint64_t live_tasks = 0;
  std::exception_ptr first_failure;
  scope_receipt receipt;
  time_point opened_at{};  // the runtime's clock, as closed_at
  time_point closed_at{};
  std::unique_ptr<settled_tasks> settled;  // made when the first task has ended
  std::function<void(const scope_receipt&)> on_receipt;

 private:
  void begin_closing();
  void count_settled(const task_state_base& child, task_status how, time_point now);
};

}  // namespace workit::detail
