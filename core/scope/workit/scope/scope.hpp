// scope: owns all the work of a request, or of a part of one.
#pragma once

#include <workit/scope/context.hpp>
#include <workit/scope/scope_receipt.hpp>
#include <workit/scope/shared_task.hpp>
#include <workit/scope/snapshot.hpp>
#include <workit/scope/subscription.hpp>

namespace workit {

struct scope_options {
  std::string name = "scope";  ///< for receipts, events and messages; one of more than 128 bytes is cut
  /// Time from opening to the deadline. A scope that has not closed by then is cancelled and its opener gets timed_out,
  /// whatever its body returns; with zero or less the body does not begin.
  std::optional<time_span> deadline{};
  /// The instant of the deadline; of both the earlier one rules.
  deadline_point deadline_at{};
  /// How long one cleanup may take; by default the enclosing scope's, the runtime's (30 s) at the root.
  std::optional<time_span> cleanup_timeout{};
  /// Context values for this scope and all below it; over those it inherits.
  workit::values values{};
  /// What this scope and all below it may use, as in `{{tokens, 1000}, {cost, 0.25}}`: see budget_limit.
  std::vector<budget_limit> budgets{};
  /// Called once with the complete receipt, on the loop's stack (must not suspend), after the last reclaim: often after
  /// run() has returned, which does not wait for the memory of killed workers, and at the latest while the runtime ends.
  /// So it captures no local of its opener by reference: what it writes to outlives the runtime, or is shared.
  std::function<void(const scope_receipt&)> on_receipt{};
};

class remote_scope;
class scope_context;
namespace detail {
class scope_face;
}
/// What users write. The class has another name so that scopes, too, have the member scope() of their contexts.
using scope = scope_context;

/// A context that owns tasks. It closes after everything it owns has ended: tasks, then cleanups, last in first out.
/// The first failure of a foreground task cancels the others (reason::sibling_failed), a failure of the body cancels
/// all (reason::parent_failed).
///
/// Threads: the fibers of its own tree; remote() is for all others. Lifetime: until the scope has closed, so that its
/// tasks and cleanups may refer to it after the body has returned. Errors: using it afterwards is misuse; it asserts
/// while the I/O thread lives, until that has closed 1,000 scopes more. What shall outlive the scope keeps remote().
class scope_context final : public context {
 public:
  /// Starts a task: T(context&) or T(). It begins when its loop next turns, never inside spawn. In a scope that is
  /// stopping it is born cancelled and its body never runs. Errors: spawning after the scope has closed is misuse.
  template <class F>
    requires detail::task_function<std::decay_t<F>>
  auto spawn(task_options options, F&& body) -> task<detail::task_result<std::decay_t<F>>> {
    detail::require_task_function<std::decay_t<F>>();
    auto state = detail::make_task(std::forward<F>(body), std::move(options), *node_->home, &*node_);
    launch(state);
    return task<detail::task_result<std::decay_t<F>>>(std::move(state));
  }
  template <class F>
    requires detail::task_function<std::decay_t<F>>
  auto spawn(F&& body) { return spawn(task_options{}, std::forward<F>(body)); }
  // For their sentences:
  template <class F>
    requires(!detail::task_function<std::decay_t<F>>)
  void spawn(task_options, F&&) { detail::require_task_function<std::decay_t<F>>(); }
  template <class F>
    requires(!detail::task_function<std::decay_t<F>>)
  void spawn(F&&) { detail::require_task_function<std::decay_t<F>>(); }
  template <class F>
  void spawn(F&&, task_options) {
    detail::refuse_order<F>();
  }

