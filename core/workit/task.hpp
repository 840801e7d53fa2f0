// task<T>: a handle on work that a scope owns.
#pragma once

#include <workit/detail/task_state.hpp>

namespace workit {

/// A task's life so far. Instants by the runtime's clock, stops by the machine's.
struct task_receipt {
  work_id id = 0;
  std::string name{};
  task_kind kind = task_kind::io;
  task_status status = task_status::pending;
  std::vector<stop_receipt> stops{};  ///< how work behind boundaries was stopped on its behalf
};

namespace detail {
/// Errors: asserts that the task has settled: until then its receipt is being written.
task_receipt receipt_of(const task_state_base& state);
}  // namespace detail

/// Waits for a task and takes its value. T: values, move-only types, references, void. Dropping the handle does not
/// drop the work: the scope owns it. The handle may outlive scope and runtime.
///
/// Threads: any; get() and wait() suspend on a fiber, block on a foreign thread, and are misuse on a loop's own stack.
template <class T>
class task {
 public:
  using value_type = T;

  /// The value, moved out once; a second call is misuse. A settled task answers also when the caller's scope is
  /// stopping. Blocks: until the task has ended. Cancel: throws `cancelled` when the caller's scope stops first.
  /// Errors: what the task threw; task_cancelled when it was cancelled.
  T get() {
    state_->wait_settled();
    state_->take_once();
    if (state_->status() != task_status::succeeded) state_->throw_failure();
    return detail::restore<T>(std::move(*state_->value));
  }

  /// As get(), but an error or a cancellation of the task is returned, not thrown.
  outcome<T> result() {
    state_->wait_settled();
    state_->take_once();
    switch (state_->status()) {
      case task_status::succeeded:
        return outcome<T>::of_value(std::move(*state_->value));
      case task_status::cancelled:
        return outcome<T>::of_cancellation(*state_->why());
      default:
        return outcome<T>::of_error(state_->error());
    }
  }

  /// Blocks: until the task has ended, whichever way. Cancel: as get().
  void wait() const { state_->wait_settled(); }

  /// Cancels this task and what is below it; true to the one call that decided it. Its scope goes on.
  /// Blocks: no, unless work behind a boundary has to be stopped (tens of microseconds). Threads: any.
  bool cancel(cancel_reason why) { return state_->cell()->request(std::move(why)); }
  bool cancel(std::string tag) { return cancel(reason::manual{.tag = std::move(tag)}); }

  [[nodiscard]] task_status status() const noexcept { return state_->status(); }
  [[nodiscard]] work_id id() const noexcept { return state_->id; }
  [[nodiscard]] const std::string& name() const noexcept { return state_->name; }
  /// How the task ended and how its work was stopped. Errors: asserts that the task has settled.
  [[nodiscard]] task_receipt receipt() const { return detail::receipt_of(*state_); }

  /// For those who spawn; users get handles from scope::spawn.
  explicit task(std::shared_ptr<detail::task_state<T>> state) noexcept : state_(std::move(state)) {}

 private:
  std::shared_ptr<detail::task_state<T>> state_;
};

}  // namespace workit
