// detached: work that outlives its caller, but not its own limit, and never out of sight.
#pragma once

#include <workit/scope/detached_tasks.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {

struct detached_options {
  std::string name = "detached";  ///< one of more than 128 characters is cut
  /// How long it may live before it is cancelled and its task fails with timed_out; duration::max() for no limit.
  /// By default five minutes: a task that no caller waits for must not stay for ever.
  time_span max_lifetime = std::chrono::minutes(5);
};

/// Starts a root of its own, which delays no scope and is cancelled with none; the runtime's end takes it along as it
/// does other roots. It runs on any of the I/O threads: what it captures it has to own.
/// Blocks: no. Threads: any. Errors: the task's are its handle's; timed_out where there is no
/// time to live.
template <detail::task_function F>
auto detached(runtime& rt, detached_options options, F body) -> task<detail::task_result<F>> {
  const auto now = rt.clock().now();
  const auto until = deadline_point::in(options.max_lifetime, now);
  auto place = std::make_shared<detached_tasks::place>(rt.detached(), detached_task{0, options.name, now, until});
  const auto key = place->key();
  auto run = [place = std::move(place), body = std::move(body)](scope& s) mutable -> detail::task_result<F> {
    return detail::call_task(body, static_cast<context&>(s));
  };
  scope_options root{.name = std::move(options.name)};
  if (!until.is_never()) root.deadline = options.max_lifetime;
  auto handle = rt.spawn(std::move(root), std::move(run));
  rt.detached().attach(key, handle.id(), [handle](const cancel_reason& why) mutable { return handle.cancel(why); });
  return handle;
}
template <detail::task_function F>
auto detached(runtime& rt, F body) {
  return detached(rt, detached_options{}, std::move(body));
}
/// The same from inside of a task.
template <detail::task_function F>
auto detached(context& ctx, detached_options options, F body) {
  return detached(ctx.runtime(), std::move(options), std::move(body));
}
template <detail::task_function F>
auto detached(context& ctx, F body) {
  return detached(ctx.runtime(), detached_options{}, std::move(body));
}

}  // namespace workit
