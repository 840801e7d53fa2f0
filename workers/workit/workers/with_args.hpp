// with_args: a preload or worker_init with arguments.
#pragma once

#include <workit/workers/detail/remote_call.hpp>
#include <workit/workers/startup_call.hpp>

namespace workit {

namespace detail {
/// Refuses what does not go with a start. Errors: wire_error with a sentence.
void check_startup(const workers::remote_call& call);
}  // namespace detail

/// `fn(args...)`, for process_options::preload and worker_init:
///
///   workit::processes({.preload = workit::with_args(load_model, settings.model_path)})
///
/// A zygote starts this program's image anew: it has the static objects as they were before main, and nothing that main
/// has set. So what `fn` has to know comes as arguments. They are encoded here and now, and decoded before each call,
/// as those of offload(); `fn` is a function or a captureless lambda that returns void. Errors: wire_error for a
/// shared_buffer or a channel, and for more than 64 MiB; start_failed as offload().
template <class F, class... Args>
[[nodiscard("a start that is given to no pool is not made")]] startup_call with_args(F&& fn, Args&&... args) {
  using callable = workers::detail::callable<F>;
  workers::detail::check_callable<callable>();
  using shape = workers::detail::call_shape<callable, Args...>;
  static_assert(std::is_void_v<typename shape::result>,
                "workit: a preload or worker_init returns nothing; it leaves what it has loaded in static objects");
  static_assert(shape::takes == workers::detail::own_context::none,
                "workit: a preload or worker_init has no context, since it runs before any task");
  workers::any_function code = nullptr;
  if constexpr (workers::detail::function_pointer<callable>)
    code = reinterpret_cast<workers::any_function>(static_cast<callable>(fn));
  auto call = workers::make_remote_call(std::forward<F>(fn), std::forward<Args>(args)...);
  detail::check_startup(call);
  return startup_call(std::make_shared<const workers::remote_call>(std::move(call)), code, typeid(callable));
}

}  // namespace workit
