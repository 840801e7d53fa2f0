// hedge: a second and third attempt beside the first, when that is slow.
#pragma once

#include <workit/compose/detail/branches.hpp>

namespace workit {

struct hedge_options {
  time_span after{};    ///< how long an attempt has before another one starts beside it; more than zero
  std::size_t max = 2;  ///< attempts in all, the first included; 1 to 1,000
  /// As in compose_options.
  time_span grace = std::chrono::seconds(1);
};

namespace detail {
void check_options(const hedge_options& options);
std::size_t run_hedge(context& ctx, const hedge_options& options, branch_bodies attempts);
}  // namespace detail

/// A task function that runs `function`, starts it once more each time `after` passes without a success, and returns
/// the value of the attempt that succeeds first. An attempt that fails brings the next forward, as in gRPC's hedging
/// (gRPC proposal A6). The attempts share the one function object; they run on one thread, in turns.
///
/// Blocks: the fiber, until the losers have ended, too: they are cancelled with reason::race_lost{winner}.
/// Cancel: is a cancel point; starts nothing more, cancels and joins what runs first.
/// Errors: aggregate_error when all `max` attempts have failed.
template <class F>
[[nodiscard("a task function does nothing until it is called")]] auto hedge(hedge_options options, F function) {
  detail::require_task_function<F>();
  using T = detail::task_result<F>;
  detail::check_options(options);
  return [options, function = std::move(function)](context& ctx) mutable -> T {
    std::vector<detail::slot<T>> values(options.max);
    detail::branch_bodies attempts;
    for (auto& value : values)
      attempts.emplace_back([&function, &value](context& c) { detail::call_into<T>(value, function, c); });
    const auto winner = detail::run_hedge(ctx, options, std::move(attempts));
    return detail::restore<T>(std::move(*values[winner]));
  };
}

}  // namespace workit
