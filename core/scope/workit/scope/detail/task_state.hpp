// task_state: the shared state of one task: body, outcome, and waiters.
#pragma once

#include <atomic>
#include <concepts>
#include <type_traits>
#include <workit/base/boundary.hpp>
#include <workit/base/outcome.hpp>
#include <workit/fiber/detail/block_pool.hpp>
#include <workit/scope/detail/node.hpp>

namespace workit {

/// Where a task is in its life; the last three are final.
enum class task_status : std::uint8_t { pending, running, succeeded, failed, cancelled };
[[nodiscard]] std::string_view to_string(task_status s) noexcept;

/// Names and ways of a task.
struct task_options {
  std::string name = "anonymous";  ///< for receipts, events and messages; one of more than 128 bytes is cut
  task_kind kind = task_kind::io;  ///< for people and metrics
  bool background = false;         ///< owned like any other, but its failure does not fail the scope
};

}  // namespace workit

namespace workit::detail {

class scope_node;

/// A fiber of the home loop that waits for a task, on that fiber's stack.
struct joiner {
  fiber* waiting;
  joiner* next = nullptr;
};

/// Everything about a task but the type of its value.
class task_state_base : public node {
 public:
  // By reference: a short name is copied at every move.
  task_state_base(task_options&& options, loop& home, node* parent);
  ~task_state_base() override;

  /// Blocks: the fiber, or the foreign thread. Cancel: the getter's; a task that has ended by itself answers all the
  /// same. Errors: asserts on a loop's own stack.
  void wait_settled();
  /// As that, but a task that was cancelled with its getter answers, too.
  void await_settled();
  [[nodiscard]] bool is_settled() const noexcept { return status() >= task_status::succeeded; }
  [[nodiscard]] task_status status() const noexcept { return status_.load(std::memory_order_acquire); }
  /// Marks the value as handed out; a second time is misuse.
  void take_once();
  /// Throws what a task that did not succeed throws at its getter.
  [[noreturn]] void throw_failure() const;

  /// Queues the body on the home loop. Threads: the home loop's.
  static void start(std::shared_ptr<task_state_base> task);
  /// Runs it at once, on the calling thread's own stack: loop::run_here().
  void start_here();
  /// The whole life of the task, on its own fiber.
  void run() final;
  /// Calls `then` on the home loop's stack once the task has settled: at once, if it has. Threads: the home loop's.
  void when_settled(std::function<void()> then);
  /// Settles a task that never starts: its scope was stopping when it was spawned.
  void settle_unstarted(cancel_reason why);

  const task_kind kind;
  const bool background;

 private:
  void enlist();
  // here, so that they share a word with the above
  std::atomic<task_status> status_{task_status::pending};
  std::atomic<bool> taken_{false};
  std::atomic<bool> awaited_outside_{false};  // a foreign thread waits, or has waited, for the status to change

 public:
  /// What a failed task threw; null for every other.
  [[nodiscard]] const std::exception_ptr& error() const noexcept;
  /// Why a task was cancelled; null unless it was.
  [[nodiscard]] const cancel_reason* why() const noexcept;
  time_point spawned_at{};  // the runtime's clock, as started_at; loop::recently()
  time_point started_at{};

 protected:
  /// Calls the body and keeps its value.
  virtual void call(context& ctx) = 0;
  /// Destroys the body with all it captured: before any waiter learns that the task has ended.
  virtual void drop_body() noexcept = 0;
  /// Called once, last of all, on the thread that settles: nothing of the task runs any more.
  virtual void settled() noexcept {}

 private:
  void end(task_status how);
  void tell_of_end(task_status how, duration took);
  void settle(task_status how);

  void wait_outside();

  /// The scope that counts it, while it is open; null for a root.
  [[nodiscard]] scope_node* owner() const noexcept { return parent != nullptr ? parent->nearest_scope() : nullptr; }

  joiner* joiners_ = nullptr;  // the latest first: one task may have many
};

/// A body that can be called as T(context&) or T().
template <class F>
concept task_function = std::invocable<F&, context&> || std::invocable<F&>;

template <class F>
inline constexpr bool makes_a_task_function = false;
template <task_function F>
inline constexpr bool makes_a_task_function<F> = [] {
  if constexpr (std::invocable<F&, context&>)
    return std::invocable<std::add_lvalue_reference_t<std::invoke_result_t<F&, context&>>, context&>;
  else
    return std::invocable<std::add_lvalue_reference_t<std::invoke_result_t<F&>>, context&>;
}();

/// The sentences about what is none.
template <class F>
constexpr void require_task_function() noexcept {
  static_assert(task_function<F>,
                "workit: a task function is called as F(workit::context&) or F(): this one takes something else");
  static_assert(!makes_a_task_function<F>,
                "workit: this function returns a task function, and so it never runs: pass that one itself, or call it "
                "with the context");
}

template <class F>
decltype(auto) call_task(F& body, context& ctx) {
  if constexpr (std::invocable<F&, context&>)
    return body(ctx);
  else
    return body();
}

template <class F>
using task_result = decltype(call_task(std::declval<F&>(), std::declval<context&>()));

template <class T>
class task_state : public task_state_base {
 public:
  using task_state_base::task_state_base;
  std::optional<stored<T>> value;
};

template <class F>
class task_state_of final : public task_state<task_result<F>> {
 public:
  using T = task_result<F>;
  template <class G>
  task_state_of(G&& body, task_options&& options, loop& home, node* parent)
      : task_state<T>(std::move(options), home, parent), body_(std::forward<G>(body)) {}

 private:
  void call(context& ctx) override {
    if constexpr (std::is_void_v<T>) {
      call_task(*body_, ctx);
      this->value.emplace();
    } else if constexpr (std::is_reference_v<T>) {
      this->value.emplace(std::addressof(call_task(*body_, ctx)));
    } else {
      this->value.emplace(call_task(*body_, ctx));
    }
  }
  void drop_body() noexcept override { body_.reset(); }

  std::optional<F> body_;
};

/// A task that is not launched yet. Threads: any.
template <class F>
auto make_task(F&& body, task_options&& options, loop& home, node* parent) {
  using state = task_state_of<std::decay_t<F>>;
  return std::allocate_shared<state>(block_allocator<state>{}, std::forward<F>(body), std::move(options), home, parent);
}

}  // namespace workit::detail
