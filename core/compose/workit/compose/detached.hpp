// detached: work that outlives its caller, but not its own limit, and never out of sight.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <workit/scope/runtime.hpp>

namespace workit {

struct detached_options {
  std::string name = "detached";  ///< 1 to 128 characters
  /// How long it may live before it is cancelled and its task fails with timed_out; duration::max() for no limit.
  /// By default five minutes: what nobody waits for must not stay for ever.
  duration max_lifetime = std::chrono::minutes(5);
};

/// One entry of the registry.
struct detached_task {
  work_id id = 0;
  std::string name{};
  time_point since{};  ///< the runtime's clock
  deadline until{};
};

/// The registry of a runtime's detached tasks. A task leaves it when its body, with all it captured, is gone.
/// Threads: any. Lifetime: the runtime's.
class detached_tasks {
 public:
  /// Those that have not ended, in the order in which they were made.
  [[nodiscard]] std::vector<detached_task> list() const;
  [[nodiscard]] std::size_t size() const;
  /// Cancels all that are listed; returns how many this call has stopped. Blocks: as scope::cancel, for each.
  std::size_t cancel(const cancel_reason& why);
  /// Waits until none is left, at most for `grace` of the machine's time; whether none is.
  /// Blocks: the calling thread; misuse on an I/O thread.
  bool drain(duration grace);

  /// For detached(): a place, taken before the task is made, and given back by the body that goes.
  class place {
   public:
    place(detached_tasks& registry, detached_task entry);
    ~place();
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    [[nodiscard]] std::uint64_t key() const noexcept { return key_; }

   private:
    detached_tasks& registry_;
    std::uint64_t key_;
  };
  /// The task in the place has this id and is cancelled so. One that has ended already is not listed any more.
  void attach(std::uint64_t key, work_id id, std::function<bool(const cancel_reason&)> cancel);

 private:
  struct entry {
    detached_task shown{};
    std::function<bool(const cancel_reason&)> cancel{};
    std::optional<cancel_reason> cancelled_early{};  // before there was whom to tell
  };

  mutable std::mutex mutex_;
  std::condition_variable none_left_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, entry> entries_;
};

namespace detail {
void check_options(const detached_options& options);
}

/// Starts a root of its own, which delays no scope and is cancelled with none; the runtime's end takes it along as it
/// does other roots. It runs on any of the I/O threads: what it captures it has to own.
/// Blocks: no. Threads: any. Errors: asserts on options that cannot be; the task's are its handle's.
template <detail::task_function F>
auto detached(runtime& rt, detached_options options, F body) -> task<detail::task_result<F>> {
  detail::check_options(options);
  const auto now = rt.clock().now();
  const auto until = deadline::in(options.max_lifetime, now);
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