  /// Starts a task under an idempotency key, or joins the one that lives under it here: then that one is returned, also
  /// if it is being cancelled, and `options` and `body` are dropped. A key is free again once its task has ended, its
  /// cleanups included; nothing of it stays. Keys are this scope's own, those of nested scopes are others.
  /// Errors: std::invalid_argument for a key that is empty or over 512 bytes, or under which a task with another type
  /// of value lives; as spawn().
  template <class F>
    requires detail::task_function<std::decay_t<F>>
  auto spawn_once(std::string_view key, task_options options, F&& body)
      -> shared_task<detail::task_result<std::decay_t<F>>> {
    using state_type = detail::task_state<detail::task_result<std::decay_t<F>>>;
    if (const auto live = live_under(key, options)) {
      auto state = std::dynamic_pointer_cast<state_type>(live);
      if (state == nullptr) refuse_type(key, *live);
      return shared_task<detail::task_result<std::decay_t<F>>>(std::move(state));
    }
    std::shared_ptr<state_type> state =
        detail::make_task(std::forward<F>(body), std::move(options), *node_->home, &*node_);
    launch_under(key, state);
    return shared_task<detail::task_result<std::decay_t<F>>>(std::move(state));
  }
  template <class F>
    requires detail::task_function<std::decay_t<F>>
  auto spawn_once(std::string_view key, F&& body) { return spawn_once(key, task_options{}, std::forward<F>(body)); }

  /// Stops everything the scope owns; true to the one call that decided it, and the first reason stays.
  /// Blocks: no, unless work behind a boundary has to be stopped (tens of microseconds).
  bool cancel(cancel_reason why);
  bool cancel(std::string tag);

  /// Moves the deadline to `after` from now, or to `at`, if that is earlier than the present one. A later one changes
  /// nothing.
  void tighten_deadline(time_span after);
  void tighten_deadline(deadline_point at);

  /// Calls `handler` for every event of this scope and of all below it, on the loop's thread, until the subscription
  /// ends or the scope has closed. A handler must not suspend; what it throws is swallowed. One that is to hear the
  /// scope close is kept: `s.on_event(note).keep()`. What an event holds is in <workit/base/event.hpp>.
  /// Errors: std::invalid_argument for more than 10,000 on one scope.
  subscription on_event(std::function<void(const lifecycle_event&)> handler);

  /// Calls `handler` once with the first reason when this scope is cancelled, or one above it, and not at all when it
  /// closes in peace or when its subscription has ended; before the cleanups run. One that is registered in a stopping
  /// scope is called when the loop next turns. It runs on the loop's stack and must not suspend; what it throws is
  /// swallowed. Errors: std::invalid_argument for more than 10,000 on one scope.
  subscription on_cancel(std::function<void(const cancel_reason&)> handler);

  /// What this scope and all below it are doing, of one instant. Costs about a microsecond a task.
  /// Blocks: no. Threads: its loop's, the loop's own stack (handlers) included.
  [[nodiscard]] scope_snapshot status() const;

  /// A handle for other threads.
  [[nodiscard]] remote_scope remote() const;

  explicit scope_context(detail::scope_node& n) noexcept;

 private:
  friend class detail::scope_face;
  [[nodiscard]] detail::scope_node& own() const noexcept;
  void launch(std::shared_ptr<detail::task_state_base> state);
  /// Of spawn_once: the task that lives under `key`, or null; what makes a new one live there; the misuse.
  [[nodiscard]] std::shared_ptr<detail::task_state_base> live_under(std::string_view key,
                                                                    const task_options& options) const;
  void launch_under(std::string_view key, std::shared_ptr<detail::task_state_base> state);
  [[noreturn]] void refuse_type(std::string_view key, const detail::task_state_base& live) const;
};

/// The innermost scope in which the calling fiber runs: the one whose body it is, or that owns its task; null on a
/// loop's own stack and on foreign threads. For code that gets no context passed. Lifetime: until the scope has closed.
[[nodiscard]] scope* current_scope() noexcept;

/// A scope as other threads may see it. Lifetime: any; once the scope has closed, cancel() returns false and a spawned
/// task is born cancelled.
class remote_scope {
 public:
  /// As scope::cancel. Threads: any.
  bool cancel(cancel_reason why) const;
  bool cancel(std::string tag) const;

