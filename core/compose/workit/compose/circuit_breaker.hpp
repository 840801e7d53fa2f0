// circuit_breaker: refuses calls to what has failed too often, until it has had time to recover.
#pragma once

#include <workit/base/errors.hpp>
#include <workit/scope/detail/in_scope.hpp>

namespace workit {

struct circuit_breaker_options {
  std::string name = "circuit";                      ///< for messages; 1 to 128 characters
  std::size_t failure_threshold = 5;                 ///< consecutive failures that open it; 1 or more
  time_span reset_after = std::chrono::seconds(30);  ///< how long it stays open; more than zero
  std::size_t half_open_calls = 1;                   ///< trial calls at a time after that; 1 or more
};

enum class circuit_state : std::uint8_t {
  closed,     ///< calls pass
  open,       ///< calls are refused
  half_open,  ///< a few trial calls pass: the first to succeed closes it, the first to fail opens it again
};
[[nodiscard]] std::string_view to_string(circuit_state s) noexcept;

namespace detail {
class circuit;

/// One admitted call: what becomes of it counts only in the epoch in which it was admitted.
class circuit_call {
 public:
  /// Errors: circuit_open.
  circuit_call(std::shared_ptr<circuit> c, context& ctx);
  /// A call without an answer, a cancelled one, counts for nothing and makes room for another.
  ~circuit_call();
  circuit_call(const circuit_call&) = delete;
  circuit_call& operator=(const circuit_call&) = delete;
  void succeeded();
  void failed();

 private:
  const std::shared_ptr<circuit> circuit_;
  context& ctx_;
  std::uint64_t epoch_ = 0;
  bool answered_ = false;
};

}  // namespace detail

/// The state that the functions which it guards share, for one resource. A time-out is a failure; a cancellation is
/// neither failure nor success. Threads: any, also functions that run on different loops. Lifetime: shared with the
/// functions.
class circuit_breaker {
 public:
  /// Errors: std::invalid_argument for options that cannot be.
  explicit circuit_breaker(circuit_breaker_options options = {});

  /// A task function that runs `function` in a scope of its own if the circuit lets it pass.
  /// Blocks: the fiber. Cancel: is a cancel point before the body begins. Errors: the body's; circuit_open.
  template <detail::task_function F>
  [[nodiscard("a task function does nothing until it is called")]] auto guard(F function) const {
    return [circuit = circuit_, function = std::move(function)](context& ctx) mutable -> detail::task_result<F> {
      ctx.check();
      detail::slot<detail::task_result<F>> value;
      detail::circuit_call call(circuit, ctx);
      auto keep = [&](context& inner) { detail::call_into<detail::task_result<F>>(value, function, inner); };
      try {
        detail::in_scope(ctx, {.name = "circuit_breaker"}, keep);
      } catch (const cancelled&) {
        throw;
      } catch (...) {
        if (!detail::is_cancellation(std::current_exception())) call.failed();
        throw;
      }
      call.succeeded();
      return detail::restore<detail::task_result<F>>(std::move(*value));
    };
  }

  /// What it is at `now`, by the clock of the runtimes that use it: context::now().
  [[nodiscard]] circuit_state state(time_point now) const;

 private:
  std::shared_ptr<detail::circuit> circuit_;
};

}  // namespace workit
