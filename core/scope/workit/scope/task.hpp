// task<T>: a handle on work that a scope owns.
#pragma once

#include <workit/scope/detail/task_state.hpp>

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

/// What every handle on a task can do. Dropping it does not drop the work: the scope owns that. It may outlive scope
/// and runtime.
///
/// Threads: any; what waits suspends on a fiber, blocks on a foreign thread, and is misuse on a loop's own stack.
class task_handle {
 public:
  /// Blocks: until the task has ended, whichever way. Cancel: throws `cancelled` when the caller's scope stops first,
  /// and when both have been cancelled; a task that has ended by itself answers also then.
  void wait() const { state_->wait_settled(); }

  /// Cancels this task and what is below it; true to the one call that decided it. Its scope goes on.
  /// Blocks: no, unless work behind a boundary has to be stopped (tens of microseconds). Threads: any.
  bool cancel(cancel_reason why) const;
  bool cancel(std::string tag) const;

  [[nodiscard]] task_status status() const noexcept { return state_->status(); }
  [[nodiscard]] work_id id() const noexcept { return state_->id; }
  [[nodiscard]] const std::string& name() const noexcept { return state_->name; }
  /// How the task ended and how its work was stopped. Errors: asserts that the task has settled.
  [[nodiscard]] task_receipt receipt() const { return detail::receipt_of(*state_); }

 protected:
  explicit task_handle(std::shared_ptr<detail::task_state_base> state) noexcept : state_(std::move(state)) {}

  /// The state with its value; T is what the handle was made with.
  template <class T>
  [[nodiscard]] detail::task_state<T>& state() const noexcept {
    return static_cast<detail::task_state<T>&>(*state_);
  }

 private:
  std::shared_ptr<detail::task_state_base> state_;
};

/// Waits for a task and takes its value. T: values, move-only types, references, void.
template <class T>
class task : public task_handle {
 public:
  using value_type = T;

  /// The value, moved out once; a second call is misuse. Blocks: as wait(). Cancel: as wait().
  /// Errors: what the task threw; task_cancelled when it alone was cancelled.
  T get() {
    wait();
    auto& ended = state<T>();
    ended.take_once();
    if (ended.status() != task_status::succeeded) ended.throw_failure();
    return detail::restore<T>(std::move(*ended.value));
  }

  /// As get(), but an error or a cancellation of the task is returned, not thrown.
  outcome<T> result() {
    auto& ended = state<T>();
    ended.await_settled();
    ended.take_once();
    switch (ended.status()) {
      case task_status::succeeded:
        return outcome<T>::of_value(std::move(*ended.value));
      case task_status::cancelled:
        return outcome<T>::of_cancellation(*ended.why(), name());
      default:
        return outcome<T>::of_error(ended.error());
    }
  }

  /// For the functions that spawn; users get handles from scope::spawn.
  explicit task(std::shared_ptr<detail::task_state<T>> state) noexcept : task_handle(std::move(state)) {}
};

}  // namespace workit
