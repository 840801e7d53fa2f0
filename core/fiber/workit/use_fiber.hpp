// use_fiber: the completion token that lets a fiber await any Asio operation.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <optional>
#include <tuple>
#include <workit/fiber/detail/async_operation.hpp>

namespace workit {

/// `auto n = socket.async_read_some(buffer, workit::use_fiber);` suspends the fiber until the operation completes and
/// returns its result. An error_code becomes boost::system::system_error, an exception_ptr is rethrown; what remains is
/// returned: nothing, a value, or a tuple. redirect_error and as_tuple compose with it.
///
/// Blocks: the fiber. Threads: best a fiber whose loop is the object's, see executor(). Objects of other io_contexts
/// work too, at the cost of a message for each step: the steps of a composed operation run on the fiber's loop.
/// Cancel: checked before the operation begins; a cancellation of the scope emits `terminal` on the fiber's loop,
/// waits for the operation to come back, then throws `cancelled`. An operation that completed is delivered; the
/// cancellation fires at the next cancel point. An error other than operation_aborted is delivered as it is.
/// Errors: misuse, asserted, on a loop's own stack (in handlers) and on foreign threads.
struct use_fiber_t {};
inline constexpr use_fiber_t use_fiber{};

namespace detail {

/// What the fiber gets from the arguments of the handler.
template <class... Args>
struct fiber_result {
  static auto unpack(async_operation&, std::tuple<Args...>&& all) {
    if constexpr (sizeof...(Args) == 1)
      return std::get<0>(std::move(all));
    else if constexpr (sizeof...(Args) > 1)
      return std::move(all);
  }
};
template <class... Args>
struct fiber_result<boost::system::error_code, Args...> {
  static auto unpack(async_operation& op, std::tuple<boost::system::error_code, Args...>&& all) {
    if (const auto failed = std::get<0>(all); failed) {
      if (failed == boost::asio::error::operation_aborted) op.throw_if_cancelled();
      throw boost::system::system_error(failed);
    }
    return rest(op, std::move(all), std::index_sequence_for<Args...>{});
  }
  template <std::size_t... I>
  static auto rest(async_operation& op, std::tuple<boost::system::error_code, Args...>&& all,
                   std::index_sequence<I...>) {
    return fiber_result<Args...>::unpack(op, std::tuple<Args...>(std::get<I + 1>(std::move(all))...));
  }
};
template <class... Args>
struct fiber_result<std::exception_ptr, Args...> {
  static auto unpack(async_operation& op, std::tuple<std::exception_ptr, Args...>&& all) {
    if (std::get<0>(all)) {
      if (async_operation::says_aborted(std::get<0>(all))) op.throw_if_cancelled();
      std::rethrow_exception(std::get<0>(all));
    }
    return rest(op, std::move(all), std::index_sequence_for<Args...>{});
  }
  template <std::size_t... I>
  static auto rest(async_operation& op, std::tuple<std::exception_ptr, Args...>&& all, std::index_sequence<I...>) {
    return fiber_result<Args...>::unpack(op, std::tuple<Args...>(std::get<I + 1>(std::move(all))...));
  }
};

/// The handler: keeps the result on the awaiting fiber's stack and wakes it.
template <class... Args>
struct fiber_handler {
  using executor_type = boost::asio::io_context::executor_type;
  using cancellation_slot_type = boost::asio::cancellation_slot;

  async_operation* op;
  std::optional<std::tuple<Args...>>* result;

  [[nodiscard]] executor_type get_executor() const noexcept { return op->home_executor(); }
  [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return op->slot(); }

  template <class... Given>
  void operator()(Given&&... given) {
    result->emplace(std::forward<Given>(given)...);
    op->complete();
  }
};

}  // namespace detail
}  // namespace workit

template <class... Args>
class boost::asio::async_result<workit::use_fiber_t, void(Args...)> {
 public:
  using return_type = decltype(workit::detail::fiber_result<std::decay_t<Args>...>::unpack(
      std::declval<workit::detail::async_operation&>(), std::declval<std::tuple<std::decay_t<Args>...>>()));

  template <class Initiation, class... InitArgs>
  static return_type initiate(Initiation&& initiation, workit::use_fiber_t, InitArgs&&... args) {
    std::optional<std::tuple<std::decay_t<Args>...>> result;
    workit::detail::async_operation op;
    std::forward<Initiation>(initiation)(workit::detail::fiber_handler<std::decay_t<Args>...>{&op, &result},
                                         std::forward<InitArgs>(args)...);
    op.await();
    return workit::detail::fiber_result<std::decay_t<Args>...>::unpack(op, std::move(*result));
  }
};
