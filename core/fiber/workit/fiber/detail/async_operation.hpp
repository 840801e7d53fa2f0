// async_operation: one Asio operation that a fiber awaits.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <workit/fiber/detail/asio_configuration.hpp>

namespace workit::detail {

class fiber;

/// Lives on the stack of the awaiting fiber, from before the initiation until after the completion; it cancels from
/// there, so that a cancellation never comes late. Threads: the fiber's loop.
class async_operation {
 public:
  /// Cancel: is a cancel point. Errors: asserts that a fiber calls.
  async_operation();
  ~async_operation();
  async_operation(const async_operation&) = delete;
  async_operation& operator=(const async_operation&) = delete;

  [[nodiscard]] boost::asio::io_context::executor_type home_executor() const noexcept;
  [[nodiscard]] boost::asio::cancellation_slot slot() noexcept { return signal_.slot(); }

  /// From the handler, on the home loop's own stack.
  void complete() noexcept;
  /// Suspends until the operation is over; cancels it when the scope stops.
  void await();
  /// Throws `cancelled` if await() cancelled the operation for the scope's sake.
  void throw_if_cancelled();
  /// Whether `error` is a system_error of operation_aborted, the answer to a cancellation.
  [[nodiscard]] static bool says_aborted(const std::exception_ptr& error) noexcept;

 private:
  fiber& fiber_;
  boost::asio::cancellation_signal signal_;
  bool done_ = false;
  bool cancelled_ = false;
};

}  // namespace workit::detail