  /// As scope::spawn; the body runs on the scope's loop. A scope that has not closed when this is called stays open for
  /// the task. Threads: any.
  template <class F>
    requires detail::task_function<std::decay_t<F>>
  auto spawn(task_options options, F&& body) const -> task<detail::task_result<std::decay_t<F>>> {
    detail::require_task_function<std::decay_t<F>>();
    auto& owner = node();
    auto state = detail::make_task(std::forward<F>(body), std::move(options), *owner.home, &owner);
    launch(state);
    return task<detail::task_result<std::decay_t<F>>>(std::move(state));
  }
  template <class F>
    requires detail::task_function<std::decay_t<F>>
  auto spawn(F&& body) const { return spawn(task_options{}, std::forward<F>(body)); }

  /// As context::consume. Threads: any.
  void consume(const budget_key& key, amount how_much) const;
  void consume(std::initializer_list<charge> charges) const;

  /// As scope::status, taken on the scope's loop; of a closed scope, what is left.
  /// Blocks: the fiber, or the foreign thread, until that loop has answered; no on that loop itself. Threads: any.
  /// Cancel: the caller's own scope, while the fiber waits. Errors: asserts on another loop's own stack, which it would
  /// block.
  [[nodiscard]] scope_snapshot status() const;

  explicit remote_scope(std::shared_ptr<detail::scope_node> n) noexcept;

 private:
  [[nodiscard]] detail::node& node() const noexcept;
  void launch(std::shared_ptr<detail::task_state_base> state) const;

  std::shared_ptr<detail::scope_node> node_;
};

namespace detail {

/// A call to a callable, const or not, that outlives it; no allocation.
class scope_body {
 public:
  template <class F>
  explicit scope_body(F& f) noexcept
      : object_(std::addressof(f)),
        call_([](const void* o, workit::scope& s) { (*static_cast<F*>(const_cast<void*>(o)))(s); }) {}
  void operator()(workit::scope& s) const { call_(object_, s); }

 private:
  const void* object_;
  void (*call_)(const void*, workit::scope&);
};

/// The sentences about what is no body of a scope.
template <class F>
constexpr bool is_scope_function() noexcept {
  constexpr bool is_one = std::invocable<F&, workit::scope&>;
  static_assert(is_one,
                "workit: the body of a scope is called as F(workit::scope&) or F(workit::context&): this one takes "
                "something else, or is const and changes as it runs");
  if constexpr (is_one)
    static_assert(!std::invocable<std::add_lvalue_reference_t<std::invoke_result_t<F&, workit::scope&>>, context&>,
                  "workit: this function returns a task function, and so it never runs: pass that one itself, or call "
                  "it with the context");
  return is_one;
}

/// Has `open` call `body` with a scope, and returns what that gave.
template <class F, class Open>
decltype(auto) value_of_scope(F& body, Open&& open) {
  if constexpr (is_scope_function<F>()) {
    using T = std::invoke_result_t<F&, workit::scope&>;
    if constexpr (std::is_void_v<T>) {
      open(scope_body(body));
    } else {
      std::optional<stored<T>> value;
      auto keep = [&](workit::scope& s) {
        if constexpr (std::is_reference_v<T>)
          value.emplace(std::addressof(body(s)));
        else
          value.emplace(body(s));
      };
      open(scope_body(keep));
      return restore<T>(std::move(*value));
    }
  }
}

/// What composables ask of a scope beyond its options.
struct scope_traits {
  cancel_cell::shield shield = cancel_cell::shield::off;
  bool limits_time = false;    ///< its deadline ends a time limit: reason::timeout
  bool believes_body = false;  ///< what its body returns counts, also when its time is over
};

/// The life of a scope, on the current fiber; throws what context::scope says.
void run_scope(node& parent, scope_options options, scope_body body, scope_traits traits = {});

}  // namespace detail

template <class F>
decltype(auto) context::scope(scope_options options, F&& body) {
  return detail::value_of_scope(
      body, [&](detail::scope_body in_scope) { detail::run_scope(*node_, std::move(options), in_scope); });
}

template <class F>
decltype(auto) context::scope(F&& body) {
  return scope(scope_options{}, std::forward<F>(body));
}

template <class F>
void context::scope(F&&, scope_options) {
  detail::refuse_order<F>();
}

}  // namespace workit
