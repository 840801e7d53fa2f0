// offload(): a task function that runs behind a worker boundary, where it can be stopped.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <workit/base/boundary.hpp>
#include <workit/base/worker_errors.hpp>
#include <workit/scope/context.hpp>
#include <workit/workers/detail/remote_call.hpp>
#include <workit/workers/process_options.hpp>

namespace workit {

struct offload_options {
  /// Where it runs: process, whose stop is unconditional, or thread, whose stop is in place, in microseconds, or
  /// refused with the reason (docs/thread-boundary.md).
  workit::boundary boundary = workit::boundary::process;
  /// Limit from the call to the result, queueing and start-up included; past it the work is stopped and the caller gets
  /// timed_out; with zero or less it does not begin. None by default: the scope's deadline rules in any case.
  std::optional<time_span> timeout{};
  /// Which pool of that boundary, by its name; empty is the first one of the runtime.
  std::string pool{};
  /// Before which of those that wait in its pool it is given a worker.
  task_priority priority = task_priority::normal;
  /// Of this call; the lower of these and the pool's holds. `processes` is the pool's only. At boundary::process only.
  process_limits limits{};
  /// How long the work may take to stop by itself when it is to be stopped: fn's own context says so (stopping(), its
  /// stop token, cancel points), and what has not ended by then is stopped hard. Zero by default: at once, since code
  /// that takes no context would only burn the time.
  time_span grace{};
  /// Declares that fn may be begun several times before it runs to its end once. workit cannot check this. What a dead
  /// worker had done to files or other systems stays done.
  bool idempotent = false;
  /// How often it may begin in all, 1 to 1,000; more than once for what is idempotent, at boundary::process. When its
  /// worker dies under it (a crash, an exit, a SIGKILL from outside, a death before the task began), it is given to
  /// another at once, within the same time-out, unless its scope is stopping. Not after a stop, a limit, a forbidden
  /// system call or a kill that was probably for want of memory, which would only come again, nor after an exception,
  /// which is an answer: that is for retry(). Once by default: what has killed one worker may kill the next.
  std::size_t attempts = 1;
  /// Hears what the call has taken, however it ended, on its fiber before it goes on; of several attempts, each. What
  /// it throws is the call's error.
  std::function<void(const worker_usage&)> on_end{};
};

namespace detail {
/// Refuses options that contradict each other. Errors: std::invalid_argument with a sentence.
void check_options(const offload_options& options, const workers::remote_call& call);
/// Runs the call on the current fiber's behalf and returns the encoded result.
workers::encoded_result run_behind_boundary(context& ctx, const offload_options& options,
                                            const workers::remote_call& call);
}  // namespace detail

/// A task function R(context&) that calls fn(args...), fn(context, args...) or fn(worker_context, args...) in a worker.
/// `fn` is a function or a captureless lambda; arguments and result travel by value (docs/process-boundary.md says what
/// travels; what cannot does not compile). Arguments are encoded here and now, so that later changes to them do not
/// matter. It may be called more than once. The worker's context is that of a scope in the worker: spawn, sleep,
/// deadline, stop token, defer and composables work there; its reports and log lines are those of the calling task
/// here, and it charges the budgets here, by the names of their keys. A parameter `worker_sender<T>` is given a
/// worker_channel<T> (<workit/workers/worker_channel.hpp>), from which the caller receives while the task runs. Context
/// values do not travel. A worker_context is lighter, and the same at every boundary; a full context only a process
/// has.
///
/// Calling it:
/// Blocks: the fiber, until the result is there or the stop of the work is proven.
/// Cancel: the work is stopped; the caller goes on only when not one instruction of it can run any more, and throws
///   `cancelled`; the exception is a thread whose stop was refused, which the receipt says. A result that was committed
///   first is delivered.
/// Errors: timed_out; at boundary::thread what fn throws, itself; else those of <workit/base/worker_errors.hpp>, as a
///   remote_error for an exception of fn; start_failed when there is no such pool or no worker can be had; of these
///   queue_full when too many are waiting and the pool refuses, and pool_stopped when it takes no more.
template <class F, class... Args>
[[nodiscard("a task function does nothing until it is called")]] auto offload(offload_options options, F&& fn,
                                                                              Args&&... args) {
  workers::detail::check_callable<workers::detail::callable<F>>();
  static_assert(!(std::is_same_v<std::remove_cvref_t<Args>, offload_options> || ...),
                "workit: options stand before the function");
  using R = workers::result_of<F, Args...>;
  auto call = workers::make_remote_call(std::forward<F>(fn), std::forward<Args>(args)...);
  detail::check_options(options, call);
  return [options = std::move(options), call = std::move(call)](context& ctx) -> R {
    const auto encoded = detail::run_behind_boundary(ctx, options, call);
    return workers::read_result<R>(encoded);
  };
}
/// The same with the default options: in a worker process of the first pool.
template <class F, class... Args>
  requires(!std::is_same_v<std::remove_cvref_t<F>, offload_options>)
[[nodiscard("a task function does nothing until it is called")]] auto offload(F&& fn, Args&&... args) {
  return offload(offload_options{}, std::forward<F>(fn), std::forward<Args>(args)...);
}
// For its sentence:
template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, offload_options>)
void offload(F&&, offload_options) { detail::refuse_order<F>(); }

}  // namespace workit
