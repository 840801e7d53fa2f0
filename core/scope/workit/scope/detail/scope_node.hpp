// scope_node: the node of a scope: what it hands down, counts of its children, its first failure, its receipt.
#pragma once

#include <atomic>
#include <list>
#include <workit/context/detail/inherited_context.hpp>
#include <workit/scope/detail/settled_tasks.hpp>
#include <workit/scope/scope_receipt.hpp>

namespace workit {
class scope_context;
}

namespace workit::detail {

class scope_node final : public node {
 public:
  using node::node;

  void deliver() override;
  [[nodiscard]] scope_node* as_scope() noexcept override { return this; }
  /// A task of this scope failed: the first one stops its siblings.
  void child_failed(task_state_base& child);
  /// A task was spawned here while the scope is stopping: it settles at once.
  void child_never_starts(task_state_base& child);
  /// A task of this scope has ended and left the tree.
  void child_settled(const task_state_base& child, task_status how, time_point now);
  /// A task from another thread is on its way: the scope stays open for it. False when it has closed. Threads: any.
  [[nodiscard]] bool expect_arrival() noexcept;
  /// The task is here; it was counted, or will never run. Threads: the home loop's.
  void arrived() noexcept;
  /// It could not be sent. Threads: any. A scope that waits for it already sees that when it next wakes.
  void forget_arrival() noexcept;
  /// Waits until no task is left or on its way, runs the cleanups, leaves the tree. On the scope's own fiber.
  /// `failure`: what the body threw; null when nothing.
  void finish(const std::exception_ptr& failure);
  /// Cancels the scope if its deadline has passed: a loop that is held hears of that late.
  void keep_deadline();
  /// Whether `error`, of the body or a task, is how the scope ends: not what only says that something was cancelled,
  /// where the scope itself was.
  [[nodiscard]] bool is_of_its_own(const std::exception_ptr& error) const noexcept;
  /// Has `handler` called once the scope is being cancelled; soon, if it is already.
  std::weak_ptr<scope_handler> when_cancelled(std::function<void(const cancel_reason&)> handler);
  /// Calls `on_receipt` once every stop is reclaimed: now, or from the loop later.
  void publish_receipt();

  enum class phase : std::uint8_t { running, closing, closed };
  phase now_in = phase::running;
  std::uint64_t live_tasks = 0;
  std::exception_ptr first_failure;
  inherited_context::ptr around;  ///< set before it opens; null when nothing is set here or above
  scope_context* face = nullptr;  ///< what its body works with, while the scope is open
  scope_receipt receipt;
  time_point opened_at{};  // the runtime's clock, as closed_at
  time_point closed_at{};
  std::unique_ptr<settled_tasks> settled;  // made when the first task has ended
  std::function<void(const scope_receipt&)> on_receipt;

 private:
  void begin_closing();
  void count_settled(const task_state_base& child, task_status how, time_point now);
  void tell_cancelled();
  /// How many events the telemetry budget that rules here has dropped.
  [[nodiscard]] std::uint64_t dropped_events() const noexcept;
  [[nodiscard]] bool has_arrivals() const noexcept;
  /// Refuses later arrivals, unless there is one now.
  void end_arrivals() noexcept;
  /// Whether there is something to do before the scope may close.
  [[nodiscard]] bool has_open_ends() const;

  static constexpr std::uint32_t no_more = std::uint32_t{1} << 31;
  std::atomic<std::uint32_t> arrivals_{0};  // tasks on their way, or `no_more`
  struct cancel_handler;
  std::list<std::shared_ptr<cancel_handler>> cancel_handlers_;  // those not called yet, oldest first
};

}  // namespace workit::detail
